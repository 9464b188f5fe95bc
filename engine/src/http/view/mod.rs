//! The reading side: what the engine knows, as people and programs of the shop ask for it.
//!
//! A [`View`] is what one route shows; what it answers is a type of its own, so that what the engine keeps can change and what clients read
//! does not. Everything is read by the ports of log and store, so any process of a group answers for all customers.
//!
//! | file | shows |
//! |---|---|
//! | `answers`, `told` | what several views answer with |
//! | `customer`, `profile` | one customer, whole, and how to find it |
//! | `history` | its decisions, its timeline, why and why not |
//! | `risk`, `board` | customers at risk; who knows the scores of all |
//! | `triggers` | triggers in force |
//! | `letters`, `once` | dead letters, and another try for them, once however often it is asked for |
//! | `feed`, `tail` | what happens, while it happens |
//! | `overview` | the engine at a glance |
//! | `asked` | parameters, cursors and bodies of requests |

mod answers;
mod asked;
mod told;

mod customer;
mod history;
mod profile;

mod board;
mod risk;

mod letters;
mod once;
mod triggers;

mod feed;
mod overview;
mod tail;

pub(super) use board::RISKS;
pub(super) use customer::{Customer, Found, Lookup};
pub(super) use feed::{Missed, Pulse, RiskChange};
pub(super) use history::{Decisions, Timeline, WhyAnswer};
pub(super) use letters::{Letters, Replay, Replayed};
pub(super) use overview::Overview;
pub(super) use risk::AtRisk;
pub(super) use tail::OnItsWay;
pub(super) use told::Decided;
pub(super) use triggers::{InForce, Triggers};

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use actors::metrics::Metrics;
use actors::port::Ports;
use actors::port::clock::Clock;
use schemas::rulebook::Rulebook;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use self::asked::Asked;
use self::board::Board;
use self::feed::Feed;
use self::once::Once;
use self::overview::Beats;
use super::problem::Refusal;
use super::room::Room;
use super::route::{Place, Route};
use super::{access, body, document};
use crate::clock::within;
use crate::keys::Keys;
use crate::model::Registry;
use crate::serve::Health;

/// Views that are made at a time; more are refused.
const VIEWS_MAX: usize = 64;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// The engine at a glance.
    Overview,
    /// What happens, while it happens.
    Feed,
    /// The customers that something leads to.
    Lookup,
    /// Customers at risk.
    AtRisk,
    /// One customer.
    Customer,
    /// What happened to it.
    Timeline,
    /// What was decided about it.
    Decisions,
    /// Why a trigger did or did not reach it.
    Why,
    /// Every trigger in force.
    Triggers,
    /// One of them.
    Trigger,
    /// Records that could not be handled.
    Letters,
    /// Another try for them.
    Replay,
    /// The document of this API.
    Document,
}

/// What views are made of beside what the server has anyway.
pub(super) struct Known {
    pub(super) ports: Ports,
    pub(super) book: Arc<Rulebook>,
    pub(super) models: Registry,
    pub(super) health: Health,
    pub(super) metrics: Metrics,
}

/// The reading side of a server.
pub(super) struct Views {
    known: Arc<Known>,
    keys: Arc<Keys>,
    room: Room,
    /// Longest body.
    body_max: usize,
    /// Bound of a request.
    request: Duration,
    turns: Semaphore,
    board: Arc<Board>,
    feed: Arc<Feed>,
    beats: Arc<Beats>,
    once: Arc<Once>,
    /// One at a time reads dead letters: their partitions are read at length.
    letters: Arc<Semaphore>,
}

impl Views {
    /// Returns the reading side, and what goes on beside requests.
    pub(super) fn new(
        known: Known,
        keys: Arc<Keys>,
        (room, body_max, request): (Room, usize, Duration),
    ) -> (Self, Vec<JoinHandle<()>>) {
        let feed = Arc::new(Feed::new(known.ports.clock.clone()));
        let known = Arc::new(known);
        let (board, beats) = (Arc::new(Board::default()), Arc::new(Beats::default()));
        let mut tasks = vec![
            actix_web::rt::spawn(board::walk(known.clone(), board.clone(), feed.clone())),
            actix_web::rt::spawn(overview::beat(known.clone(), beats.clone(), feed.clone())),
        ];
        tasks.extend(tail::start(&known, &feed));
        let views = Self {
            known,
            keys,
            room,
            body_max,
            request,
            turns: Semaphore::new(VIEWS_MAX),
            board,
            feed,
            beats,
            once: Arc::default(),
            letters: Arc::new(Semaphore::new(1)),
        };
        (views, tasks)
    }

    /// Ends what is open without an end.
    pub(super) fn stop(&self) {
        self.feed.close();
    }

    fn clock(&self) -> &dyn Clock {
        &*self.known.ports.clock
    }

    /// Answers a request of a route.
    ///
    /// Errors: what was asked for is not to be had, or not in time.
    pub(super) async fn answer(
        &self,
        (request, payload): (&HttpRequest, Payload),
        place: &Place,
        (route, view): (&'static Route, View),
    ) -> Result<HttpResponse, Refusal> {
        let showing = self.show((request, payload), place, (route, view));
        let mut answer = within(self.clock(), self.request, showing).await.unwrap_or(Err(Refusal::Late))?;
        // What is known of customers is kept by nobody in between.
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(answer)
    }

    async fn show(
        &self,
        (request, payload): (&HttpRequest, Payload),
        place: &Place,
        (route, view): (&'static Route, View),
    ) -> Result<HttpResponse, Refusal> {
        access::admit(&self.keys, route, access::shown(request.headers()).as_deref())?;
        let _turn = self.turns.try_acquire().map_err(|_| Refusal::Busy)?;
        let mut taken = self.room.enter(0)?;
        let sent = match route.method == Method::POST {
            true => {
                let packing = body::packing(request.headers())?;
                is_json(request.headers())?;
                body::announced(request.headers(), self.body_max)?;
                let packed = body::read(payload, &mut taken, self.body_max).await?;
                body::unpack(packed, packing, &mut taken, self.body_max)?
            }
            false => Default::default(),
        };
        let asked = Asked::new(request, place, sent);
        match view {
            View::Overview => Ok(json(&self.overview(&asked)?)),
            View::Feed => self.listen(&asked),
            View::Lookup => Ok(json(&self.lookup(&asked).await?)),
            View::AtRisk => Ok(json(&self.at_risk(&asked).await?)),
            View::Customer => Ok(json(&self.customer(&asked).await?)),
            View::Timeline => Ok(json(&self.timeline(&asked).await?)),
            View::Decisions => Ok(json(&self.decisions(&asked).await?)),
            View::Why => Ok(json(&self.why(&asked).await?)),
            View::Triggers => Ok(json(&triggers::all(&self.known, &asked)?)),
            View::Trigger => Ok(json(&triggers::one(&self.known, &asked)?)),
            View::Letters => Ok(json(&self.letters(&asked).await?)),
            View::Replay => self.replay(&asked).await,
            View::Document => {
                asked.query(&[])?;
                Ok(json(document::document()))
            }
        }
    }
}

/// Errors: the body is of another type. A page of another origin cannot send JSON without asking before.
fn is_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let named = headers.get(CONTENT_TYPE).and_then(|named| named.to_str().ok()).unwrap_or("");
    match named.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Refusal::Media { legal: "application/json" }),
    }
}

fn json(answer: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(answer)
}

#[cfg(test)]
mod tests;
