//! The reading side: what the engine knows, as people and programs of the shop ask for it.
//!
//! A [`View`] is what one route shows. Its answer is a type of its own beside it, so that what the engine keeps can change and what clients
//! read does not.

mod triggers;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use schemas::rulebook::Rulebook;
use serde::Serialize;

use super::access;
use super::problem::Refusal;
use super::route::{Place, Route};
use crate::keys::Keys;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// Every trigger in force.
    Triggers,
    /// One of them.
    Trigger,
}

/// What views are made of.
pub(super) struct Views {
    pub(super) keys: Arc<Keys>,
    pub(super) book: Arc<Rulebook>,
}

impl Views {
    /// Answers a request of a route.
    pub(super) async fn answer(
        &self,
        request: &HttpRequest,
        place: &Place,
        (route, view): (&'static Route, View),
    ) -> HttpResponse {
        let key = access::shown(request.headers());
        let answer = match access::admit(&self.keys, route, key.as_deref()) {
            Ok(()) => self.show(place, view),
            Err(refusal) => Err(refusal),
        };
        answer.unwrap_or_else(|refusal| refusal.problem())
    }

    fn show(&self, place: &Place, view: View) -> Result<HttpResponse, Refusal> {
        match view {
            View::Triggers => Ok(json(&triggers::all(&self.book))),
            View::Trigger => Ok(json(&triggers::one(&self.book, &place.parameter("trigger")?)?)),
        }
    }
}

fn json(answer: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(answer)
}
