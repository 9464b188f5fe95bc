//! The server in process, on a log that does what it is told: away, silent, slow.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::rt::task::{JoinHandle, spawn_blocking, yield_now};
use actors::kit::memory::{MemoryLog, MemoryStore, ScriptedPredictor};
use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::log::{Error, LogSink, NewRecord, Topic};
use actors::port::{Ports, Reply};
use futures_util::FutureExt;
use schemas::event::Border;
use schemas::ids::Position;
use schemas::time::Timestamp;
use tokio::sync::watch;

use super::chat::Talking;
use super::server::{Bound, Front, Parts};
use crate::chat::{Sessions, Tokens};
use crate::clock::SystemClock;
use crate::keys::{KeyFile, Role};
use crate::model::Registry;
use crate::serve::Health;
use crate::settings::Settings;

/// What a log answers.
#[derive(Clone, Debug)]
enum Answer {
    Durable,
    Fails(Error),
    /// Nothing, until it is told another answer.
    Silent,
}

/// A log that answers as it is told.
struct ScriptedLog {
    answer: watch::Receiver<Answer>,
    asked: AtomicUsize,
    durable: Mutex<Vec<NewRecord>>,
}

impl ScriptedLog {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// The log as the server knows it.
#[derive(Clone)]
struct Sink(Arc<ScriptedLog>);

impl LogSink for Sink {
    fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Reply<Vec<Position>, Error> {
        assert_eq!(topic, Topic::Events);
        let log = self.0.clone();
        log.asked.fetch_add(1, Ordering::SeqCst);
        async move {
            let mut told = log.answer.clone();
            let heard = told.wait_for(|answer| !matches!(answer, Answer::Silent)).await;
            let answer = heard.expect("the test goes on").clone();
            match answer {
                Answer::Durable => {
                    let positions = records.iter().map(|_| Position(0)).collect();
                    log.durable.lock().expect("nobody panics with it").extend(records);
                    Ok(positions)
                }
                Answer::Fails(error) => Err(error),
                Answer::Silent => panic!("it was waited for another"),
            }
        }
        .boxed()
    }
}

/// A server, the log behind it, and a key.
struct Rig {
    front: Front,
    address: SocketAddr,
    log: Arc<ScriptedLog>,
    answer: watch::Sender<Answer>,
    metrics: Metrics,
    key: String,
    _dir: tempfile::TempDir,
}

impl Rig {
    fn start(answer: Answer, set: impl FnOnce(&mut super::Settings)) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = KeyFile::new(dir.path().join("keys.json"));
        let name = "web".parse().expect("a name");
        let (_, key) = file.create(Role::Ingest, &name, Timestamp(0)).expect("made");
        let mut settings = Settings::defaults().http;
        set(&mut settings);
        let bound = Bound::new(&settings, "127.0.0.1:0".parse().expect("an address"), file);
        let bound = bound.expect("a free port");
        let address = bound.address();
        let (answer, told) = watch::channel(answer);
        let log = ScriptedLog { answer: told, asked: AtomicUsize::new(0), durable: Mutex::default() };
        let (log, metrics) = (Arc::new(log), Metrics::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let parts = Parts {
            ports: Ports {
                source: Arc::new(MemoryLog::new(8, clock.clone())),
                sink: Arc::new(Sink(log.clone())),
                store: Arc::new(MemoryStore::new()),
                predictor: Arc::new(ScriptedPredictor::new()),
                answers: Arc::new(actors::port::answers::Nobody),
                channels: Arc::default(),
                clock: clock.clone(),
            },
            book: Arc::default(),
            models: Registry::new(dir.path()),
            health: Health::new(clock, &Settings::defaults().serve),
            border: Border::default(),
            metrics: metrics.clone(),
            talking: Talking {
                settings: Settings::defaults().chat,
                tokens: Tokens::none(),
                sessions: Sessions::new(&[0; 32], 1),
                source: Arc::new(MemoryLog::new(8, Arc::new(SystemClock))),
                store: Arc::new(MemoryStore::new()),
                wall: Arc::new(SystemClock),
            },
            stop: Duration::from_secs(10),
        };
        let front = bound.answer(parts).expect("it starts");
        Self { front, address, log, answer, metrics, key: key.reveal().to_owned(), _dir: dir }
    }

