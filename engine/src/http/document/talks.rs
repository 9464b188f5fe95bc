//! What the document says of conversations.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::views::{Needed, header, query};
use super::{Good, Operation, Schemas};
use crate::http::chat::{
    Forgotten, Hand, Message, Opened, Opening, PieceShown, Ready, Shown, Speech, Taken, Talks, Threads,
    TurnsShown, Whole,
};
use crate::http::route::{Open, Route};

/// Returns what is said of a route of conversations.
pub(super) fn operation(route: &Route, talks: Talks, schemas: &mut Schemas) -> Operation {
    let (id, tag, summary) = named(talks);
    let body = body(talks, schemas)
        .map(|schema| json!({"required": true, "content": {"application/json": {"schema": schema}}}));
    Operation {
        id: id.to_owned(),
        tag,
        summary: summary.to_owned(),
        parameters: parameters(talks),
        body,
        good: answer(talks, schemas),
        bad: problems(route, talks),
    }
}

/// Returns name, tag and summary.
fn named(talks: Talks) -> (&'static str, &'static str, &'static str) {
    match talks {
        Talks::Open => ("open_session", "pages", "Opens a session of a page"),
        Talks::Say => ("say", "pages", "Says something to the shop, durably"),
        Talks::See => ("see", "pages", "Tells which turns the page has shown"),
        Talks::Listen => ("listen", "pages", "What is said in the thread: turn, piece, ready, forgotten"),
        Talks::Widget => ("widget", "pages", "The script of the widget"),
        Talks::Demo => ("widget_demo", "pages", "A page to try the widget on, where chat.demo_page is on"),
        Talks::Threads => ("conversations", "conversations", "Open threads, newest first"),
        Talks::Thread => ("conversation", "conversations", "A thread, the oldest turn first"),
        Talks::Speak => ("speak", "conversations", "Says something to a customer, durably"),
        Talks::TakeOver => ("take_over", "conversations", "Takes a thread over: the bot is silent in it"),
        Talks::HandBack => ("hand_back", "conversations", "Hands a thread back to the bot"),
    }
}

/// Returns the parameters of query and headers.
fn parameters(talks: Talks) -> Vec<Value> {
    let number = || json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
    let limit = || query("limit", "Parts of the list, at most; more than 200 are never told", number());
    match talks {
        Talks::Listen => {
            let of = "Number of the last turn that was heard; what follows it is told";
            vec![header("Last-Event-ID", Needed::No, (of, number()))]
        }
        Talks::Threads => vec![limit()],
        Talks::Thread => {
            vec![
                query("from", "Number of the first turn; what the answer before named as next", number()),
                limit(),
            ]
        }
        Talks::Open
        | Talks::Say
        | Talks::See
        | Talks::TakeOver
        | Talks::HandBack
        | Talks::Speak
        | Talks::Widget
        | Talks::Demo => Vec::new(),
    }
}

fn body(talks: Talks, schemas: &mut Schemas) -> Option<Value> {
    match talks {
        Talks::Open => Some(schemas.sent::<Opening>()),
        Talks::Say => Some(schemas.sent::<Message>()),
        Talks::See => Some(schemas.sent::<TurnsShown>()),
        Talks::TakeOver | Talks::HandBack => Some(schemas.sent::<Hand>()),
        Talks::Speak => Some(schemas.sent::<Speech>()),
        Talks::Listen | Talks::Threads | Talks::Thread | Talks::Widget | Talks::Demo => None,
    }
}

fn answer(talks: Talks, schemas: &mut Schemas) -> (Good, Value) {
    let of = |status, media| Good { status, media };
    let text = || json!({"type": "string"});
    match talks {
        Talks::Open => (Good::JSON, schemas.answered::<Opened>()),
        Talks::Say | Talks::Speak => (of(202, Good::JSON.media), schemas.answered::<Taken>()),
        Talks::See => (of(204, None), Value::Null),
        Talks::TakeOver | Talks::HandBack => (of(202, None), Value::Null),
        Talks::Listen => {
            let events = json!({
                "turn": schemas.answered::<Shown>(),
                "piece": schemas.answered::<PieceShown>(),
                "ready": schemas.answered::<Ready>(),
                "forgotten": schemas.answered::<Forgotten>(),
            });
            (of(200, Some("text/event-stream")), json!({"type": "string", "x-events": events}))
        }
        Talks::Threads => (Good::JSON, schemas.answered::<Threads>()),
        Talks::Thread => (Good::JSON, schemas.answered::<Whole>()),
        Talks::Widget => (of(200, Some("text/javascript")), text()),
        Talks::Demo => (of(200, Some("text/html")), text()),
    }
}

/// Returns the statuses of problems, in order.
fn problems(route: &Route, talks: Talks) -> Vec<u16> {
    let mut statuses = vec![405, 503];
    match route.open {
        Open::Everybody => {}
        Open::Session => statuses.extend([400, 401]),
        Open::Keys(_) => statuses.extend([400, 401, 403]),
    }
    if route.parameters().next().is_some() || talks == Talks::Demo {
        statuses.push(404);
    }
    if route.method == Method::POST {
        statuses.extend([408, 413, 429]);
    }
    statuses.sort_unstable();
    statuses
}
