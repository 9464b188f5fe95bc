//! Conversations on servers: pages that listen at one process hear what another one answers.

use std::path::Path;

use super::serve::{PARTITIONS, World, at_work};
use crate::care;
use crate::cluster::Cluster;
use crate::http::chat::SIGNED;
use crate::service::Served;

#[test]
fn a_page_hears_its_answer_whichever_process_owns_the_customer() {
    let world = World::new(Cluster::shared(), "chat");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keys = folder.path().join("keys.json").display().to_string();
    let articles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/demo-data/knowledge");
    let articles = articles.display().to_string();
    let secret = "0123456789abcdef".repeat(2);
    let open = [
        ("CARE__HTTP__LISTEN", "127.0.0.1:0"),
        ("CARE__HTTP__KEYS", keys.as_str()),
        ("CARE__KNOWLEDGE__DIR", articles.as_str()),
        ("CARE__CHAT__SESSION_SECRET", secret.as_str()),
    ];
    let open = [&open[..], &SIGNED].concat();
    let settings: Vec<_> = open.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let made = ["keys", "create", "--role", "ingest", "--name", "web", "--json"];
    let key = care::run_with(made, &settings).summary()["key"].as_str().expect("a key").to_owned();
    let (mut one, mut other) = (world.serve(&open), world.serve(&open));
    one.hear("ready");
    other.hear("ready");
    one.wait_until("both have partitions", |one| {
        let (mine, others) = (at_work(one), at_work(&other));
        mine > 0 && others > 0 && mine + others == PARTITIONS
    });
    let url = one.started["http"].as_str().expect("it listens").to_owned();
    // So many that some open a page in these seconds at whatever hour it is: at night hardly anybody comes.
    let shoppers = ["--shoppers", "600000", "--seed", "7", "--pages", "20", "--asks", "1"];
    let visit = ["shop", "--url", &url, "--key", &key, "--open-for", "1", "--for", "20", "--json"];
    let visit = [&visit[..], &shoppers].concat();
    let told = care::run_with(visit, &settings).summary();
    let number = |name: &str| told[name].as_u64().unwrap_or_else(|| panic!("{name}: {told}"));
    assert!(number("questions") > 4 && number("answered") == number("questions"), "{told}");
    assert_eq!([number("rejected"), number("pages_failed")], [0; 2], "{told}");
    let answers = |served: &Served| served.metric("care_conversation_turns_total");
    assert!(answers(&one) > 0.0 && answers(&other) > 0.0, "both own customers who asked");
    let events = |served: &Served| {
        let known = ["care_customer_events_applied_total", "care_customer_events_duplicate_total"];
        known.iter().map(|name| served.metric(name)).sum::<f64>()
    };
    one.wait_until("everything is applied", |one| events(one) + events(&other) >= number("events") as f64);
    for served in [one, other] {
        assert_eq!(served.stop().0.code(), Some(0));
    }
}
