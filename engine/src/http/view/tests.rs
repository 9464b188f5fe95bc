//! The reading side on a log in memory: dead letters that are tried again, and what the feed tells.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use actors::dead_letter::DeadLetter;
use actors::kit::memory::{MemoryLog, MemoryStore, ScriptedPredictor};
use actors::metrics::Metrics;
use actors::port::Ports;
use actors::port::clock::Clock;
use actors::port::log::{LogSink, NewRecord, Topic};
use schemas::decision::{Decision, Reason, Verdict};
use schemas::ids::{CustomerId, OutreachId, PartitionId, Position, Slot};
use schemas::record::{LogRecord, RecordKind};
use schemas::time::Timestamp;
use serde_json::Value;

use super::super::chat::Talking;
use super::super::server::{Bound, Front, Parts};
use crate::chat::{Sessions, Tokens};
use crate::clock::SystemClock;
use crate::keys::{KeyFile, Role};
use crate::model::Registry;
use crate::serve::Health;
use crate::settings::Settings;

const P0: PartitionId = PartitionId(0);

/// A server on a log in memory, and a key.
struct Rig {
    front: Front,
    address: SocketAddr,
    log: MemoryLog,
    key: String,
    _dir: tempfile::TempDir,
}

impl Rig {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = KeyFile::new(dir.path().join("keys.json"));
        let name = "people".parse().expect("a name");
        let (_, key) = file.create(Role::Admin, &name, Timestamp(0)).expect("made");
        let settings = Settings::defaults();
        let bound = Bound::new(&settings.http, "127.0.0.1:0".parse().expect("an address"), file);
        let bound = bound.expect("a free port");
        let address = bound.address();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let log = MemoryLog::new(1, clock.clone());
        let ports = Ports {
            source: Arc::new(log.clone()),
            sink: Arc::new(log.clone()),
            store: Arc::new(MemoryStore::new()),
            predictor: Arc::new(ScriptedPredictor::new()),
            answers: Arc::new(actors::port::answers::Nobody),
            channels: Arc::default(),
            clock: clock.clone(),
        };
        let talking = Talking {
            settings: Settings::defaults().chat,
            tokens: Tokens::none(),
            sessions: Sessions::new(&[0; 32], 1),
            source: ports.source.clone(),
            store: ports.store.clone(),
            wall: clock.clone(),
        };
        let parts = Parts {
            ports,
            book: Arc::default(),
            models: Registry::new(dir.path()),
            health: Health::new(clock, &settings.serve),
            border: Default::default(),
            metrics: Metrics::new(),
            talking,
            stop: Duration::from_secs(10),
        };
        let front = bound.answer(parts).expect("it starts");
        Self { front, address, log, key: key.reveal().to_owned(), _dir: dir }
    }

    /// Asks from another thread; returns status and body.
    async fn ask(&self, method: &str, path: &str, (headers, body): (&str, &str)) -> (u16, Value) {
        let (address, length) = (self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: care\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}",
            self.key
        );
        let asked = spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).expect("it listens");
            stream.write_all(request.as_bytes()).expect("sent");
            let mut text = String::new();
            stream.read_to_string(&mut text).expect("answered");
            text
        });
        let text = asked.await.expect("a thread");
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {text}")))
    }

    /// Puts the letter of an event on the topic.
    async fn letter(&self, position: u64, body: &str) {
        let record = LogRecord {
            position: Position(position),
            stamp: Timestamp(1_000 + position as i64),
            key: "ada".into(),
            kind: RecordKind::Event,
            epoch: None,
            body: body.to_owned().into(),
        };
        let letter = DeadLetter::of(Topic::Events, P0, &record, "bad_time", "timestamp is none");
        self.log.append(Topic::DeadLetter, vec![letter.record()]).await.expect("appended");
    }

    fn events(&self) -> usize {
        self.log.records(Topic::Events, P0).len()
    }
}

