//! Conversations over HTTP, on a log and a store in memory.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use actors::kit::contract::sample;
use actors::kit::memory::{MemoryLog, MemoryStore, ScriptedPredictor};
use actors::metrics::Metrics;
use actors::port::Ports;
use actors::port::clock::Clock;
use actors::port::log::{LogSink, NewRecord, Topic};
use actors::port::store::Store;
use schemas::conversation::{Act, Change, Piece, Reply, Speaker, Talk, Turn};
use schemas::event::Border;
use schemas::ids::{CustomerId, Epoch, PartitionId};
use schemas::record::{RecordKind, encode_reply};
use schemas::rulebook::Rulebook;
use schemas::time::{Span, Timestamp};
use serde_json::{Value, json};

use super::super::server::{Bound, Front, Parts};
use super::Talking;
use crate::chat::{Proof, Session, Sessions, Tokens};
use crate::clock::SystemClock;
use crate::keys::{KeyFile, Role};
use crate::model::Registry;
use crate::serve::Health;
use crate::settings::Settings;

const PARTITIONS: u32 = 4;

/// Longest wait for what is bound to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server, what is behind it, and keys.
struct Rig {
    front: Front,
    address: SocketAddr,
    log: MemoryLog,
    store: MemoryStore,
    web: String,
    agent: String,
    _dir: tempfile::TempDir,
}

fn sessions() -> Sessions {
    Sessions::new(&[7; 32], 30)
}

/// Returns the session of a customer whom the shop has proved.
fn known(customer: &str, life: Span) -> String {
    let now = now();
    let customer = CustomerId::user(customer);
    let proof = Proof { customer, id: "t".to_owned(), made: now, ends: now + life };
    sessions().write(&sessions().known(&proof))
}

fn now() -> Timestamp {
    SystemClock.now()
}

impl Rig {
    fn start(set: impl FnOnce(&mut crate::chat::Settings)) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = KeyFile::new(dir.path().join("keys.json"));
        let key = |role, name: &str| {
            let (_, key) = file.create(role, &name.parse().expect("a name"), Timestamp(0)).expect("made");
            key.reveal().to_owned()
        };
        let (web, agent) = (key(Role::Ingest, "web"), key(Role::Agent, "desk"));
        let settings = Settings::defaults();
        let mut chat = settings.chat;
        set(&mut chat);
        let address = "127.0.0.1:0".parse().expect("an address");
        let bound = Bound::new(&settings.http, address, file.clone()).expect("a free port");
        let address = bound.address();
        let log = MemoryLog::new(PARTITIONS, Arc::new(SystemClock));
        let store = MemoryStore::new();
        let talking = Talking {
            settings: chat,
            tokens: Tokens::none(),
            sessions: sessions(),
            source: Arc::new(log.clone()),
            store: Arc::new(store.clone()),
            wall: Arc::new(SystemClock),
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let parts = Parts {
            ports: Ports {
                source: Arc::new(log.clone()),
                sink: Arc::new(log.clone()),
                store: Arc::new(store.clone()),
                predictor: Arc::new(ScriptedPredictor::new()),
                answers: Arc::new(actors::port::answers::Nobody),
                channels: Arc::default(),
                clock: clock.clone(),
            },
            book: Arc::new(Rulebook::default()),
            models: Registry::new(dir.path()),
            health: Health::new(clock, &settings.serve),
            border: Border::default(),
            metrics: Metrics::new(),
            talking,
            stop: Duration::from_secs(10),
        };
        let front = bound.answer(parts).expect("it starts");
        Self { front, address, log, store, web, agent, _dir: dir }
    }

    /// Asks, and returns status and body.
    async fn ask(&self, method: &str, path: &str, bearer: &str, body: &Value) -> (u16, Value) {
        let mut line = Line::open(self.address, (method, path, bearer), ("", body)).await;
        spawn_blocking(move || {
            let mut text = String::new();
            line.0.read_to_string(&mut text).expect("answered");
            (line.1, serde_json::from_str(&text).unwrap_or(Value::String(text)))
        })
        .await
        .expect("a thread")
    }

    async fn post(&self, path: &str, bearer: &str, body: Value) -> (u16, Value) {
        self.ask("POST", path, bearer, &body).await
    }

    /// Listens as a page that has heard so much.
    async fn listen(&self, session: &str, heard: Option<u32>) -> Line {
        let heard = heard.map_or_else(String::new, |heard| format!("Last-Event-ID: {heard}\r\n"));
        Line::open(self.address, ("GET", "/chat/stream", session), (&heard, &Value::Null)).await
    }

