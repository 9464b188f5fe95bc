//! The public data sets against counts of their files that share no code with the converters: own splitting, own judgement.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use engine::replay::Format;
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use super::read;
use crate::data;

/// Returns the unpacked text of a file.
pub fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("the file");
    let mut text = String::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip of UTF-8");
    text
}

/// Returns the fields of the rows of a CSV text, header aside: RFC 4180, character by character.
pub(super) fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    rows.split_off(1)
}

fn body(record: &actors::port::log::NewRecord) -> Value {
    serde_json::from_slice(&record.body).expect("JSON")
}

/// Returns a decimal number with at most three places, in thousandths.
pub(super) fn thousandths(text: &str) -> i64 {
    let (units, rest) = text.split_once('.').unwrap_or((text, ""));
    format!("{units}{rest:0<3}").parse().expect("a decimal number")
}

/// What one customer did: lines, items and thousandths bought; the same cancelled; orders and cancellations.
#[derive(Debug, Default, PartialEq)]
struct Trade {
    bought: (u64, i64, i64),
    cancelled: (u64, i64, i64),
    orders: BTreeSet<String>,
    cancellations: BTreeSet<String>,
}

impl Trade {
    fn note(&mut self, invoice: &str, quantity: i64, price: i64) {
        let cancels = invoice.starts_with('C');
        let sum = if cancels { &mut self.cancelled } else { &mut self.bought };
        *sum = (sum.0 + 1, sum.1 + quantity.abs(), sum.2 + quantity.abs() * price);
        let ids = if cancels { &mut self.cancellations } else { &mut self.orders };
        ids.insert(invoice.to_owned());
    }
}

#[test]
fn every_line_of_an_invoice_with_a_customer_is_an_event_and_the_others_are_counted() {
    let folder = data::folder("uci_online_retail");
    let files = ["transactions_2009-12_2010-11.csv.gz", "transactions_2010-12_2011-09.csv.gz"];
    let files: Vec<PathBuf> = files.iter().map(|name| folder.join(name)).collect();
    let mut expected: BTreeMap<String, Trade> = BTreeMap::new();
    let (mut all, mut nobody, mut repeats, mut credit_notes, mut adjustments) = (0, 0, 0, 0, 0);
    for file in &files {
        let rows = rows(&text(file));
        all += rows.len();
        let distinct: BTreeSet<&Vec<String>> = rows.iter().collect();
        repeats += rows.len() - distinct.len();
        for row in &rows {
            let [invoice, _, _, quantity, _, price, customer, _] = row.as_slice() else { panic!("{row:?}") };
            credit_notes += usize::from(invoice.starts_with('C'));
            adjustments += usize::from(invoice.starts_with('A'));
            if customer.is_empty() {
                nobody += 1;
                continue;
            }
            let quantity = quantity.parse().expect("a whole number");
            expected.entry(customer.clone()).or_default().note(invoice, quantity, thousandths(price));
        }
    }
    assert_eq!((all, nobody, repeats), (708_524, 191_848, 7_227), "the files are those that are described");
    assert_eq!((credit_notes, adjustments), (12_693, 6));

    let mut found: BTreeMap<String, Trade> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let tally = read(Format::UciOnlineRetail, &files, |record| {
        let body = body(&record);
        assert_eq!(body["userId"], *record.key);
        assert!(ids.insert(body["messageId"].as_str().expect("a text").to_owned()));
        let line = &body["properties"];
        let invoice = match body["event"].as_str() {
            Some("Order Item Added") => &line["order_id"],
            Some("Order Cancelled") => &line["cancellation_id"],
            other => panic!("{other:?}"),
        };
        let (invoice, quantity) = (invoice.as_str().expect("a text"), line["quantity"].as_i64());
        let trade = found.entry(record.key.to_string()).or_default();
        trade.note(invoice, quantity.expect("a whole number"), thousandths(&line["price"].to_string()));
    });
    assert_eq!(found, expected);
    assert_eq!((tally.rows_read, tally.appended), (all as u64, (all - nobody) as u64));
    assert_eq!((tally.repeats, ids.len()), (repeats as u64, all - nobody));
    assert_eq!(tally.rejected.keys().copied().collect::<Vec<_>>(), ["no_customer"]);
    assert_eq!((tally.rejected_rows(), tally.skipped_rows()), (nobody as u64, 0));
}

#[test]
fn every_click_of_the_e_shop_is_a_view_within_its_day_in_the_order_of_its_session() {
    let file = data::folder("uci_eshop_clickstream").join("e-shop_clothing_2008.csv.gz");
    let mut expected: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    let text = text(&file);
    for line in text.lines().skip(1) {
        let columns: Vec<&str> = line.split(';').collect();
        let day = format!("{}-{:0>2}-{:0>2}", columns[0], columns[1], columns[2]);
        let number = columns[3].parse().expect("a whole number");
        let view = format!("{day} {}", columns[7]);
        expected.entry(format!("anon:eshop-{}", columns[5])).or_default().push((number, view));
    }
    for views in expected.values_mut() {
        views.sort_by_key(|(number, _)| *number);
    }
    let mut found: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    let tally = read(Format::UciEshop, &[file], |record| {
        let body = body(&record);
        let at = body["timestamp"].as_i64().expect("milliseconds");
        let day = jiff::Timestamp::from_millisecond(at).expect("an instant").to_string();
        let view = format!("{} {}", &day[..10], body["properties"]["product_id"].as_str().expect("a text"));
        let views = found.entry(record.key.to_string()).or_default();
        views.push((views.len() as i64 + 1, view));
    });
    assert_eq!((tally.rows_read, tally.appended, found.len()), (165_474, 165_474, 24_026));
    assert!(found == expected, "sessions differ");
}