    /// Sends an event from another thread.
    fn send(&self, id: usize) -> JoinHandle<(u16, String)> {
        let (address, key) = (self.address, self.key.clone());
        spawn_blocking(move || {
            let body =
                format!(r#"{{"userId":"u","event":"E","messageId":"m{id}","pad":"{}"}}"#, "x".repeat(20_000));
            let mut stream = TcpStream::connect(address).expect("it listens");
            write!(
                stream,
                "POST /v1/track HTTP/1.1\r\nHost: care\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .expect("sent");
            let mut text = String::new();
            stream.read_to_string(&mut text).expect("answered");
            let status = text.split(' ').nth(1).expect("a status").parse().expect("a number");
            (status, text)
        })
    }

    /// Waits until the log was asked so often.
    async fn wait_until_asked(&self, times: usize) {
        until(|| self.log.asked() >= times).await;
    }

    fn under_way(&self) -> f64 {
        let samples = self.metrics.samples();
        let found = samples.iter().find(|sample| sample.name.ends_with("under_way_bytes"));
        found.expect("it is shown").value
    }
}

/// Waits for what is bound to come.
async fn until(is_so: impl Fn() -> bool) {
    let latest = SystemClock.boot() + Duration::from_secs(60);
    while !is_so() {
        assert!(SystemClock.boot() < latest, "it never came");
        yield_now().await;
    }
}

fn away() -> Answer {
    Answer::Fails(Error::Unavailable("no broker answers".to_owned()))
}

/// Runs on a runtime as the program has one.
fn run(test: impl Future<Output = ()>) {
    actix::System::new().block_on(test);
}

#[test]
fn a_log_that_is_away_is_told_as_503_and_asked_again_meanwhile() {
    run(async {
        let rig = Rig::start(away(), |settings| settings.request_ms = 1_000);
        let (status, text) = rig.send(1).await.expect("a thread");
        assert!(status == 503 && text.contains("retry-after: 2"), "{text}");
        assert!(rig.log.asked() > 1, "once is not enough");
        let waiting = rig.send(2);
        rig.wait_until_asked(rig.log.asked() + 1).await;
        rig.answer.send(Answer::Durable).expect("it listens");
        assert_eq!(waiting.await.expect("a thread").0, 200, "back in time");
        rig.answer.send(Answer::Fails(Error::ProducerReplaced("fenced".to_owned()))).expect("it listens");
        assert_eq!(rig.send(3).await.expect("a thread").0, 503);
        rig.answer.send(Answer::Fails(Error::Failed("the disk is full".to_owned()))).expect("it listens");
        let asked = rig.log.asked();
        assert_eq!(rig.send(4).await.expect("a thread").0, 503);
        assert_eq!(rig.log.asked(), asked + 1, "a log that failed for good is not asked again");
        assert_eq!(rig.log.durable.lock().expect("nobody panics with it").len(), 1);
        assert_eq!(rig.under_way(), 0.0);
        rig.front.stop().await;
    });
}

#[test]
fn what_a_silent_log_holds_takes_room_until_it_answers_and_more_is_refused_at_once() {
    run(async {
        let rig = Rig::start(Answer::Silent, |settings| {
            (settings.request_ms, settings.under_way_max_mib) = (1_500, 1);
        });
        let first = rig.send(1);
        let many: Vec<_> = (2..80).map(|id| rig.send(id)).collect();
        let mut told = Vec::new();
        for sent in many {
            told.push(sent.await.expect("a thread").0);
        }
        assert_eq!(first.await.expect("a thread").0, 503);
        let (held, refused): (Vec<u16>, Vec<u16>) = told.iter().partition(|status| **status == 503);
        assert!(!held.is_empty() && !refused.is_empty(), "{told:?}");
        assert!(refused.iter().all(|status| *status == 429), "{told:?}");
        let bytes = 20_000.0 * (held.len() + 1) as f64;
        let under_way = rig.under_way();
        assert!(
            (bytes..=1_048_576.0).contains(&under_way),
            "clients have gone, the log has not: {under_way}"
        );
        rig.answer.send(Answer::Durable).expect("it listens");
        until(|| rig.under_way() == 0.0).await;
        assert_eq!(rig.send(99).await.expect("a thread").0, 200);
        rig.front.stop().await;
    });
}

#[test]
fn a_stop_answers_what_is_under_way() {
    run(async {
        let rig = Rig::start(Answer::Silent, |_| {});
        let waiting = rig.send(1);
        rig.wait_until_asked(1).await;
        let Rig { front, answer, log, .. } = rig;
        let stopping = actix_web::rt::spawn(front.stop());
        yield_now().await;
        answer.send(Answer::Durable).expect("it listens");
        assert_eq!(waiting.await.expect("a thread").0, 200);
        stopping.await.expect("it ends");
        assert_eq!(log.durable.lock().expect("nobody panics with it").len(), 1);
    });
}