    /// Writes turns as a row does, and tells some.
    async fn turns(&self, turns: &[Turn], told: &[u32]) {
        self.store.write_turns(turns.to_vec()).await.expect("memory takes everything");
        for turn in turns.iter().filter(|turn| told.contains(&turn.number)) {
            self.tell(1, &Reply::Turn(Box::new(turn.clone()))).await;
        }
    }

    async fn tell(&self, epoch: u64, reply: &Reply) {
        let partition = PartitionId::of("ada", PARTITIONS);
        let (key, kind, epoch) = ("ada".into(), RecordKind::Reply, Some(Epoch(epoch)));
        let record = NewRecord { partition, key, kind, epoch, stamp: None, body: encode_reply(reply) };
        self.log.append(Topic::Replies, vec![record]).await.expect("memory takes everything");
    }

    /// Returns what was appended about a customer.
    fn appended(&self, customer: &str) -> Vec<(RecordKind, Value)> {
        let records = self.log.records(Topic::Events, PartitionId::of(customer, PARTITIONS));
        let of = records.into_iter().filter(|record| record.key == customer);
        of.map(|record| (record.kind, serde_json::from_slice(&record.body).expect("JSON"))).collect()
    }
}

/// One connection, with the status of its answer.
struct Line(BufReader<TcpStream>, u16);

impl Line {
    async fn open(
        address: SocketAddr,
        (method, path, bearer): (&str, &str, &str),
        (more, body): (&str, &Value),
    ) -> Self {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: care\r\nAuthorization: Bearer {bearer}\r\nContent-Length: {length}\r\n{more}\r\n{body}"
        );
        spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).expect("it listens");
            stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
            stream.write_all(head.as_bytes()).expect("sent");
            let mut reader = BufReader::new(stream);
            let mut status = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a head");
                match line.trim_end() {
                    "" => return Self(reader, status),
                    line if status == 0 => {
                        let code = line.split(' ').nth(1).and_then(|code| code.parse().ok());
                        status = code.expect("a status");
                    }
                    _ => {}
                }
            }
        })
        .await
        .expect("a thread")
    }

    /// Returns the next event with its data; nothing when the line ends.
    async fn next(mut self) -> (Self, Option<(String, Value)>) {
        spawn_blocking(move || {
            let (mut name, mut data) = (String::new(), None);
            loop {
                let mut line = String::new();
                if self.0.read_line(&mut line).expect("it is alive") == 0 {
                    return (self, None);
                }
                match line.trim_end().split_once(": ") {
                    Some(("event", text)) => name = text.to_owned(),
                    Some(("data", text)) => data = Some(serde_json::from_str(text).expect("JSON")),
                    Some(_) => {}
                    None => {
                        if let Some(data) = data.take() {
                            return (self, Some((name, data)));
                        }
                    }
                }
            }
        })
        .await
        .expect("a thread")
    }

    /// Returns names and numbers, or texts, of so many events.
    async fn heard(mut self, count: usize) -> (Self, Vec<String>) {
        let mut heard = Vec::new();
        while heard.len() < count {
            let (line, event) = self.next().await;
            self = line;
            let (name, data) = event.expect("it goes on");
            heard.push(match name.as_str() {
                "turn" => format!("turn {}", data["number"]),
                "piece" => format!("piece {}", data["text"].as_str().expect("text")),
                _ => name,
            });
        }
        (self, heard)
    }
}

fn turn(number: u32) -> Turn {
    Turn { epoch: 0, attempt: number, act: Act::Said, ..sample::turn("ada", number) }
}

fn piece(attempt: u32, text: &str) -> Reply {
    Reply::Piece(Piece { attempt, epoch: 0, nth: 0, text: text.to_owned() })
}

fn run(test: impl Future<Output = ()>) {
    actix::System::new().block_on(test);
}

