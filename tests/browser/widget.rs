//! The widget: by itself against a scripted server, where everything goes wrong that can, and against the running binary.

use std::path::Path;

use serde_json::json;

use super::{drive, shots};
use crate::http::chat::{SECRET, SIGNED, claims, signed};
use crate::http::client::Ask;
use crate::http::in_app;
use crate::http::{Shop, count, customer, made};

#[test]
fn the_widget_bears_what_goes_wrong_and_fits_every_screen() {
    let scenes = drive("widget.cjs", &[], &json!({"shots": shots("widget")}));
    assert!(scenes.as_array().is_some_and(|scenes| scenes.len() >= 9), "{scenes}");
}

#[test]
fn questions_in_two_languages_get_cited_answers_nothing_is_lost_by_a_cut_and_the_bot_is_silent_behind_an_agent()
 {
    let articles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/demo-data/knowledge");
    let articles = articles.display().to_string();
    let own = tempfile::tempdir().expect("a temporary folder");
    let folder = own.path().display().to_string();
    let more = [("CARE__CHAT__DEMO_PAGE", "on"), ("CARE__KNOWLEDGE__DIR", articles.as_str())];
    let shop = Shop::open(&[&SIGNED[..], &more, &in_app::says_thanks(&folder)].concat());
    let order = json!({"userId": "ada", "event": "Order Completed", "messageId": "o-1", "properties": {"order_id": "o-1", "total": 89}});
    assert_eq!(shop.send_with_key(Ask::json("/v1/track", order)).status, 200);
    let agent = made(shop.folder(), "agent", "desk");
    shop.served.wait_for_log("keys read again");
    let token = |customer: &str, id: &str| signed(&claims(customer, id), SECRET);
    let asked = json!({
        "url": format!("http://{}", shop.address()),
        "key": shop.key,
        "agent": agent,
        "tokens": [token("ada", "t-1"), token("ada", "t-2"), token("eve", "t-3")],
        "shots": shots("widget"),
    });
    let told = drive("talk.cjs", &[], &asked);
    assert!(told["turns"].as_u64().is_some_and(|turns| turns >= 7), "{told}");
    assert_eq!(count(&customer(&shop.close(), "ada"), "Outreach Seen"), 1);
}
