//! Webhooks by the real binary in the embedded world, and the receivers of `ops/docs/webhooks.md` as they stand there.

pub mod receiver;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use actors::kit::contract::sample;
use actors::kit::memory::MemoryLog;
use actors::metrics::Metrics;
use actors::port::channel::Delivery;
use actors::port::clock::Clock;
use engine::clock::SystemClock;
use engine::outreach::in_app::Voice;
use engine::outreach::{self, Around};
use engine::settings::{Layers, load};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::care;
use crate::http::client::Ask;
use crate::http::{Shop, data, track};
use crate::npm;
use receiver::{Receiver, Reply, Request};

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD_SECRET: &str = "whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xk";

/// Customers who ask for help.
const CUSTOMERS: usize = 12;

/// Whoever asks for help gets one message, with what is known of orders.
const TRIGGER: &str = r#"
apiVersion: care/v1
kind: Trigger
metadata: {name: help-asked, description: "Somebody asked for help"}
spec:
  entry: {event: "Help Asked", reentry: {mode: once}}
  policy: {category: service, priority: 50, max_age: P4D, caps: uncounted}
  action: {channel: shop, template: help, facts: [orders.count]}
"#;

/// Returns a folder with the trigger, and the settings that lead its outreach to a receiver.
fn setting(receiver: &Receiver) -> (TempDir, Vec<(&'static str, String)>) {
    let triggers = tempfile::tempdir().expect("a temporary folder");
    fs::write(triggers.path().join("help-asked.yaml"), TRIGGER).expect("written");
    let settings = vec![
        ("CARE__TRIGGERS__DIR", triggers.path().display().to_string()),
        ("CARE__CHANNELS__SHOP__KIND", "webhook".to_owned()),
        ("CARE__CHANNELS__SHOP__URL", receiver.url()),
        ("CARE__CHANNELS__SHOP__SECRETS", SECRET.to_owned()),
        ("CARE__CHANNELS__SHOP__NETWORKS", "127.0.0.0/8".to_owned()),
    ];
    (triggers, settings)
}

fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Has every customer do something.
fn all_do(shop: &Shop, event: &str) {
    for nth in 0..CUSTOMERS {
        let call = track(&format!("u{nth}"), event, &format!("{event}-{nth}"));
        let answer = shop.send_with_key(Ask::json("/v1/track", call));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// Returns what was said under each id, every content once.
fn contents(requests: &[Request]) -> BTreeMap<String, Vec<String>> {
    let mut contents: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in requests {
        let known = contents.entry(request.id.clone()).or_default();
        if !known.contains(&request.body) {
            known.push(request.body.clone());
        }
    }
    contents
}

/// The first calls are never answered: the engine is killed while they are under way. Then every customer's second call is turned away, and
/// while the row waits it learns of an order, which would change what is said.
#[test]
fn each_outreach_arrives_and_its_id_names_one_content_whenever_the_engine_is_killed() {
    let receiver = Receiver::start(|before, request| {
        let times = before.iter().filter(|one| one.id == request.id).count();
        match times {
            0 => Reply::Never,
            1 => Reply::Status(503),
            2.. => Reply::Status(200),
        }
    });
    let (_triggers, settings) = setting(&receiver);
    let mut shop = Shop::open(&borrowed(&settings));
    all_do(&shop, "Help Asked");
    receiver.wait_until("every first call is under way", |requests| contents(requests).len() == CUSTOMERS);
    shop.kill(&borrowed(&settings));
    receiver.wait_until("every second call was made", |requests| requests.len() >= 2 * CUSTOMERS);
    all_do(&shop, "Order Completed");
    shop.served.wait_until("the log is read", |served| served.metric("care_partition_records_lag") == 0.0);
    shop.kill(&borrowed(&settings));
    receiver.wait_until("every third call was made", |requests| {
        let times = |id: &String| requests.iter().filter(|one| one.id == *id).count();
        contents(requests).keys().all(|id| times(id) >= 3)
    });
    shop.served
        .wait_until("all is told", |served| served.metric("care_dispatcher_outreach_in_flight") == 0.0);
    let dir = shop.close();
    let found = contents(&receiver.requests());
    assert_eq!(found.len(), CUSTOMERS, "each once");
    for (id, bodies) in found {
        assert_eq!(bodies.len(), 1, "{id} names {bodies:?}");
        let body: Value = serde_json::from_str(&bodies[0]).expect("JSON");
        assert_eq!((&body["data"]["id"], &body["data"]["facts"]), (&json!(id), &json!({"orders.count": 0})));
    }
    let of_one = care::run(["customer", "u0", "--json", "--data-dir", &data(&dir)]).summary();
    assert!(of_one.to_string().contains("\"delivered\""), "{of_one}");
}

#[test]
fn a_webhook_that_answers_410_is_told_of_and_opened_again_by_command() {
    let receiver = Receiver::start(|before, _| Reply::Status(if before.is_empty() { 410 } else { 200 }));
    let (_triggers, settings) = setting(&receiver);
    let mut shop = Shop::open(&borrowed(&settings));
    let data = data(&shop.dir);
    let channels = |words: &[&str]| {
        care::run_with([&["channels"][..], words, &["--data-dir", &data]].concat(), &settings)
    };
    let listed = channels(&["list"]);
    assert!(
        listed.success && listed.out.contains(&receiver.url()) && !listed.out.contains("whsec"),
        "{}",
        listed.out
    );
    let ask_for_help = |shop: &Shop, who: &str| {
        shop.send_with_key(Ask::json("/v1/track", track(who, "Help Asked", who)));
    };
    ask_for_help(&shop, "first");
    shop.served.wait_until("it is disabled", |served| served.metric("care_webhook_disabled") == 1.0);
    all_do(&shop, "Help Asked");
    shop.served.wait_until("all is told", |served| {
        served.metric("care_webhook_given_up_total") == 1.0 + CUSTOMERS as f64
    });
    assert_eq!(receiver.requests().len(), 1, "it is called no more");
    shop.kill(&borrowed(&settings));
    assert_eq!(shop.served.metric("care_webhook_disabled"), 1.0, "after a restart, too");
    let listed = channels(&["list"]);
    assert!(!listed.success && listed.out.contains("care channels enable shop"), "{}", listed.out);
    let wrong = channels(&["enable", "log"]);
    assert!(!wrong.success && wrong.err.contains("only webhooks"), "{}", wrong.err);
    let enabled = channels(&["enable", "shop", "--json"]);
    assert_eq!(enabled.summary(), json!({"channel": "shop", "was_disabled": true}));
    // The engine looks again within a second; until then whoever asks is told that it is disabled.
    let late = Cell::new(0);
    shop.served.wait_until("what comes now is sent", |_| {
        late.set(late.get() + 1);
        ask_for_help(&shop, &format!("late-{}", late.get()));
        receiver.requests().len() > 1
    });
    shop.close();
}

/// A program of the page.
struct Program {
    child: Child,
    said: std::io::Lines<BufReader<std::process::ChildStdout>>,
    port: u16,
    _dir: TempDir,
}

impl Program {
    /// Starts the page's program in a language, and waits until it listens.
    fn start(language: &str, (mut command, file): (Command, &str)) -> Self {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/docs/webhooks.md");
        let page = fs::read_to_string(page).expect("the page is there");
        let head = format!("{language}\n");
        let blocks: Vec<&str> = page.split("\n```").filter_map(|block| block.strip_prefix(&head)).collect();
        assert_eq!(blocks.len(), 1, "programs in {language}");
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join(file);
        fs::write(&path, blocks[0]).expect("written");
        let command = command.arg(&path).env("PORT", "0").env("WEBHOOK_SECRETS", SECRET);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program is there");
        let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = said.next().expect("a line").expect("text");
        let port = line.strip_prefix("listening on ").and_then(|port| port.parse().ok());
        Self { child, said, port: port.unwrap_or_else(|| panic!("{line}")), _dir: dir }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It ends with the test.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Delivers an outreach to a port by the channel that the settings make.
fn deliver(port: u16, secrets: &str) -> Delivery {
    let variables = [
        ("CARE__CHANNELS__SHOP__KIND", "webhook".to_owned()),
        ("CARE__CHANNELS__SHOP__URL", format!("http://127.0.0.1:{port}/")),
        ("CARE__CHANNELS__SHOP__SECRETS", secrets.to_owned()),
        ("CARE__CHANNELS__SHOP__NETWORKS", "127.0.0.1".to_owned()),
    ];
    let environment = variables.map(|(name, value)| (name.to_owned(), value)).into();
    let settings = load(&Layers { environment, ..Layers::default() }).expect("legal").settings;
    let (dir, metrics) = (tempfile::tempdir().expect("a temporary folder"), Metrics::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sink = Arc::new(MemoryLog::new(1, clock.clone()));
    let voice = Voice { sink, partitions: 1, clock };
    let around = Around { data_dir: dir.path(), metrics: &metrics, voice };
    let channels = outreach::build(&settings.channels, &around).expect("built");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(channels["shop"].deliver(sample::outreach("ada", 1)))
}

fn python() -> (Command, &'static str) {
    (Command::new("python3"), "receiver.py")
}

fn node() -> (Command, &'static str) {
    (npm::node(), "receiver.cjs")
}

#[test]
fn the_receivers_of_the_page_take_what_is_signed_by_a_secret_they_know_and_each_id_once() {
    for (language, program) in [("python", python()), ("js", node())] {
        let mut program = Program::start(language, program);
        assert!(matches!(deliver(program.port, OLD_SECRET), Delivery::RetryAt(_)), "{language}: another's");
        for secrets in [SECRET.to_owned(), format!("{OLD_SECRET},{SECRET}"), format!("{SECRET} {OLD_SECRET}")]
        {
            let delivered = deliver(program.port, &secrets);
            assert!(matches!(delivered, Delivery::Delivered(_)), "{language}: {delivered:?}");
        }
        drop(program.child.kill());
        let said: Vec<String> = program.said.by_ref().map_while(Result::ok).collect();
        assert_eq!(said, ["say we_miss_you to ada"], "{language}: an id is taken once");
    }
}
