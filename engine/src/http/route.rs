//! Every route of the server: path, method, who may use it, what answers. The server has no others.
//!
//! A path is a template: `{name}` stands for one part of it that is not empty. No two templates of the table fit one path, so that their
//! order means nothing. A new kind of handler is a variant of [`Handler`], an arm in the door of the server, and its rows here.

use actix_web::http::Method;
use percent_encoding::percent_decode_str;

use super::chat::Talks;
use super::collect::Dialect;
use super::collect::cloud::CloudEvents;
use super::collect::google::Google;
use super::collect::mixpanel::Mixpanel;
use super::collect::segment::Segment;
use super::problem::Refusal;
use super::view::View;
use crate::keys::Role;

/// One method at one path.
pub struct Route {
    /// Where it is, without a slash at the end.
    pub path: &'static str,
    /// What is asked there.
    pub method: Method,
    /// Who may ask.
    pub open: Open,
    /// What answers.
    pub(super) handler: Handler,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// Whoever shows a key of one of these roles.
    Keys(&'static [Role]),
    /// A page that shows the session which it opened.
    Session,
    /// Everybody: nothing that is the shop's own is read, nothing is changed.
    Everybody,
}

/// What answers a route.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    /// The collector, to clients that say events so.
    Collects(&'static dyn Dialect),
    /// The reading side.
    Views(View),
    /// Conversations.
    Talks(Talks),
}

/// A key that may stand in a page sends events and opens sessions of it, and does nothing else; and keys that do more send none, since they may not.
const SENDERS: Open = Open::Keys(&[Role::Ingest]);

/// Everybody who works for the shop: how the engine fares.
const PEOPLE: Open = Open::Keys(&[Role::Marketer, Role::Agent, Role::Analyst, Role::Operator, Role::Admin]);

/// Whoever looks at customers.
const CUSTOMERS: Open = Open::Keys(&[Role::Agent, Role::Analyst, Role::Admin]);

/// Whoever looks at what is decided about customers.
const DECISIONS: Open = Open::Keys(&[Role::Marketer, Role::Agent, Role::Analyst, Role::Admin]);

/// Whoever looks at triggers.
const TRIGGERS: Open = Open::Keys(&[Role::Marketer, Role::Analyst, Role::Admin]);

/// Whoever mends what could not be handled.
const LETTERS: Open = Open::Keys(&[Role::Operator, Role::Admin]);

/// People of the shop who answer its customers.
const ANSWERERS: Open = Open::Keys(&[Role::Agent, Role::Admin]);

const fn collects(path: &'static str, method: Method, dialect: &'static dyn Dialect) -> Route {
    Route { path, method, open: SENDERS, handler: Handler::Collects(dialect) }
}

const fn views(path: &'static str, method: Method, open: Open, view: View) -> Route {
    Route { path, method, open, handler: Handler::Views(view) }
}

const fn talks(path: &'static str, method: Method, open: Open, talks: Talks) -> Route {
    Route { path, method, open, handler: Handler::Talks(talks) }
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// Every route.
pub static ROUTES: &[Route] = &[
    collects("/v1/identify", POST, &Segment::IDENTIFY),
    collects("/v1/track", POST, &Segment::TRACK),
    collects("/v1/page", POST, &Segment::PAGE),
    collects("/v1/screen", POST, &Segment::SCREEN),
    collects("/v1/group", POST, &Segment::GROUP),
    collects("/v1/alias", POST, &Segment::ALIAS),
    collects("/v1/batch", POST, &Segment::BATCH),
    collects("/v1/i", POST, &Segment::IDENTIFY),
    collects("/v1/t", POST, &Segment::TRACK),
    collects("/v1/p", POST, &Segment::PAGE),
    collects("/v1/s", POST, &Segment::SCREEN),
    collects("/v1/g", POST, &Segment::GROUP),
    collects("/v1/a", POST, &Segment::ALIAS),
    collects("/v1/b", POST, &Segment::BATCH),
    collects("/events", POST, &CloudEvents),
    collects("/mp/collect", POST, &Google::Collect),
    collects("/debug/mp/collect", POST, &Google::Debug),
    collects("/track", GET, &Mixpanel::Track),
    collects("/track", POST, &Mixpanel::Track),
    collects("/import", GET, &Mixpanel::Import),
    collects("/import", POST, &Mixpanel::Import),
    views("/openapi.json", GET, Open::Everybody, View::Document),
    views("/api/v1/overview", GET, PEOPLE, View::Overview),
    views("/api/v1/feed", GET, DECISIONS, View::Feed),
    views("/api/v1/lookup", POST, CUSTOMERS, View::Lookup),
    views("/api/v1/at-risk", GET, CUSTOMERS, View::AtRisk),
    views("/api/v1/customers/{customer}", GET, CUSTOMERS, View::Customer),
    views("/api/v1/customers/{customer}/timeline", GET, CUSTOMERS, View::Timeline),
    views("/api/v1/customers/{customer}/decisions", GET, DECISIONS, View::Decisions),
    views("/api/v1/customers/{customer}/why/{trigger}", GET, DECISIONS, View::Why),
    views("/api/v1/triggers", GET, TRIGGERS, View::Triggers),
    views("/api/v1/triggers/{trigger}", GET, TRIGGERS, View::Trigger),
    views("/api/v1/dead-letters", GET, LETTERS, View::Letters),
    views("/api/v1/dead-letters/replay", POST, LETTERS, View::Replay),
    talks("/chat/session", POST, SENDERS, Talks::Open),
    talks("/chat/messages", POST, Open::Session, Talks::Say),
    talks("/chat/seen", POST, Open::Session, Talks::See),
    talks("/chat/stream", GET, Open::Session, Talks::Listen),
    talks("/widget.js", GET, Open::Everybody, Talks::Widget),
    talks("/widget-demo", GET, Open::Everybody, Talks::Demo),
    talks("/api/v1/conversations", GET, ANSWERERS, Talks::Threads),
    talks("/api/v1/conversations/{customer}", GET, ANSWERERS, Talks::Thread),
    talks("/api/v1/conversations/{customer}/messages", POST, ANSWERERS, Talks::Speak),
    talks("/api/v1/conversations/{customer}/take-over", POST, ANSWERERS, Talks::TakeOver),
    talks("/api/v1/conversations/{customer}/hand-back", POST, ANSWERERS, Talks::HandBack),
];

impl Route {
    /// Returns the names of what its path has for parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(parameter)
    }
}

/// A path of the table, as it was asked for.
#[derive(Debug)]
pub(super) struct Place {
    /// The template.
    pub(super) path: &'static str,
    /// What stands for its parameters, as it was sent.
    parameters: Vec<(&'static str, String)>,
}

impl Place {
    /// Returns the place of a path. A slash at the end makes no difference: some clients put one there.
    pub(super) fn at(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        ROUTES
            .iter()
            .find_map(|route| fit(route.path, path).map(|parameters| Self { path: route.path, parameters }))
    }

