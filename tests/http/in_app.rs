//! Outreach in the customer's own thread, by the real binary, which is killed while it opens.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::client::Ask;
use super::{Shop, made};

/// A trigger that speaks in the customer's thread.
const THANKS: &str = r#"apiVersion: care/v1
kind: Trigger
metadata: {name: thanks, description: "Says thanks"}
spec:
  entry: {event: "Order Completed"}
  policy: {category: service}
  action: {channel: in_app, template: thanks}
"#;

/// Kills, and customers who order before each.
const KILLS: usize = 3;
const CUSTOMERS: usize = 40;

/// Writes the trigger and its text into a folder, and returns the settings that use them.
pub fn says_thanks(folder: &str) -> [(&'static str, &str); 3] {
    fs::write(Path::new(folder).join("thanks.en.txt"), "Thank you for your order.").expect("written");
    fs::write(Path::new(folder).join("thanks.yaml"), THANKS).expect("written");
    [
        ("CARE__TRIGGERS__DIR", folder),
        ("CARE__CHANNELS__IN_APP__KIND", "in_app"),
        ("CARE__CHANNELS__IN_APP__TEXTS", folder),
    ]
}

#[test]
fn each_outreach_stands_in_its_thread_once_whenever_the_engine_is_killed() {
    let own = tempfile::tempdir().expect("a temporary folder");
    let folder = own.path().display().to_string();
    let settings = says_thanks(&folder);
    let mut shop = Shop::open(&settings);
    let agent = made(shop.folder(), "agent", "desk");
    let customer = |round: usize, nth: usize| format!("c{round}-{nth}");
    for round in 0..=KILLS {
        let order = |nth| json!({"type": "track", "userId": customer(round, nth), "event": "Order Completed", "messageId": format!("o{round}-{nth}"), "properties": {"order_id": format!("o{round}-{nth}")}});
        let orders: Vec<Value> = (0..CUSTOMERS).map(order).collect();
        assert_eq!(shop.send_with_key(Ask::json("/v1/batch", json!({ "batch": orders }))).status, 200);
        if round < KILLS {
            // A part of what the round before left has come, or a part of this one's: somewhere between its beginning and its end.
            shop.served.wait_until("some outreach has opened", |served| {
                served.metric("care_conversation_turns_total") >= (1 + round * CUSTOMERS / 4) as f64
            });
            shop.kill(&settings);
        }
    }
    shop.served.wait_until("the key is in force", |_| {
        shop.send(&Ask::new("GET", "/api/v1/conversations").key(&agent)).status == 200
    });
    let thread = |customer: &str| {
        let ask = Ask::new("GET", format!("/api/v1/conversations/{customer}")).key(&agent);
        shop.send(&ask).json()["turns"].as_array().expect("turns").clone()
    };
    let mut ids = BTreeSet::new();
    let everybody = (0..=KILLS).flat_map(|round| (0..CUSTOMERS).map(move |nth| (round, nth)));
    for who in everybody.map(|(round, nth)| customer(round, nth)) {
        shop.served.wait_until("the outreach has opened", |_| !thread(&who).is_empty());
        let turns = thread(&who);
        let [turn] = &turns[..] else { panic!("{who} is told {turns:#?}") };
        assert_eq!(
            (&turn["speaker"], &turn["text"]),
            (&json!("outreach"), &json!("Thank you for your order."))
        );
        assert!(
            ids.insert(turn["outreach"].as_str().expect("an id").to_owned()),
            "two bear {}",
            turn["outreach"]
        );
    }
    let timeline = shop.send(&Ask::new("GET", "/api/v1/customers/c0-0/timeline").key(&agent)).json();
    let entries = timeline["entries"].as_array().expect("entries");
    assert!(entries.iter().any(|entry| entry["words"] == "thanks opened in the thread"), "{timeline:#}");
    assert_eq!(shop.served.stop().0.code(), Some(0));
}
