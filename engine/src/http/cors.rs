//! Pages that may send events: what a browser asks before it lets one.
//!
//! Source: WHATWG Fetch, CORS protocol.

use actix_web::HttpResponse;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ALLOW, HeaderMap, HeaderValue, ORIGIN, VARY,
};

use super::route::{Place, allowed};

/// A browser need not ask again for a day; most ask again after two hours all the same. Units: seconds.
const MAX_AGE_S: u32 = 86_400;

/// Headers that a page may send: what the dialects and conversations read.
const HEADERS: &str = "Authorization, Content-Type, Content-Encoding, ce-specversion, ce-id, ce-source, ce-type, ce-subject, ce-time, Last-Event-ID";

/// Which origins may send events.
pub(super) enum Origins {
    All,
    Some(Vec<String>),
}

impl Origins {
    /// Returns the origins of the setting.
    pub(super) fn of(setting: &str) -> Self {
        match setting {
            "*" => Origins::All,
            list => Origins::Some(list.split(',').map(|origin| origin.trim().to_owned()).collect()),
        }
    }

    /// Adds to an answer whether the page that asked may read it.
    pub(super) fn mark(&self, asked: &HeaderMap, answer: &mut HeaderMap) {
        let Some(origin) = asked.get(ORIGIN) else { return };
        match self {
            Origins::All => {
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            }
            Origins::Some(origins) => {
                answer.append(VARY, HeaderValue::from_static("Origin"));
                if origins.iter().any(|known| known.as_bytes() == origin.as_bytes()) {
                    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                }
            }
        }
    }
}

/// Answers what may be asked at a place: to a browser before it sends, and to whoever else wants to know.
pub(super) fn options(place: &Place) -> HttpResponse {
    let methods = allowed(place.path);
    let mut answer = HttpResponse::NoContent();
    answer.insert_header((ALLOW, methods.as_str()));
    if place.is_for_pages() {
        answer
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods))
            .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
            .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE_S));
    }
    answer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(setting: &str, origin: &str, expected: Option<&str>) {
        let (mut asked, mut answer) = (HeaderMap::new(), HeaderMap::new());
        asked.insert(ORIGIN, HeaderValue::from_str(origin).expect("a header"));
        Origins::of(setting).mark(&asked, &mut answer);
        let allowed = answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().expect("text"));
        assert_eq!(allowed, expected, "{setting} {origin}");
    }

    #[test]
    fn pages_of_listed_origins_may_send_and_no_others() {
        check("*", "https://anywhere.example", Some("*"));
        check("", "https://shop.example", None);
        let list = "https://shop.example, http://localhost:3000";
        check(list, "https://shop.example", Some("https://shop.example"));
        check(list, "http://localhost:3000", Some("http://localhost:3000"));
        for other in ["http://shop.example", "https://shop.example.evil", "https://shop", "null"] {
            check(list, other, None);
        }
    }
}