#[test]
fn a_letter_is_tried_again_once_however_often_it_is_asked_for() {
    actix::System::new().block_on(async {
        let rig = Rig::start();
        rig.letter(3, "{\"a\":1}").await;
        rig.letter(4, "{\"a\":2}").await;
        let (status, listed) = rig.ask("GET", "/api/v1/dead-letters?limit=1", ("", "")).await;
        assert_eq!((status, &listed["letters"][0]["body"]), (200, &"{\"a\":2}".into()), "{listed}");
        let next =
            format!("/api/v1/dead-letters?limit=1&cursor={}", listed["next"].as_str().expect("one more"));
        let (_, rest) = rig.ask("GET", &next, ("", "")).await;
        assert_eq!((&rest["letters"][0]["position"], &rest["next"]), (&3.into(), &Value::Null), "{rest}");
        let replay = async |headers: &str, body: &str| {
            rig.ask("POST", "/api/v1/dead-letters/replay", (headers, body)).await
        };
        assert_eq!(replay("", r#"{"all":true}"#).await.0, 400, "no key names the request");
        let first = replay("Idempotency-Key: k1\r\n", r#"{"reason":"bad_time"}"#).await;
        assert_eq!((first.0, &first.1["retried"], rig.events()), (200, &2.into(), 2), "{first:?}");
        assert_eq!(
            replay("Idempotency-Key: k1\r\n", r#"{"reason":"bad_time"}"#).await,
            first,
            "answered alike"
        );
        assert_eq!(replay("Idempotency-Key: k1\r\n", r#"{"all":true}"#).await.0, 422);
        let again = replay("Idempotency-Key: k2\r\n", r#"{"all":true}"#).await;
        assert_eq!((again.0, &again.1["before"], rig.events()), (200, &2.into(), 2), "{again:?}");
        let none = replay("Idempotency-Key: k3\r\n", r#"{"partition":0,"letter":99}"#).await;
        assert_eq!((none.0, &none.1["field"]), (404, &"letter".into()), "{none:?}");
        for bad in [
            r#"{}"#,
            r#"{"all":true,"reason":"x"}"#,
            r#"{"letter":1}"#,
            r#"{"partition":1}"#,
            r#"{"al":1}"#,
            "[",
        ] {
            assert_eq!(replay("Idempotency-Key: k4\r\n", bad).await.0, 400, "{bad}");
        }
        let (_, listed) = rig.ask("GET", "/api/v1/dead-letters?reason=bad_time", ("", "")).await;
        assert_eq!((&listed["retried"], &listed["complete"]), (&2.into(), &true.into()), "{listed}");
        rig.front.stop().await;
    });
}

#[test]
fn what_is_decided_while_a_page_listens_is_told_and_the_stop_ends_it() {
    actix::System::new().block_on(async {
        let rig = Rig::start();
        let (address, key) = (rig.address, rig.key.clone());
        let (heard, mut hears) = tokio::sync::mpsc::channel(1_000);
        let listening = spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).expect("it listens");
            write!(stream, "GET /api/v1/feed HTTP/1.1\r\nHost: care\r\nAuthorization: Bearer {key}\r\n\r\n")
                .expect("sent");
            let lines = BufReader::new(stream).lines();
            lines.map_while(Result::ok).for_each(|line| drop(heard.blocking_send(line)));
        });
        let mut told = Vec::new();
        while !told.iter().any(|line: &String| line.contains("\"trigger\":\"greet\"")) {
            // Until the feed has found the end of the topic, what is appended is what was before.
            rig.log.append(Topic::Decisions, vec![decision()]).await.expect("appended");
            told.push(hears.recv().await.expect("it goes on"));
        }
        assert!(told.iter().any(|line| line == "event: decision"), "{told:?}");
        rig.front.stop().await;
        listening.await.expect("the connection has ended");
    });
}

/// Returns the record of a decision.
fn decision() -> NewRecord {
    let slot = Slot { origin: CustomerId::user("ada"), position: Position(1), nth: 0, step: 0 };
    let decision = Decision {
        id: OutreachId(7),
        customer: CustomerId::user("ada"),
        trigger: "greet".into(),
        version: 1,
        slot,
        key: "".into(),
        at: Timestamp(1),
        due: Timestamp(1),
        verdict: Verdict::Sent,
        reason: Reason::Clear,
        conditions: Vec::new(),
        scores: Vec::new(),
        propensity: 1.0,
        opened_by: "".into(),
    };
    NewRecord {
        partition: P0,
        key: "ada".into(),
        kind: RecordKind::Decision,
        epoch: None,
        stamp: None,
        body: serde_json::to_vec(&decision).expect("it is JSON").into(),
    }
}
