//! Segment's browser SDK, as a shop has it in its pages.

use serde_json::json;

use super::drive;
use crate::http::{Shop, count, customer};
use crate::npm;

/// The SDK, in the version that is tried.
const SDK: &str = "@segment/analytics-next@1.84.3";

#[test]
fn the_browser_sdk_of_segment_sends_every_call_one_by_one_and_in_batches() {
    let shop = Shop::open(&[]);
    let sdk =
        npm::packages(&[super::DRIVER, SDK]).join("node_modules/@segment/analytics-next/dist/umd/index.js");
    let asked = json!({"url": format!("http://{}", shop.address()), "key": shop.key, "sdk": sdk});
    let told = drive("segment.cjs", &[SDK], &asked);
    shop.wait_for_events(12);
    assert_eq!(shop.served.metric("care_collector_events_rejected_total"), 0.0);
    assert_eq!(shop.served.metric("care_customer_events_duplicate_total"), 0.0);
    shop.served.wait_until("what was anonymous is the user's", |served| {
        served.metric("care_customer_messages_applied_total") >= 4.0
    });
    let dir = shop.close();
    for (strategy, requests) in [("standard", 6), ("batching", 2)] {
        let told = &told[strategy];
        let answers = told["answers"].as_array().expect("statuses");
        assert!(answers.len() >= requests && answers.iter().all(|status| status == 200), "{told}");
        let user = customer(&dir, &format!("browser-{strategy}"));
        assert_eq!(count(&user, "Seen"), 3, "with what was anonymous: {user}");
        let traits = user["profile"]["traits"]["by_name"].as_array().expect("pairs");
        assert!(traits.contains(&json!(["name", "王小明"])), "{user}");
    }
}
