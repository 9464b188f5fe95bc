//! OTTO: one session per line, which is all that is known of one user, with its events inside. A row is one event.

use std::borrow::Cow;
use std::io::Write as _;

use schemas::event::RejectReason;
use schemas::time::Timestamp;
use serde::Deserialize;
use smol_str::format_smolstr;

use super::body::{Body, Call};
use super::field::{bad_value, utf8, whole, wrong_columns};
use super::{Convert, Converted, Draft, Head, Order, Refusal, Rejected, RowId, visitor};

#[derive(Deserialize)]
struct Session<'a> {
    session: u64,
    #[serde(borrow)]
    events: Vec<Event<'a>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    aid: u64,
    ts: i64,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

/// Converts events of sessions. As a row, an event is `session,aid,ts,type`.
pub struct Sessions;

impl Convert for Sessions {
    fn order(&self) -> Order {
        Order::ByTime
    }

    fn head(&self, lines: &[&[u8]]) -> Result<Head, String> {
        if lines.is_empty() || lines.iter().any(|line| session(line).is_ok()) {
            return Ok(Head::Row);
        }
        Err(r#"none of its first lines is a session, e.g. {"session":0,"events":[{"aid":1,"ts":1659304800025,"type":"clicks"}]}"#.to_owned())
    }

    fn split(&mut self, line: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), Refusal> {
        let Session { session, events } = session(line)?;
        let mut row = Vec::new();
        for Event { aid, ts, kind } in events {
            row.clear();
            write!(row, "{session},{aid},{ts},{kind}").expect("a vector takes every byte");
            each(&row);
        }
        Ok(())
    }

    fn convert(&mut self, row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Converted {
        event(row, id, body).into()
    }
}

fn session(line: &[u8]) -> Result<Session<'_>, Refusal> {
    serde_json::from_slice(line).map_err(|error| {
        let message = format!("is no session with its events: {error}");
        Refusal::new(Rejected::Border(RejectReason::MalformedJson), message)
    })
}

fn event(row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Result<Draft, Converted> {
    let text = utf8(row)?;
    let mut columns = text.splitn(4, ',');
    let [Some(session), Some(product), Some(ts), Some(kind)] = [(); 4].map(|()| columns.next()) else {
        return Err(wrong_columns(text.split(',').count(), 4).into());
    };
    let customer = visitor("otto", "session", session)?;
    let at = Timestamp(whole("ts", ts)?);
    let (name, order) = match kind {
        "clicks" => ("Product Viewed", None),
        "carts" => ("Product Added", None),
        // What a session orders in one millisecond is one order.
        "orders" => ("Order Item Added", Some(format_smolstr!("otto-{session}-{ts}"))),
        other => return Err(bad_value("type", other, "clicks, carts or orders").into()),
    };
    Body::begin(body, Call::Track(name), id, (&customer, at))
        .text("order_id", order.as_deref().unwrap_or_default())
        .text("product_id", product)
        .end();
    Ok(Draft { customer, at, anonymous: None })
}
