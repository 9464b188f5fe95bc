//! UCI e-shop clothing: one click of a session per row. The file has days only, so the time of day is invented, the same every time.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemas::time::{Span, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::body::{Body, Call};
use super::field::{Columns, LastTime, bad_value, decimal, expect_header, whole};
use super::{Convert, Converted, Draft, Head, Order, RowId, visitor};

const COLUMNS: [&str; 14] = [
    "year",
    "month",
    "day",
    "order",
    "country",
    "session ID",
    "page 1 (main category)",
    "page 2 (clothing model)",
    "colour",
    "location",
    "model photography",
    "price",
    "price 2",
    "page",
];

/// Sessions begin between this time of day (UTC) …
const OPENS: Span = Span::hours(6);
/// … and so much later, at a second that the hash of the session's id chooses.
const OPEN_S: u64 = 14 * 3_600;
/// From one click of a session to the next.
const STEP: Span = Span::seconds(30);
/// No click leaves its day.
const LAST: Span = Span(86_400_000 - 1);

/// Converts clicks.
#[derive(Default)]
pub struct Clicks {
    columns: Columns,
    day: LastTime,
    date: String,
}

impl Convert for Clicks {
    fn order(&self) -> Order {
        Order::ByTime
    }

    fn head(&self, lines: &[&[u8]]) -> Result<Head, String> {
        expect_header(lines, b';', &COLUMNS)
    }

    fn convert(&mut self, row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Converted {
        self.click(row, id, body).into()
    }
}

impl Clicks {
    fn click(&mut self, row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Result<Draft, Converted> {
        let columns = self.columns.split(row, b';')?;
        let columns: [&str; 14] = columns.map(str::trim);
        let [year, month, day, click, country, session, category, model, colour, location, _, price, _, page] =
            columns;
        let customer = visitor("eshop", "session ID", session)?;
        self.date.clear();
        for (text, separator) in [(year, "-"), (month, "-"), (day, "")] {
            self.date.push_str(if text.len() == 1 { "0" } else { "" });
            self.date.push_str(text);
            self.date.push_str(separator);
        }
        let midnight = self.day.at("year;month;day", &self.date, midnight)?;
        let click = whole("order", click)?;
        let at = midnight + time_of_day(session, click);
        Body::begin(body, Call::Track("Product Viewed"), id, (&customer, at))
            .text("product_id", model)
            .text("category", category_name(category)?)
            .digits("price", decimal("price", price)?)
            .text("currency", "USD")
            .text("country", country)
            .text("colour", colour)
            .text("location", location)
            .text("page", page)
            .end();
        Ok(Draft { customer, at, anonymous: None })
    }
}

fn midnight(text: &str) -> Option<Timestamp> {
    let date: Date = text.parse().ok()?;
    Some(Timestamp(TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_millisecond()))
}

/// Returns the invented time of a session's click, from 1.
fn time_of_day(session: &str, click: i64) -> Span {
    let begun = OPENS.0 + (xxh3_64(session.as_bytes()) % OPEN_S) as i64 * 1_000;
    Span(begun.saturating_add(STEP.0.saturating_mul(click.saturating_sub(1).max(0))).min(LAST.0))
}

/// Returns what the description of the data set calls a main category.
fn category_name(number: &str) -> Result<&'static str, Converted> {
    Ok(match number {
        "1" => "trousers",
        "2" => "skirts",
        "3" => "blouses",
        "4" => "sale",
        other => return Err(bad_value("page 1 (main category)", other, "1 to 4").into()),
    })
}
