//! The console, as the binary serves it.

use std::path::Path;

use serde_json::{Value, json};

use super::drive;
use crate::http::chat::{SECRET, SIGNED, claims, signed};
use crate::http::client::Ask;
use crate::http::{Shop, made};

/// What looks for what people cannot use.
const AXE: &str = "axe-core@4.14.1";

#[test]
fn events_flow_somebody_at_risk_is_seen_with_reasons_an_agent_answers_and_every_page_is_in_order() {
    let articles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/demo-data/knowledge");
    let articles = articles.display().to_string();
    // Ready triggers name the channel log: here they speak in the customer's thread.
    let more = [("CARE__KNOWLEDGE__DIR", articles.as_str()), ("CARE__CHANNELS__LOG__KIND", "in_app")];
    let shop = Shop::open(&[&SIGNED[..], &more].concat());
    let page = shop.send(&Ask::new("GET", "/console/"));
    assert_eq!(
        page.status, 200,
        "this binary has no console: run ops/console and build it again\n{}",
        page.body
    );
    let key = made(shop.folder(), "admin", "ada");
    shop.served.wait_until("the key is in force", |_| {
        shop.send(&Ask::new("GET", "/api/v1/overview").key(&key)).status == 200
    });
    let asked = json!({
        "url": format!("http://{}", shop.address()),
        "key": key,
        "ingest": shop.key,
        "token": signed(&claims("shopper-1", "t-1"), SECRET),
        "refused": format!("care_admin_00000000_{}", "0".repeat(64)),
    });
    let told = drive("console.cjs", &[AXE], &asked);
    let reasons = told["reasons"].as_array().expect("reasons");
    assert!(!reasons.is_empty(), "{told}");
    assert_eq!(told["faults"], Value::Array(Vec::new()), "{told:#}");
}
