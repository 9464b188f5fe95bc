//! Traces of the real binary, as they come to whoever collects them.

mod receiver;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;

use crate::care;
use crate::http::client::{Ask, Client};
use crate::service::Served;

use super::in_repository;
use receiver::{Collector, Span};

/// A caller's trace and span.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A caller's trace that the caller does not keep.
const UNKEPT: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Who must not be in a trace.
const USER: &str = "ada.lovelace@example.com";

/// A shop that is served and traced.
struct Shop {
    served: Served,
    http: String,
    key: String,
    _dir: tempfile::TempDir,
}

impl Shop {
    fn open(url: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let data = dir.path().join("data").display().to_string();
        let words = ["keys", "create", "--role", "ingest", "--name", "web", "--json", "--data-dir", &data];
        let key = care::run(words).summary()["key"].as_str().expect("a key").to_owned();
        let triggers = in_repository("tests/watch/triggers").display().to_string();
        let variables = [
            ("CARE__PREDICTOR__KIND", "rules"),
            ("CARE__OBSERVABILITY__TRACES_ENDPOINT", url),
            ("CARE__OBSERVABILITY__TRACES_RATIO", "1"),
            ("CARE__OBSERVABILITY__TRACES_AUTHORIZATION", "Bearer let-me-in"),
        ];
        let options = ["--http", "127.0.0.1:0", "--data-dir", &data, "--triggers", &triggers];
        let mut served = Served::start(&options, &variables);
        served.hear("ready");
        let http =
            served.started["http"].as_str().expect("it listens").trim_start_matches("http://").to_owned();
        Self { served, http, key, _dir: dir }
    }

    /// Asks for help, within a caller's span.
    fn ask_for_help(&self, id: &str, traceparent: &str) {
        let call = json!({"userId": USER, "event": "Help Wanted", "messageId": id});
        let ask = Ask::json("/v1/track", call).key(&self.key).header("traceparent", traceparent);
        let answer = Client::connect(&self.http).and_then(|mut client| client.send(&ask)).expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[test]
fn a_request_a_batch_and_a_channel_call_are_traced_and_a_caller_is_followed() {
    let mut collector = Collector::start();
    let shop = Shop::open(&collector.url);
    shop.ask_for_help("m-1", &format!("00-{UNKEPT}-{CALLER}-00"));
    shop.ask_for_help("m-2", &format!("00-{TRACE}-{CALLER}-01"));
    let request = collector.wait_for("request", |span| span.trace == TRACE);
    assert_eq!((request.name.as_str(), request.kind), ("POST /v1/track", SpanKind::Server));
    assert_eq!(request.parent, CALLER);
    assert_eq!(
        ["http.route", "http.request.method", "http.response.status_code"]
            .map(|name| request.attribute(name)),
        ["/v1/track", "POST", "200"]
    );
    assert_eq!(request.process["service.name"], "care");
    assert_eq!(request.schema, "https://opentelemetry.io/schemas/1.37.0");
    assert_eq!(collector.authorization, "Bearer let-me-in");

    let call = collector.wait_for("channel call", |span| span.name == "dispatcher.call");
    assert_eq!(call.kind, SpanKind::Client);
    let told = ["care.channel", "care.trigger", "care.answer"].map(|name| call.attribute(name));
    assert_eq!(told, ["log", "help-wanted", "delivered"]);

    let cycle = collector
        .wait_for("cycle", |span| span.name == "partition.cycle" && span.attribute("care.records") != "0");
    assert_eq!(cycle.parent, "", "a cycle is of nobody's request");
    let part = |name: &str, of: &Span| {
        let (name, id) = (name.to_owned(), of.id.clone());
        move |span: &Span| span.name == name && span.parent == id
    };
    let turns = collector.wait_for("turns", part("partition.turns", &cycle));
    assert_ne!(turns.attribute("care.turns"), "0");
    let fetch = collector.wait_for("fetch", part("partition.fetch", &cycle));
    assert_eq!(fetch.attribute("care.records"), cycle.attribute("care.records"));
    assert!([&turns, &fetch].iter().all(|span| span.trace == cycle.trace));
    // What was read in one cycle may be written in another.
    let writes = |span: &Span| span.name == "partition.flush" && span.attribute("care.rows") != "0";
    let flush = collector.wait_for("flush", writes);
    let cycle = collector.wait_for("cycle of the flush", |span| span.id == flush.parent);
    assert_eq!((cycle.name.as_str(), cycle.trace), ("partition.cycle", flush.trace));

    // What is left is sent at the end.
    assert_eq!(shop.served.stop().0.code(), Some(0));
    assert!(collector.spans.iter().all(|span| span.trace != UNKEPT), "its caller does not keep it");
    let told = format!("{:?}", collector.spans);
    assert!(!told.contains("ada.lovelace"), "a customer is in a trace: {told}");
}

#[test]
fn a_collector_that_is_away_hinders_nothing() {
    let away = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a free port");
    let shop = Shop::open(&format!("http://{away}/v1/traces"));
    shop.ask_for_help("m-1", &format!("00-{TRACE}-{CALLER}-01"));
    shop.served.wait_until("it is sent", |served| served.metric("care_dispatcher_outreach_total") >= 1.0);
    assert_eq!(shop.served.stop().0.code(), Some(0));
}

/// Serves one answer as any OpenAI-compatible server would write it, and returns its address.
fn language_model() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a head");
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().expect("a number");
            }
        }
        reader.read_exact(&mut vec![0; length]).expect("a body");
        let said = json!({"choices": [{"index": 0, "delta": {"content": "Within 30 days."}}]});
        let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 42, "completion_tokens": 7}});
        let body = format!("data: {said}\n\ndata: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        stream.write_all(format!("{head}{body}").as_bytes()).expect("it is read");
    });
    url
}

#[test]
fn an_answer_in_words_is_traced_by_the_conventions_of_generative_ai() {
    let mut collector = Collector::start();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = dir.path().join("care.toml");
    let (model, url) = (language_model(), &collector.url);
    let text = format!(
        "[observability]\ntraces_endpoint = \"{url}\"\ntraces_ratio = 1.0\n[generation.backends.cloud]\nkind = \"openai\"\nbase_url = \"{model}\"\nmodel = \"tiny-1\"\n"
    );
    std::fs::write(&config, text).expect("written");
    let knowledge = in_repository("ops/demo-data/knowledge").display().to_string();
    let config = config.display().to_string();
    let asked = ["ask", "Can I return shoes?", "--knowledge", &knowledge, "--config", &config, "--json"];
    let answer = care::run(asked).summary();
    assert_eq!(
        (&answer["backend"], &answer["text"]),
        (&json!("cloud"), &json!("Within 30 days.")),
        "{answer}"
    );
    let span = collector.wait_for("answer", |span| span.name == "chat tiny-1");
    assert_eq!(span.kind, SpanKind::Client);
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "tiny-1"),
        ("gen_ai.usage.input_tokens", "42"),
        ("gen_ai.usage.output_tokens", "7"),
        ("care.generation.backend", "cloud"),
        ("care.generation.rung", "full"),
        ("care.generation.finish", "stop"),
    ] {
        assert_eq!(span.attribute(name), value, "{name} of {span:?}");
    }
    assert!(!format!("{span:?}").contains("shoes"), "what is asked stays out of a trace");
}