#[test]
fn what_a_page_says_is_durable_under_the_name_that_its_session_proves_and_no_other() {
    run(async {
        let rig = Rig::start(|_| {});
        let ada = known("ada", Span::hours(1));
        let said =
            rig.post("/chat/messages", &ada, json!({"id": "m1", "text": "Where is my order?", "lang": "en"}));
        assert_eq!(said.await, (202, json!({"id": "m1"})));
        let opened = rig.post("/chat/session", &rig.web, json!({"page": "0123456789abcdef"})).await;
        assert_eq!((opened.0, &opened.1["known"]), (200, &json!(false)));
        let somebody = opened.1["session"].as_str().expect("a session").to_owned();
        assert_eq!(rig.post("/chat/messages", &somebody, json!({"id": "m1", "text": "你好"})).await.0, 202);
        let Session { customer, .. } = sessions().read(&somebody, now()).expect("it was just made");
        let said = |id: &str, text: &str, lang: &str, proved: bool| {
            let said = json!({"said": {"message": id, "text": text, "lang": lang, "proved": proved}});
            vec![(RecordKind::Talk, said)]
        };
        assert_eq!(rig.appended("ada"), said("m1", "Where is my order?", "en", true));
        assert_eq!(rig.appended(customer.as_str()), said("m1", "你好", "", false));
        for nobody in ["", "forged", &known("ada", Span(-1)), rig.web.as_str(), rig.agent.as_str()] {
            let (status, told) = rig.post("/chat/messages", nobody, json!({"id": "m", "text": "x"})).await;
            assert_eq!((status, &told["type"]), (401, &json!("urn:care:problem:no-session")), "{nobody}");
        }
        rig.front.stop().await;
    });
}

#[test]
fn what_cannot_be_said_names_its_field_and_too_much_waits_for_the_next_minute() {
    run(async {
        let rig = Rig::start(|chat| chat.messages_per_minute = 6);
        let ada = known("ada", Span::hours(1));
        for (body, field) in [
            (json!({"id": "", "text": "x"}), "id"),
            (json!({"id": "m", "text": " "}), "text"),
            (json!({"id": "m", "text": "x".repeat(4_001)}), "text"),
            (json!({"id": "m", "text": 5}), "body"),
        ] {
            let (status, told) = rig.post("/chat/messages", &ada, body).await;
            assert_eq!((status, &told["field"]), (400, &json!(field)), "{told}");
        }
        let page = rig.post("/chat/session", &rig.web, json!({"page": "short"})).await;
        assert_eq!((page.0, &page.1["field"]), (400, &json!("page")));
        let token = json!({"page": "0123456789abcdef", "token": "a.b.c"});
        let token = rig.post("/chat/session", &rig.web, token).await;
        assert_eq!((token.0, &token.1["type"]), (401, &json!("urn:care:problem:token-refused")));
        let mut statuses = Vec::new();
        for id in 0..40 {
            statuses
                .push(rig.post("/chat/messages", &ada, json!({"id": id.to_string(), "text": "x"})).await.0);
        }
        assert!(
            statuses.contains(&429) && statuses.iter().all(|status| [202, 429].contains(status)),
            "{statuses:?}"
        );
        assert_eq!(rig.appended("ada").len(), statuses.iter().filter(|status| **status == 202).count());
        rig.front.stop().await;
    });
}

#[test]
fn a_page_hears_its_thread_what_follows_and_after_a_cut_the_rest_of_it() {
    run(async {
        let rig = Rig::start(|_| {});
        let ada = known("ada", Span::hours(1));
        let turns: Vec<Turn> = (0..10).map(turn).collect();
        rig.turns(&turns[..2], &[0, 1]).await;
        let (line, heard) = rig.listen(&ada, None).await.heard(3).await;
        assert_eq!(heard, ["turn 0", "turn 1", "ready"]);
        rig.tell(1, &piece(2, "Yes, ")).await;
        rig.tell(1, &piece(1, "of an answer that is there")).await;
        rig.turns(&turns[2..3], &[2]).await;
        rig.tell(1, &piece(2, "late")).await;
        // The turns between were told by an owner whom nobody heard; one of an epoch that is over tells nothing.
        rig.turns(&turns[3..6], &[5]).await;
        rig.tell(0, &Reply::Turn(Box::new(turns[9].clone()))).await;
        rig.turns(&turns[4..7], &[4, 5, 6]).await;
        let (line, heard) = line.heard(6).await;
        assert_eq!(heard, ["piece Yes, ", "turn 2", "turn 3", "turn 4", "turn 5", "turn 6"]);
        drop(line);
        rig.turns(&turns[7..8], &[7]).await;
        let (_, heard) = rig.listen(&ada, Some(5)).await.heard(3).await;
        assert_eq!(heard, ["turn 6", "turn 7", "ready"]);
        let (_, heard) = rig.listen(&known("eve", Span::hours(1)), None).await.heard(1).await;
        assert_eq!(heard, ["ready"], "nobody hears another's thread");
        rig.front.stop().await;
    });
}

