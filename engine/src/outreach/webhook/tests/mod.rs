//! Webhooks against a server that answers as it is told, over real sockets.

mod receiver;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::kit::contract::{channel, sample};
use actors::kit::memory::MemoryLog;
use actors::metrics::Metrics;
use actors::port::channel::{Channel, Delivery};
use actors::port::clock::Clock;
use schemas::ids::OutreachId;
use schemas::time::{Span, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use super::gate::{self, Disabled};
use super::sign::Secrets;
use super::*;
use crate::clock::SystemClock;
use crate::outreach::in_app::Voice;
use crate::settings::Secret;
use receiver::{Receiver, Reply};

/// A secret of the specification's own tests, and another.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What a webhook of a test is set to.
struct Case {
    url: String,
    secrets: Secret,
    networks: &'static str,
    total: Duration,
    in_flight_max: usize,
    metrics: Metrics,
    dir: TempDir,
}

impl Case {
    /// Returns a webhook that may call this machine.
    fn of(url: String) -> Self {
        Self {
            url,
            secrets: Secret::new(SECRET),
            networks: "127.0.0.0/8, ::1",
            total: Duration::from_secs(20),
            in_flight_max: 8,
            metrics: Metrics::new(),
            dir: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    fn settings(&self) -> Settings<'_> {
        Settings {
            url: &self.url,
            secrets: &self.secrets,
            networks: self.networks,
            connect: self.total,
            total: self.total,
            in_flight_max: self.in_flight_max,
        }
    }

    fn webhook(&self) -> Webhook {
        let data_dir = self.dir.path();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let sink = Arc::new(MemoryLog::new(1, clock.clone()));
        let voice = Voice { sink, partitions: 1, clock };
        let around = Around { data_dir, metrics: &self.metrics, voice };
        Webhook::new("shop", &self.settings(), &around).expect("legal settings")
    }

    fn deliver(&self, outreach: Outreach) -> Delivery {
        block_on(self.webhook().deliver(outreach))
    }

    fn metric(&self, name: &str, label: &str) -> f64 {
        let is_it =
            |name_of: &str, labels: &[String]| name_of == name && labels.iter().any(|one| one == label);
        let samples = self.metrics.samples();
        samples.iter().filter(|one| is_it(&one.name, &one.labels)).map(|one| one.value).sum()
    }

    fn gate(&self) -> std::path::PathBuf {
        gate::file(self.dir.path(), "shop")
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn attempt(attempt: u32) -> Outreach {
    Outreach { attempt, ..sample::outreach("ada", 1) }
}

/// Returns how long after now a further attempt is.
#[track_caller]
fn pause(delivery: &Delivery) -> Span {
    let Delivery::RetryAt(at) = delivery else { panic!("{delivery:?}") };
    Span(at.0 - SystemClock.now().0)
}

#[test]
fn webhook_keeps_the_contract() {
    block_on(channel::suite(|| {
        let receiver = Receiver::of(200);
        let case = Case::of(receiver.url());
        let channel = Arc::new(case.webhook());
        // Whoever receives takes an id once. The folder goes when the fixture does.
        let sent = Box::new(move || {
            let _kept = &case;
            let mut ids: Vec<OutreachId> = Vec::new();
            for request in receiver.requests() {
                let id = u128::from_str_radix(request.header("webhook-id"), 16).expect("an id");
                if !ids.contains(&OutreachId(id)) {
                    ids.push(OutreachId(id));
                }
            }
            ids
        });
        channel::Fixture { channel, sent }
    }));
}

#[test]
fn a_signature_is_the_one_that_the_specification_publishes() {
    let secrets = Secrets::parse(&Secret::new(format!("{SECRET}, {OTHER}"))).expect("two secrets");
    let signed = secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
    let signed = signed.expect("signed");
    let (first, second) = signed.split_once(' ').expect("a signature for each secret");
    assert_eq!(first, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert!(second.starts_with("v1,") && second != first, "{signed}");
}

#[test]
fn a_request_has_the_headers_and_the_same_body_at_every_attempt() {
    let receiver = Receiver::of(500);
    let case = Case::of(receiver.url());
    for nth in [0, 5] {
        case.deliver(attempt(nth));
    }
    let requests = receiver.requests();
    let (first, second) = (&requests[0], &requests[1]);
    assert_eq!((first.line.trim_end(), &first.body), ("POST /hook HTTP/1.1", &second.body));
    for request in [first, second] {
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.header("webhook-id"), attempt(0).id.to_string());
        let age = SystemClock.now().0 / 1_000
            - request.header("webhook-timestamp").parse::<i64>().expect("seconds");
        assert!((0..300).contains(&age), "{age} s");
        assert!(request.header("webhook-signature").starts_with("v1,"), "{request:?}");
    }
}

#[test]
fn the_body_has_the_members_that_the_schema_names() {
    let schema: Value = serde_json::from_str(include_str!("../webhook.schema.json")).expect("JSON");
    let body: Value = serde_json::from_slice(&payload::body(&attempt(0))).expect("JSON");
    let check = |schema: &Value, value: &Value| {
        let known: Vec<&String> = schema["properties"].as_object().expect("an object").keys().collect();
        let found: Vec<&String> = value.as_object().expect("an object").keys().collect();
        assert_eq!(found, known);
        let required = schema["required"].as_array().expect("a list");
        assert_eq!(required.len(), known.len(), "all are always there");
        for (name, of) in schema["properties"].as_object().expect("an object") {
            let value = &value[name];
            let is_legal = match (of["const"].as_str(), of["enum"].as_array(), of["type"].as_str()) {
                (Some(only), _, _) => value == only,
                (None, Some(words), _) => words.contains(value),
                (None, None, Some("string")) => value.is_string(),
                (None, None, Some("integer")) => value.is_u64(),
                (None, None, Some("object")) => value.is_object(),
                (None, None, other) => panic!("{name}: {other:?}"),
            };
            assert!(is_legal, "{name}: {value}");
        }
    };
    check(&schema, &body);
    check(&schema["properties"]["data"], &body["data"]);
    assert_eq!(body["data"]["facts"], serde_json::json!({"orders": 3}));
    assert_eq!(body["timestamp"], "1970-01-01T00:00:00.001Z");
}

#[test]
fn a_status_means_what_standard_webhooks_says() {
    for status in [200, 201, 204, 299] {
        let receiver = Receiver::of(status);
        let delivered = Delivery::Delivered(Some(attempt(0).id.to_string()));
        assert_eq!(Case::of(receiver.url()).deliver(attempt(0)), delivered, "{status}");
    }
    for (status, result) in [
        (304, "redirect"),
        (400, "status"),
        (401, "status"),
        (404, "status"),
        (409, "status"),
        (500, "status"),
        (429, "busy"),
        (502, "busy"),
        (503, "busy"),
        (504, "busy"),
    ] {
        let receiver = Receiver::of(status);
        let case = Case::of(receiver.url());
        let pause = pause(&case.deliver(attempt(1)));
        assert!((250_000..=331_000).contains(&pause.0), "{status}: {pause:?}");
        assert_eq!(case.metric("care_webhook_calls_total", result), 1.0, "{status}");
    }
}

#[test]
fn a_server_that_asks_for_time_gets_it_and_not_more_than_a_day() {
    let in_an_hour = jiff::Timestamp::from_second(SystemClock.now().0 / 1_000 + 3_600).expect("an instant");
    let date =
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&in_an_hour).expect("a date");
    for (asked, expected) in [
        ("600", Span::minutes(10)),
        ("99999999999", Span::hours(24)),
        (date.as_str(), Span::hours(1)),
        ("soon", Span::seconds(5)),
    ] {
        let header = format!("Retry-After: {asked}\r\n");
        let receiver = Receiver::start(move |_| Reply::Status(503, header.clone()));
        let pause = pause(&Case::of(receiver.url()).deliver(attempt(0)));
        assert!((pause.0 - expected.0).abs() < 30_000, "{asked}: {pause:?}");
    }
}

#[test]
fn the_last_attempt_that_fails_is_the_end() {
    let case = Case::of(Receiver::of(500).url());
    assert!(matches!(case.deliver(attempt(ATTEMPTS - 2)), Delivery::RetryAt(_)));
    let refused = case.deliver(attempt(ATTEMPTS - 1));
    assert!(matches!(&refused, Delivery::Refused(why) if why.contains("status 500")), "{refused:?}");
    assert_eq!(case.metric("care_webhook_given_up_total", "shop"), 1.0);
}

#[test]
fn a_webhook_that_answers_410_is_called_no_more_until_it_is_opened_or_another_address() {
    let receiver = Receiver::start(|nth| Reply::Status(if nth == 0 { 410 } else { 200 }, String::new()));
    let mut case = Case::of(receiver.url());
    let before = SystemClock.now();
    let webhook = case.webhook();
    assert_eq!(case.metric("care_webhook_disabled", "shop"), 0.0);
    for _ in 0..2 {
        let refused = block_on(webhook.deliver(attempt(0)));
        assert!(matches!(&refused, Delivery::Refused(why) if why.contains("410")), "{refused:?}");
    }
    assert_eq!((receiver.requests().len(), case.metric("care_webhook_disabled", "shop")), (1, 1.0));
    // After a restart, too.
    assert!(
        matches!(case.deliver(attempt(0)), Delivery::Refused(why) if why.contains("care channels enable shop"))
    );
    let disabled = gate::read(&case.gate(), &case.url).expect("readable").expect("disabled");
    assert!(disabled.url == case.url && disabled.since_ms >= before, "{disabled:?}");
    // Another address is another webhook.
    let url = std::mem::replace(&mut case.url, format!("{}/new", receiver.url()));
    assert!(matches!(case.deliver(attempt(0)), Delivery::Delivered(_)));
    case.url = url;
    assert!(matches!(case.deliver(attempt(0)), Delivery::Refused(_)));
    assert_eq!(
        (gate::open(&case.gate()).expect("taken away"), gate::open(&case.gate()).expect("gone")),
        (true, false)
    );
    assert!(matches!(case.deliver(attempt(0)), Delivery::Delivered(_)));
    assert_eq!(case.metric("care_webhook_disabled", "shop"), 0.0);
}

#[test]
fn a_gate_that_cannot_be_read_or_written_stays_closed() {
    let case = Case::of(Receiver::of(410).url());
    std::fs::create_dir_all(case.gate().parent().expect("a folder")).expect("made");
    std::fs::write(case.gate(), "{").expect("written");
    assert!(matches!(case.deliver(attempt(0)), Delivery::Refused(_)), "what it says may be no");
    let case = Case::of(Receiver::of(410).url());
    let webhook = case.webhook();
    // A file stands where the folder should be.
    std::fs::write(case.gate().parent().expect("a folder"), "").expect("written");
    for _ in 0..2 {
        assert!(matches!(block_on(webhook.deliver(attempt(0))), Delivery::Refused(_)));
    }
}

#[test]
fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let inside = Receiver::of(200);
        let location = format!("Location: http://{}/\r\n", inside.address);
        let receiver = Receiver::start(move |_| Reply::Status(status, location.clone()));
        let case = Case::of(receiver.url());
        assert!(matches!(case.deliver(attempt(0)), Delivery::RetryAt(_)), "{status}");
        assert_eq!((receiver.requests().len(), inside.connections()), (1, 0), "{status}");
        assert_eq!(case.metric("care_webhook_calls_total", "redirect"), 1.0);
    }
}

#[test]
fn a_name_or_an_address_within_a_private_network_is_never_connected_to() {
    let receiver = Receiver::of(200);
    let port = receiver.address.port();
    for (url, networks) in [
        (format!("https://localhost:{port}/"), ""),
        (format!("https://localhost:{port}/"), "10.0.0.0/8"),
        (format!("http://localhost:{port}/"), "10.0.0.0/8"),
        (format!("https://127.0.0.1:{port}/"), ""),
        (format!("https://127.1:{port}/"), ""),
        (format!("https://2130706433:{port}/"), ""),
        (format!("https://0x7f.0.0.1:{port}/"), ""),
        (format!("https://[::ffff:127.0.0.1]:{port}/"), ""),
        (format!("https://[::ffff:7f00:1]:{port}/"), ""),
    ] {
        let case = Case { networks, ..Case::of(url) };
        assert!(matches!(case.deliver(attempt(0)), Delivery::RetryAt(_)), "{}", case.url);
        assert_eq!(case.metric("care_webhook_calls_total", "forbidden"), 1.0, "{}", case.url);
    }
    assert_eq!(receiver.connections(), 0);
    let named = Case::of(format!("http://localhost:{port}/"));
    assert!(
        matches!(named.deliver(attempt(0)), Delivery::Delivered(_)),
        "where the network is named, it is called"
    );
}

#[test]
fn a_server_that_is_slow_silent_or_not_there_costs_its_time_and_no_more() {
    let total = Duration::from_millis(300);
    for (script, result) in [(Reply::Silent, "late"), (Reply::Cut, "unreachable")] {
        let receiver = Receiver::start(move |_| script.clone());
        let case = Case { total, ..Case::of(receiver.url()) };
        assert!(matches!(case.deliver(attempt(0)), Delivery::RetryAt(_)), "{result}");
        assert_eq!(case.metric("care_webhook_calls_total", result), 1.0, "{result}");
    }
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let case = Case::of(format!("http://{nobody}/"));
    assert!(matches!(case.deliver(attempt(0)), Delivery::RetryAt(_)));
    assert_eq!(case.metric("care_webhook_calls_total", "unreachable"), 1.0);
}

#[test]
fn an_answer_without_end_is_read_no_further_than_its_beginning() {
    for (script, taken) in [
        (Reply::Stalls(200), true),
        (Reply::Stalls(500), false),
        (Reply::Endless(200), true),
        (Reply::Endless(500), false),
    ] {
        let receiver = Receiver::start(move |_| script.clone());
        let delivery = Case::of(receiver.url()).deliver(attempt(0));
        assert_eq!(matches!(delivery, Delivery::Delivered(_)), taken, "{delivery:?}");
        // What lies in the buffers of two sockets, and a little that was read.
        assert!(receiver.endless_bytes() < 64 << 20, "{} bytes", receiver.endless_bytes());
    }
}

#[test]
fn a_servers_calls_at_once_are_bounded() {
    let receiver = Receiver::start(|_| Reply::Silent);
    let case = Case { in_flight_max: 2, total: Duration::from_millis(500), ..Case::of(receiver.url()) };
    let webhook = case.webhook();
    let calls = (0..6).map(|nth| webhook.deliver(sample::outreach("ada", nth)));
    let all = block_on(futures_util::future::join_all(calls));
    assert!(all.iter().all(|one| matches!(one, Delivery::RetryAt(_))), "{all:?}");
    assert_eq!(receiver.requests().len(), 2);
}

#[test]
fn a_call_that_is_given_up_leaves_its_room_to_the_next() {
    let receiver =
        Receiver::start(|nth| if nth == 0 { Reply::Silent } else { Reply::Status(200, String::new()) });
    let case = Case { in_flight_max: 1, ..Case::of(receiver.url()) };
    let webhook = case.webhook();
    block_on(async {
        let given_up = webhook.deliver(attempt(0));
        let called = async {
            while receiver.requests().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { biased; _ = given_up => panic!("it is silent"), () = called => {} }
        assert!(matches!(webhook.deliver(attempt(0)).await, Delivery::Delivered(_)));
    });
}

#[track_caller]
fn wrong(change: impl FnOnce(&mut Case), words: &str) {
    let mut case = Case::of("https://shop.example/hook".to_owned());
    case.networks = "";
    change(&mut case);
    let found = contradictions("shop", &case.settings(), Duration::from_secs(30));
    assert!(found.len() == 1 && found[0].contains(words), "{words}: {found:?}");
    assert!(!found[0].contains("AAAA"), "a secret is told: {found:?}");
}

#[test]
fn settings_that_cannot_work_are_told_before_anything_is_sent() {
    wrong(|case| case.url = String::new(), "url is needed");
    wrong(|case| case.url = "http://shop.example/".to_owned(), "has to be https");
    wrong(|case| case.url = "https://169.254.169.254/".to_owned(), "169.254.169.254 is in no network");
    wrong(|case| case.secrets = Secret::default(), "secrets holds 0 secrets");
    wrong(|case| case.secrets = Secret::new("AAAA"), "secret 1 is not whsec_");
    wrong(|case| case.secrets = Secret::new(format!("{SECRET} whsec_AAAA")), "secret 2 is not whsec_");
    wrong(|case| case.total = Duration::from_secs(30), "below dispatcher.call_deadline_ms (30000)");
    let case = Case { networks: "", ..Case::of("https://shop.example/hook".to_owned()) };
    assert_eq!(contradictions("shop", &case.settings(), Duration::from_secs(30)), Vec::<String>::new());
    assert_eq!(contradictions("a/../b", &case.settings(), Duration::from_secs(30)).len(), 1);
    assert!(networks("10.0.0.0/8, fd00::/8,127.0.0.1").is_ok() && networks("10.0.0.0/33").is_err());
}

#[test]
fn a_closed_gate_says_so_to_whoever_lists() {
    let (dir, since_ms) = (tempfile::tempdir().expect("a temporary folder"), Timestamp(7));
    let path = gate::file(dir.path(), "shop");
    assert_eq!(gate::read(&path, "https://a/").expect("nothing is there"), None);
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("made");
    let disabled = Disabled { url: "https://a/".to_owned(), since_ms };
    std::fs::write(&path, serde_json::to_vec(&disabled).expect("JSON")).expect("written");
    assert_eq!(gate::read(&path, "https://a/").expect("readable"), Some(disabled));
    assert_eq!(gate::read(&path, "https://b/").expect("readable"), None);
}
