//! The access log of zanbil.ir: one request per row. What a person looked at or did in the shop is an event.

use schemas::time::Timestamp;

use super::body::{Body, Call};
use super::field::{LastTime, bad_value, expect_header, utf8, whole, wrong_columns};
use super::{Convert, Converted, Draft, Head, Refusal, RowId, Skipped, visitor};

const COLUMNS: [&str; 9] =
    ["seq", "ts_utc", "visitor", "agent", "method", "route", "item", "status", "bytes"];

/// Converts requests.
#[derive(Default)]
pub struct Requests {
    time: LastTime,
}

/// The columns that a request is judged by.
struct Request<'a> {
    time: &'a str,
    visitor: &'a str,
    agent: &'a str,
    method: &'a str,
    route: &'a str,
    item: &'a str,
    status: &'a str,
}

/// How the shop answers when a request has done what it is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// With a page: sent on to another one, the visitor has seen nothing.
    Page,
    /// With a page, or by sending the visitor on to one.
    PageOrRedirect,
}

impl Convert for Requests {
    fn head(&self, lines: &[&[u8]]) -> Result<Head, String> {
        expect_header(lines, b',', &COLUMNS)
    }

    fn convert(&mut self, row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Converted {
        self.request(row, id, body).into()
    }
}

impl Requests {
    fn request(&mut self, row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Result<Draft, Converted> {
        let request = columns(utf8(row)?)?;
        let customer = visitor("zanbil", "visitor", request.visitor)?;
        let at = self.time.at("ts_utc", request.time, instant)?;
        let status = whole("status", request.status)?;
        let (call, answers) = meaning(&request)?;
        match status {
            200..=299 => {}
            300..=399 if answers == Answers::PageOrRedirect => {}
            300..=399 => return Err(Converted::Skipped(Skipped::Redirect)),
            400..=599 => return Err(Converted::Skipped(Skipped::Failed)),
            _ => return Err(bad_value("status", request.status, "200 to 599").into()),
        }
        let body = Body::begin(body, call, id, (&customer, at));
        let item = request.item;
        match request.route {
            "product" => {
                // A basket names the variant alone, so that is the product.
                let (model, variant) = item.split_once('/').unwrap_or(("", item));
                body.text("product_id", variant).text("model", model)
            }
            "basket/add" | "basket/remove" | "basket/changeCount" | "product/variation" => {
                body.text("product_id", item)
            }
            "browse" => body.text("category", item),
            "filter" => body.text("filters", item),
            "search" => body.text("query", item),
            _ => body.text("item", item),
        }
        .end();
        Ok(Draft { customer, at, anonymous: None })
    }
}

/// Returns the columns; `item` may hold commas, so it is what lies between the first six and the last two.
fn columns(row: &str) -> Result<Request<'_>, Refusal> {
    let wrong = || wrong_columns(row.split(',').count(), COLUMNS.len());
    let mut first = row.splitn(7, ',').map(str::trim);
    let [_, Some(time), Some(visitor), Some(agent), Some(method), Some(route), Some(rest)] =
        [(); 7].map(|()| first.next())
    else {
        return Err(wrong());
    };
    let mut last = rest.rsplitn(3, ',');
    let [_, Some(status), Some(item)] = [(); 3].map(|()| last.next()) else { return Err(wrong()) };
    Ok(Request { time, visitor, agent, method, route, item, status })
}

fn instant(text: &str) -> Option<Timestamp> {
    let instant: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(instant.as_millisecond()))
}

/// Returns what a request means, and how the shop answers it. What is nobody's event is skipped for the first reason that fits.
fn meaning(request: &Request<'_>) -> Result<(Call<'static>, Answers), Converted> {
    use Answers::{Page, PageOrRedirect};
    use Call::Track;
    let skipped = |why| Err(Converted::Skipped(why));
    match request.route {
        "asset" => return skipped(Skipped::Asset),
        "backoffice" => return skipped(Skipped::BackOffice),
        _ => {}
    }
    match request.agent {
        "desktop" | "mobile" | "app" => {}
        "bot" => return skipped(Skipped::Bot),
        "other" => return skipped(Skipped::OtherAgent),
        other => return Err(bad_value("agent", other, "desktop, mobile, app, bot or other").into()),
    }
    Ok(match (request.route, request.method) {
        ("product", _) => (Track("Product Viewed"), Page),
        ("product/variation", _) => (Track("Product Variation Chosen"), Page),
        ("browse", _) => (Track("Product List Viewed"), Page),
        ("filter", _) => (Track("Product List Filtered"), Page),
        ("search", _) => (Track("Products Searched"), Page),
        ("basket/view", _) => (Track("Cart Viewed"), Page),
        ("basket/add", _) => (Track("Product Added"), PageOrRedirect),
        ("basket/remove", _) => (Track("Product Removed"), PageOrRedirect),
        ("basket/changeCount", _) => (Track("Cart Quantity Changed"), PageOrRedirect),
        ("basket/checkout", _) => (Track("Checkout Started"), Page),
        ("order/create", "POST") => (Track("Checkout Step Completed"), PageOrRedirect),
        ("order/create", _) => (Track("Checkout Step Viewed"), Page),
        ("order/complete", _) => (Track("Order Completed"), Page),
        ("home", _) => (Call::Page("home"), Page),
        ("article", _) => (Call::Page("article"), Page),
        ("delivery", _) => (Call::Page("delivery"), Page),
        ("account", _) => (Call::Page("account"), Page),
        ("comparison", _) => (Call::Page("comparison"), Page),
        ("basket/other", _) => (Call::Page("basket/other"), Page),
        ("order/track", _) => (Call::Page("order/track"), Page),
        ("order/other", _) => (Call::Page("order/other"), Page),
        _ => return skipped(Skipped::OtherRoute),
    })
}
