//! The clients that shops have, and the commands of `ops/docs/collector.md`, against the running binary.
//!
//! The clients come from the registry of npm, once.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Shop, count, customer};
use crate::npm::{self, run};

/// The clients, each in the version that is tried.
const CLIENTS: [&str; 3] = ["@segment/analytics-node@3.1.0", "mixpanel@0.24.0", "cloudevents@10.0.0"];

#[test]
fn clients_of_segment_mixpanel_and_cloud_events_are_content() {
    let folder = npm::packages(&CLIENTS);
    let shop = Shop::open(&[]);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("http/clients.cjs");
    let url = format!("http://{}", shop.address());
    run(npm::program(&program, &folder).args([&url, &shop.key]));
    shop.wait_for_events(5 + 16 + 2);
    assert_eq!(shop.served.metric("care_customer_events_duplicate_total"), 0.0);
    assert_eq!(shop.served.metric("care_collector_events_rejected_total"), 0.0);
    let dir = shop.close();
    for (user, events) in [("segment-1", 4), ("mixpanel-1", 16), ("cloud-1", 2)] {
        assert_eq!(count(&customer(&dir, user), "Seen"), events, "of {user}");
    }
}

#[test]
fn the_commands_of_the_page_run_as_they_stand_there() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/docs/collector.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let blocks: Vec<&str> = page.split("\n```").filter_map(|block| block.strip_prefix("sh\n")).collect();
    assert_eq!(blocks.len(), 1, "programs of the page");
    let shop = Shop::open(&[]);
    let url = format!("http://{}", shop.address());
    let said = run(Command::new("sh").args(["-euc", blocks[0]]).env("KEY", &shop.key).env("URL", url));
    assert!(!said.contains("message"), "{said}");
    shop.wait_for_events(7);
    assert_eq!(shop.served.metric("care_collector_events_accepted_total"), 7.0, "{said}");
    assert_eq!(shop.served.metric("care_customer_events_duplicate_total"), 0.0);
}