    /// Returns the route of a method here.
    pub(super) fn route(&self, method: &Method) -> Option<&'static Route> {
        ROUTES.iter().find(|route| route.path == self.path && route.method == *method)
    }

    /// Returns what stands for a parameter.
    ///
    /// Errors: it is no text.
    pub(super) fn parameter(&self, name: &'static str) -> Result<String, Refusal> {
        let sent = self.parameters.iter().find(|(known, _)| *known == name);
        let (_, sent) = sent.expect("a handler asks for parameters of its own template");
        let text = percent_decode_str(sent).decode_utf8();
        let text = text.map_err(|_| Refusal::Malformed {
            field: name,
            message: "is not UTF-8 when its percent signs are decoded; text must be".to_owned(),
        })?;
        Ok(text.into_owned())
    }

    /// Returns true when pages of other origins may ask here.
    pub(super) fn is_for_pages(&self) -> bool {
        let here = ROUTES.iter().filter(|route| route.path == self.path);
        here.map(|route| route.handler).any(|handler| match handler {
            Handler::Collects(_) => true,
            Handler::Views(_) => false,
            Handler::Talks(talks) => talks.is_for_pages(),
        })
    }
}

/// Returns the methods of a template as the header `Allow` lists them.
pub(super) fn allowed(path: &str) -> String {
    let here = ROUTES.iter().filter(|route| route.path == path);
    here.map(|route| route.method.as_str()).chain(["OPTIONS"]).collect::<Vec<_>>().join(", ")
}

/// Returns what stands for the parameters of a template in a path, `None` when it does not fit.
fn fit(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let (mut wanted, mut sent) = (template.split('/'), path.split('/'));
    let mut parameters = Vec::new();
    loop {
        match (wanted.next(), sent.next()) {
            (None, None) => return Some(parameters),
            (None, Some(_)) | (Some(_), None) => return None,
            (Some(wanted), Some(sent)) => match parameter(wanted) {
                Some(name) if !sent.is_empty() => parameters.push((name, sent.to_owned())),
                None if wanted == sent => {}
                Some(_) | None => return None,
            },
        }
    }
}

/// Returns the name of the parameter that a part of a template stands for.
fn parameter(part: &'static str) -> Option<&'static str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_parameter_is_one_part_that_is_not_empty() {
        let found = |path| fit("/c/{customer}/why/{trigger}", path);
        let both = vec![("customer", "anon:1%2F2".to_owned()), ("trigger", "cart-idle".to_owned())];
        assert_eq!(found("/c/anon:1%2F2/why/cart-idle"), Some(both));
        for other in ["/c//why/t", "/c/u/why", "/c/u/why/t/more", "/c/u/whynot/t", "c/u/why/t", ""] {
            assert_eq!(found(other), None, "{other}");
        }
    }

    #[test]
    fn a_parameter_is_decoded_once_and_must_be_text() {
        let place = |sent: &str| Place { path: "/{id}", parameters: vec![("id", sent.to_owned())] };
        assert_eq!(place("a%2Fb%2525+c").parameter("id"), Ok("a/b%25+c".to_owned()));
        assert_eq!(place("%E5%BC%A0").parameter("id"), Ok("张".to_owned()));
        let refused = place("%FF").parameter("id");
        assert!(matches!(refused, Err(Refusal::Malformed { field: "id", .. })), "{refused:?}");
    }

    #[test]
    fn no_path_is_of_two_templates_and_no_route_stands_twice() {
        for (place, one) in ROUTES.iter().enumerate() {
            for other in &ROUTES[place + 1..] {
                match one.path == other.path {
                    true => assert_ne!(one.method, other.method, "{}", one.path),
                    false => assert!(!may_meet(one.path, other.path), "{} {}", one.path, other.path),
                }
            }
        }
        assert!(may_meet("/a/{b}", "/a/c") && !may_meet("/a/{b}", "/a") && !may_meet("/a/{b}", "/c/{d}"));
    }

    /// Returns true when a path may fit both templates.
    fn may_meet(one: &'static str, other: &'static str) -> bool {
        let (one, other): (Vec<_>, Vec<_>) = (one.split('/').collect(), other.split('/').collect());
        let meets = |(a, b): (&&'static str, &&'static str)| {
            a == b || parameter(a).is_some() || parameter(b).is_some()
        };
        one.len() == other.len() && one.iter().zip(&other).all(meets)
    }
}
