//! What the document says of views.

use actix_web::http::Method;
use schemas::score::Head;
use serde_json::{Value, json};

use super::{Good, Operation, Schemas};
use crate::http::route::{Open, Route};
use crate::http::view::{
    AtRisk, Customer, Decided, Decisions, Found, InForce, Letters, Lookup, Missed, OnItsWay, Overview, Pulse,
    RISKS, Replay, Replayed, RiskChange, Timeline, Triggers, View, WhyAnswer,
};

/// Returns what is said of a view.
pub(super) fn operation(route: &Route, view: View, schemas: &mut Schemas) -> Operation {
    let (id, tag, summary) = named(view);
    let body = body(view, schemas)
        .map(|schema| json!({"required": true, "content": {"application/json": {"schema": schema}}}));
    Operation {
        id: id.to_owned(),
        tag,
        summary: summary.to_owned(),
        parameters: parameters(view),
        body,
        good: answer(view, schemas),
        bad: problems(route, view),
    }
}

/// Returns name, tag and summary.
fn named(view: View) -> (&'static str, &'static str, &'static str) {
    match view {
        View::Overview => ("overview", "engine", "The engine at a glance"),
        View::Feed => {
            ("feed", "engine", "What happens, while it happens: decision, outreach, risk, pulse, missed")
        }
        View::Document => ("openapi", "engine", "This document"),
        View::Lookup => (
            "lookup",
            "customers",
            "Customers that an id, an e-mail address, a phone number or an order leads to",
        ),
        View::AtRisk => ("at_risk", "customers", "Customers at risk, the highest scores first"),
        View::Customer => ("customer", "customers", "Everything that is known of one customer"),
        View::Timeline => ("timeline", "customers", "What happened to a customer, newest first"),
        View::Decisions => ("decisions", "customers", "What was decided about a customer, newest first"),
        View::Why => {
            ("why", "customers", "Why a trigger did or did not reach a customer, condition by condition")
        }
        View::Triggers => ("triggers", "triggers", "Triggers in force, in plain words"),
        View::Trigger => ("trigger", "triggers", "One trigger in force"),
        View::Letters => ("dead_letters", "dead letters", "Records that could not be handled, newest first"),
        View::Replay => {
            ("replay_dead_letters", "dead letters", "Puts records back into care.events, each once")
        }
    }
}

/// Returns the parameters of query and headers.
fn parameters(view: View) -> Vec<Value> {
    match view {
        View::AtRisk => {
            let heads = json!({"type": "string", "enum": RISKS.map(Head::as_str)});
            list(vec![query("head", "One risk; without it each customer's highest", heads)])
        }
        View::Timeline => list(Vec::new()),
        View::Decisions => list(vec![query("trigger", "Of one trigger", json!({"type": "string"}))]),
        View::Letters => list(vec![
            query("reason", "Of one reason", json!({"type": "string"})),
            query("partition", "Of one partition", json!({"type": "integer", "minimum": 0})),
        ]),
        View::Why => vec![limit(20)],
        View::Feed => {
            let text = json!({"type": "string"});
            vec![header("Last-Event-ID", Needed::No, ("Id of the last event that was heard", text))]
        }
        View::Replay => {
            let of = "Names this request and no other: sent again, it is answered alike and nothing is done";
            let key = json!({"type": "string", "minLength": 1, "maxLength": 200});
            vec![header("Idempotency-Key", Needed::Yes, (of, key))]
        }
        View::Overview | View::Document | View::Lookup | View::Customer | View::Triggers | View::Trigger => {
            Vec::new()
        }
    }
}

fn body(view: View, schemas: &mut Schemas) -> Option<Value> {
    match view {
        View::Lookup => Some(schemas.sent::<Lookup>()),
        View::Replay => Some(schemas.sent::<Replay>()),
        View::Overview
        | View::Feed
        | View::Document
        | View::AtRisk
        | View::Customer
        | View::Timeline
        | View::Decisions
        | View::Why
        | View::Triggers
        | View::Trigger
        | View::Letters => None,
    }
}

fn answer(view: View, schemas: &mut Schemas) -> (Good, Value) {
    let schema = match view {
        View::Feed => {
            let stream = Good { status: 200, media: Some("text/event-stream") };
            // The data of each event, by its name: OpenAPI 3.1 has no words for that.
            let events = json!({
                "decision": schemas.answered::<Decided>(),
                "outreach": schemas.answered::<OnItsWay>(),
                "risk": schemas.answered::<RiskChange>(),
                "pulse": schemas.answered::<Pulse>(),
                "missed": schemas.answered::<Missed>(),
            });
            return (stream, json!({"type": "string", "x-events": events}));
        }
        View::Document => json!({"type": "object"}),
        View::Overview => schemas.answered::<Overview>(),
        View::Lookup => schemas.answered::<Found>(),
        View::AtRisk => schemas.answered::<AtRisk>(),
        View::Customer => schemas.answered::<Customer>(),
        View::Timeline => schemas.answered::<Timeline>(),
        View::Decisions => schemas.answered::<Decisions>(),
        View::Why => schemas.answered::<WhyAnswer>(),
        View::Triggers => schemas.answered::<Triggers>(),
        View::Trigger => schemas.answered::<InForce>(),
        View::Letters => schemas.answered::<Letters>(),
        View::Replay => schemas.answered::<Replayed>(),
    };
    (Good::JSON, schema)
}

/// Returns the statuses of problems, in order.
fn problems(route: &Route, view: View) -> Vec<u16> {
    let mut statuses = vec![400, 405, 429, 503];
    if route.open != Open::Everybody {
        statuses.extend([401, 403]);
    }
    if route.parameters().next().is_some() || view == View::Replay {
        statuses.push(404);
    }
    if route.method == Method::POST {
        statuses.extend([408, 413, 415]);
    }
    if view == View::Replay {
        statuses.extend([409, 422]);
    }
    statuses.sort_unstable();
    statuses
}

/// Returns the parameters of a list, with those of its own before them.
fn list(own: Vec<Value>) -> Vec<Value> {
    let cursor = "Where the list goes on: what the answer before named as next";
    [own, vec![limit(100), query("cursor", cursor, json!({"type": "string"}))]].concat()
}

fn limit(max: usize) -> Value {
    query("limit", "Parts of the list, at most", json!({"type": "integer", "minimum": 1, "maximum": max}))
}

pub(super) fn query(name: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "required": false, "description": description, "schema": schema})
}

/// Whether a request has to have a header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needed {
    Yes,
    No,
}

pub(super) fn header(name: &str, needed: Needed, (description, schema): (&str, Value)) -> Value {
    let required = needed == Needed::Yes;
    json!({"name": name, "in": "header", "required": required, "description": description, "schema": schema})
}