#[test]
fn a_line_ends_with_its_session_and_with_the_server_and_there_are_no_more_than_may_be() {
    run(async {
        let rig = Rig::start(|chat| chat.streams_max = 2);
        let ada = known("ada", Span::hours(1));
        let (long, _) = rig.listen(&ada, None).await.heard(1).await;
        let (short, _) = rig.listen(&known("bob", Span::seconds(3)), None).await.heard(1).await;
        assert_eq!(rig.listen(&ada, None).await.1, 503);
        let (_, end) = short.next().await;
        assert_eq!(end, None, "its session has ended");
        let Rig { front, .. } = rig;
        front.stop().await;
        assert_eq!(long.next().await.1, None);
    });
}

#[test]
fn agents_list_threads_read_them_take_them_over_speak_and_hand_them_back() {
    run(async {
        let rig = Rig::start(|_| {});
        let mut turns: Vec<Turn> = (0..3).map(turn).collect();
        turns.iter_mut().for_each(|turn| turn.at = now());
        (turns[2].act, turns[2].speaker, turns[2].epoch) = (Act::TookOver, Speaker::Agent, 1);
        rig.turns(&turns, &[0, 1, 2]).await;
        let list = loop {
            let (status, list) = rig.ask("GET", "/api/v1/conversations", &rig.agent, &Value::Null).await;
            assert_eq!(status, 200, "{list}");
            if list["conversations"][0]["turns"] == 3 {
                break list;
            }
        };
        let one = &list["conversations"][0];
        assert_eq!((&one["customer"], &one["owner"]), (&json!("ada"), &json!("human")), "{list}");
        let path = "/api/v1/conversations/ada";
        let (_, thread) = rig.ask("GET", &format!("{path}?from=1&limit=1"), &rig.agent, &Value::Null).await;
        assert_eq!((&thread["turns"][0]["number"], &thread["next"]), (&json!(1), &json!(2)), "{thread}");
        let marie = json!({"agent": "Marie"});
        let spoken = json!({"id": "s1", "agent": "Marie", "text": "Hello!"});
        assert_eq!(rig.post(&format!("{path}/take-over"), &rig.agent, marie.clone()).await.0, 202);
        assert_eq!(rig.post(&format!("{path}/messages"), &rig.agent, spoken).await.0, 202);
        assert_eq!(rig.post(&format!("{path}/hand-back"), &rig.agent, marie).await.0, 202);
        let talks: Vec<Talk> = rig
            .appended("ada")
            .into_iter()
            .map(|(_, body)| serde_json::from_value(body).expect("talk"))
            .collect();
        let [Talk::Ownership(taken), Talk::Spoken(spoken), Talk::Ownership(back)] = &talks[..] else {
            panic!("{talks:?}");
        };
        assert_eq!(
            (taken.change, spoken.text.as_str(), back.change),
            (Change::TakeOver, "Hello!", Change::HandBack)
        );
        assert_eq!(rig.post(&format!("{path}/take-over"), &rig.web, json!({"agent": "Eve"})).await.0, 403);
        let unnamed = rig.post(&format!("{path}/take-over"), &rig.agent, json!({"agent": ""})).await;
        assert_eq!((unnamed.0, &unnamed.1["field"]), (400, &json!("agent")));
        rig.front.stop().await;
    });
}

#[test]
fn outreach_that_was_seen_or_followed_is_told_as_an_event_of_the_customer() {
    run(async {
        let rig = Rig::start(|_| {});
        let ada = known("ada", Span::hours(1));
        let id = sample::outreach("ada", 1).id;
        let mut turns: Vec<Turn> = (0..3).map(turn).collect();
        (turns[1].speaker, turns[1].outreach, turns[1].by) = (Speaker::Outreach, Some(id), "win-back".into());
        rig.turns(&turns, &[]).await;
        assert_eq!(rig.post("/chat/seen", &ada, json!({"from": 0, "number": 2})).await.0, 204);
        assert_eq!(rig.post("/chat/seen", &ada, json!({"number": 2, "clicked": 1})).await.0, 204);
        let appended = rig.appended("ada");
        let events: Vec<(&str, &str)> = appended
            .iter()
            .filter(|(kind, _)| *kind == RecordKind::Event)
            .map(|(_, event)| {
                (event["event"].as_str().expect("a name"), event["messageId"].as_str().expect("an id"))
            })
            .collect();
        let (seen, clicked) = (format!("Outreach Seen {id}"), format!("Outreach Clicked {id}"));
        assert!(
            events.contains(&("Outreach Seen", &seen)) && events.contains(&("Outreach Clicked", &clicked)),
            "{events:?}"
        );
        assert_eq!(appended[0], (RecordKind::Talk, json!({"seen": {"number": 2}})));
        rig.front.stop().await;
    });
}