#[test]
fn every_event_of_the_sessions_of_otto_is_a_row_in_the_order_of_time() {
    let file = data::folder("otto_sample").join("otto_first20_sessions.jsonl");
    let text = std::fs::read_to_string(&file).expect("the file");
    let mut expected = Vec::new();
    for line in text.lines() {
        let session: Value = serde_json::from_str(line).expect("JSON");
        for event in session["events"].as_array().expect("a list") {
            let key = format!("anon:otto-{}", session["session"]);
            let name = match event["type"].as_str() {
                Some("clicks") => "Product Viewed",
                Some("carts") => "Product Added",
                Some("orders") => "Order Item Added",
                other => panic!("{other:?}"),
            };
            let at = event["ts"].as_i64().expect("milliseconds");
            expected.push((at, key, name.to_owned(), event["aid"].to_string()));
        }
    }
    expected.sort_by_key(|(at, ..)| *at);
    let mut found = Vec::new();
    let tally = read(Format::Otto, &[file], |record| {
        let body = body(&record);
        let name = body["event"].as_str().expect("a text").to_owned();
        let product = body["properties"]["product_id"].as_str().expect("a text").to_owned();
        let at = body["timestamp"].as_i64().expect("milliseconds");
        found.push((at, record.key.to_string(), name, product));
    });
    assert_eq!(found, expected);
    let of = |wanted: &str| found.iter().filter(|(_, _, name, _)| name == wanted).count();
    assert_eq!((of("Product Viewed"), of("Product Added"), of("Order Item Added")), (800, 52, 10));
    assert_eq!((tally.rows_read, tally.rejected_rows(), tally.skipped_rows()), (862, 0, 0));
}

#[test]
fn every_request_of_the_shop_in_tehran_is_an_event_or_skipped_for_its_reason() {
    let file = data::folder("zanbil_access_log").join("events_redacted.csv.gz");
    let mut skipped: BTreeMap<&str, u64> = BTreeMap::new();
    let mut events: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut routes: BTreeMap<String, u64> = BTreeMap::new();
    for line in text(&file).lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let (visitor, agent, route, status) =
            (columns[2], columns[3], columns[5], columns[columns.len() - 2]);
        *routes.entry(route.to_owned()).or_default() += 1;
        let basket_action = ["basket/add", "basket/remove", "basket/changeCount"].contains(&route);
        let may_redirect = basket_action || (route == "order/create" && columns[4] == "POST");
        let reason = match status.as_bytes()[0] {
            _ if route == "asset" => "asset",
            _ if route == "backoffice" => "back_office",
            _ if agent == "bot" => "bot",
            _ if agent == "other" => "other_agent",
            _ if route == "other" => "other_route",
            b'3' if !may_redirect => "redirect",
            b'4' | b'5' => "failed",
            _ => "",
        };
        if reason.is_empty() {
            *events.entry((format!("anon:zanbil-{visitor}"), route.to_owned())).or_default() += 1;
        } else {
            *skipped.entry(reason).or_default() += 1;
        }
    }
    // The description of the data set counts the routes.
    for (route, count) in
        [("asset", 86_413), ("backoffice", 2_486), ("product", 1_950), ("order/complete", 6)]
    {
        assert_eq!(routes[route], count, "{route}");
    }
    let mut found: BTreeMap<(String, String), u64> = BTreeMap::new();
    let tally = read(Format::Zanbil, &[file], |record| {
        let body = body(&record);
        let name = body["event"].as_str().or(body["name"].as_str()).expect("a text");
        let route = match name {
            "Product Viewed" => "product",
            "Product Variation Chosen" => "product/variation",
            "Product List Viewed" => "browse",
            "Product List Filtered" => "filter",
            "Products Searched" => "search",
            "Cart Viewed" => "basket/view",
            "Product Added" => "basket/add",
            "Product Removed" => "basket/remove",
            "Cart Quantity Changed" => "basket/changeCount",
            "Checkout Started" => "basket/checkout",
            "Checkout Step Completed" | "Checkout Step Viewed" => "order/create",
            "Order Completed" => "order/complete",
            page => page,
        };
        *found.entry((record.key.to_string(), route.to_owned())).or_default() += 1;
    });
    assert_eq!(found, events);
    assert_eq!(tally.skipped, skipped);
    assert_eq!((tally.rows_read, tally.rejected_rows(), tally.repeats), (100_000, 0, 0));
}
