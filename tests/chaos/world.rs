//! The world of a run: a cluster of its own, two engines each behind lines that can be cut, a shop that no cut reaches.

use std::hash::{BuildHasher, RandomState};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::metrics::Metrics;
use actors::port::clock::Clock;
use engine::clock::SystemClock;
use engine::settings::{Layers, Settings, load};
use engine::store::cql::CqlStore;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::config::{Around, write_settings};
use super::engine::{Engine, Signal};
use super::fault::{Line, Which};
use super::producer::Producer;
use super::proxy::{Cut, Heal, Proxy};
use super::story::{Story, TRIGGERS, as_of_version};
use super::topic::{Group, Reader};
use crate::care::{self, Finished};
use crate::cluster::{Brokers, Cluster, Names, Own, Server};
use crate::webhooks::receiver::{Receiver, Reply, Request};

/// Engines.
pub const ENGINES: usize = 2;
/// Partitions of every topic.
pub const PARTITIONS: u32 = 6;
/// Events per second.
pub const RATE: u64 = 120;
/// How long engines may take until they are ready.
const START_WITHIN: Duration = Duration::from_secs(120);
/// Ports for engines: below those that the system gives to outgoing connections.
const LOWEST_PORT: u16 = 20_000;
const PORTS: u64 = 12_000;
/// Name of the settings that go round every line.
const DIRECT: &str = "direct";
/// The shop's server takes up to so long; what waits for an answer gives up before. Units: ms.
const ANSWER_MAX_MS: u64 = 1_600;
/// Scatters how long, by what is asked. Units: ms.
const ANSWER_STEP_MS: u64 = 137;
/// The answer of a server that has taken something.
const NO_CONTENT: u16 = 204;
/// How often something awaited is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A cluster, engines, and everything between them. What looks at the servers is behind no line that can be cut.
pub struct World {
    pub clock: SystemClock,
    cluster: Own,
    pub engines: Vec<Engine>,
    /// Of each engine.
    lines: Vec<Lines>,
    pub producer: Producer,
    pub(super) reader: Reader,
    pub(super) group: Group,
    /// The shop's server, which outreach is posted to.
    pub(super) hook: Receiver,
    /// What is being done to the broker and to the store.
    under_way: [Option<JoinHandle<()>>; 2],
    pub(super) store: Arc<CqlStore>,
    pub(super) settings: Settings,
    pub(super) names: Names,
    /// Settings, triggers, logs, and what the channels delivered.
    pub(super) folder: TempDir,
}

/// What is done to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurt {
    /// Ends it at once.
    Kill,
    /// Starts it where it ended, wakes it where it stands still.
    Start,
    /// Stalls it.
    Pause,
    /// Lets it go on.
    Resume,
}

/// The lines of one engine.
struct Lines {
    broker: Proxy,
    store: Proxy,
}

impl World {
    /// Makes topics, a keyspace and settings for `engines` engines, which are not started.
    pub async fn new(what: &str, engines: usize, program: &Path) -> Self {
        Self::on(Cluster::own(Brokers::One), what, engines, program).await
    }

    /// Does the same on a cluster that is there.
    pub async fn on(cluster: Own, what: &str, engines: usize, program: &Path) -> Self {
        let names = cluster.names(what);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        let hook = Receiver::start(answer);
        let around = Around { folder: at, names: &names, hook: &hook.url() };
        let own_triggers: Vec<String> = (1..=engines).map(|version| write_triggers(at, version)).collect();
        let servers = (cluster.brokers.as_str(), cluster.cql.as_str());
        let direct = write_settings(&around, (DIRECT, &own_triggers[0]), servers, free_address());
        let config = direct.display().to_string();
        for words in [["topics", "create", "--config", &config].as_slice(), &["migrate", "--config", &config]]
        {
            let done = care::run(words.iter().copied());
            assert!(done.success, "{}\n{}", done.out, done.err);
        }
        let (mut lines, mut all) = (Vec::new(), Vec::new());
        for (nth, triggers) in own_triggers.iter().enumerate() {
            let door = &cluster.doors[nth];
            let broker =
                Proxy::start(address(&door.advertised), address(&door.listen)).expect("the address is free");
            let store = Proxy::start(address("127.0.0.1:0"), address(&cluster.cql)).expect("a free port");
            let (listen, name) = (free_address(), format!("engine-{nth}"));
            let servers = (broker.address().to_string(), store.address().to_string());
            let settings = write_settings(&around, (&name, triggers), (&servers.0, &servers.1), listen);
            all.push(Engine::new(program, &settings, listen, &at.join(format!("{name}.log"))));
            lines.push(Lines { broker, store });
        }
        let settings =
            load(&Layers { file: Some(&direct), ..Layers::default() }).expect("legal settings").settings;
        let store =
            CqlStore::connect(&settings.cql, PARTITIONS, &Metrics::new()).await.expect("the store is there");
        Self {
            clock: SystemClock,
            producer: Producer::new(&cluster.brokers, &format!("{}care.events", names.topic_prefix)),
            reader: Reader::new(&cluster.brokers),
            group: Group::new(&cluster.brokers, &names.group),
            under_way: [None, None],
            hook,
            cluster,
            engines: all,
            lines,
            store,
            settings,
            names,
            folder,
        }
    }

    /// Adds words to the command of every engine.
    pub fn engines_with(&mut self, words: &[&str]) {
        self.engines =
            std::mem::take(&mut self.engines).into_iter().map(|engine| engine.with(words)).collect();
    }

    /// Runs a command of a program to its end, with settings that no cut reaches.
    pub fn run(&self, program: &Path, words: &[&str]) -> Finished {
        let config = self.folder.path().join(DIRECT).with_extension("toml").display().to_string();
        care::run_as(program, words.iter().copied().chain(["--config", &config]))
    }

    /// Starts every engine and waits until all are ready.
    pub async fn start(&mut self) {
        self.engines.iter_mut().for_each(Engine::start);
        let ready = self.wait(START_WITHIN, |world| world.engines.iter().all(Engine::is_ready)).await;
        assert!(ready, "the engines do not become ready\n{}\n{}", self.readiness(), self.last_words());
    }

    /// Starts one engine and waits until it is ready.
    pub async fn start_engine(&mut self, which: Which) {
        self.engines[which].start();
        let ready = self.wait(START_WITHIN, |world| world.engines[which].is_ready()).await;
        assert!(ready, "the engine does not become ready\n{}\n{}", self.readiness(), self.last_words());
    }

    /// Sends so many events, [`RATE`] per second.
    pub async fn tell(&mut self, story: &mut Story, events: u64) {
        self.tell_at(RATE, story, events).await;
    }

    /// Sends so many events, at this even pace. Units: events per second.
    pub async fn tell_at(&mut self, rate: u64, story: &mut Story, events: u64) {
        let (began, mut sent) = (self.clock.boot(), 0);
        while sent < events {
            self.clock.sleep(Duration::from_millis(10)).await;
            let due = (self.clock.boot() - began).as_millis() as u64 * rate / 1_000;
            sent = self.catch_up(story, sent, due.min(events));
        }
    }

    /// Sends what is due and was not sent; returns how many were sent then.
    pub(super) fn catch_up(&self, story: &mut Story, sent: u64, due: u64) -> u64 {
        for _ in sent..due {
            self.producer.send(&story.next()).unwrap_or_else(|error| panic!("{error}"));
        }
        sent.max(due)
    }

    /// Returns how many bytes cuts have held back on the lines of an engine.
    pub fn held_back(&self, which: Which) -> u64 {
        self.lines[which].broker.held_bytes() + self.lines[which].store.held_bytes()
    }

    /// Returns what each engine says of itself.
    pub fn readiness(&self) -> String {
        let said = self.engines.iter().map(|engine| match engine.get("/readyz") {
            Some((status, text)) => format!("{status} {}", text.trim().replace('\n', " · ")),
            None => "no answer".to_owned(),
        });
        said.collect::<Vec<_>>().join(" | ")
    }

    /// Returns the last lines that each engine logged.
    pub fn last_words(&self) -> String {
        let words = self.engines.iter().enumerate();
        words.map(|(nth, engine)| format!("engine {nth}:\n{}\n", engine.last_words())).collect()
    }

    /// Returns the resident memory of the largest engine. Units: MiB.
    pub fn memory_mib(&self) -> u64 {
        self.engines.iter().filter_map(Engine::memory_mib).max().unwrap_or(0)
    }

    /// Waits for a level, looked at again and again; returns false when it does not come in time.
    pub async fn wait(&mut self, within: Duration, mut level: impl FnMut(&mut Self) -> bool) -> bool {
        let until = self.clock.boot() + within;
        while !level(self) {
            if self.clock.boot() > until {
                return false;
            }
            self.clock.sleep(LOOK).await;
        }
        true
    }

    /// Cuts a line of an engine.
    pub fn cut(&self, which: Which, line: Line, cut: Cut) {
        self.each_line(which, line, |proxy| proxy.cut(cut));
    }

    /// Ends the cut of a line of an engine.
    pub fn heal(&self, which: Which, line: Line, heal: Heal) {
        self.each_line(which, line, |proxy| proxy.heal(heal));
    }

    /// Has what goes over a line of an engine to its server be under way for so long from now on.
    pub fn slow(&self, which: Which, line: Line, delay: Duration) {
        self.each_line(which, line, |proxy| proxy.slow(delay));
    }

    /// Ends an engine, and with it everything of it that is under way.
    pub fn lose_machine(&mut self, which: Which) {
        self.engines[which].kill();
        self.each_line(which, Line::All, Proxy::reset);
    }

    fn each_line(&self, which: Which, line: Line, act: impl Fn(&Proxy)) {
        let Lines { broker, store } = &self.lines[which];
        match line {
            Line::Broker => act(broker),
            Line::Store => act(store),
            Line::All => [broker, store].into_iter().for_each(act),
        }
    }

    /// Does something to a server, behind what was done to it before; nobody waits for it.
    pub fn hurt(&mut self, hurt: Hurt, server: Server) {
        let hand = self.cluster.hand();
        let place = match server {
            Server::Broker(_) => 0,
            Server::Store => 1,
        };
        let before = self.under_way[place].take();
        self.under_way[place] = Some(tokio::task::spawn(async move {
            if let Some(before) = before {
                before.await.expect("what is done to servers does not panic");
            }
            let done = tokio::task::spawn_blocking(move || match hurt {
                Hurt::Kill => hand.kill(server),
                Hurt::Start => hand.start(server),
                Hurt::Pause => hand.pause(server),
                Hurt::Resume => hand.resume(server),
            });
            done.await.expect("what is done to servers does not panic");
        }));
    }

    /// Starts engines that have given up, as whoever supervises them does; returns how many.
    pub fn revive(&mut self) -> u64 {
        let mut revived = 0;
        for engine in &mut self.engines {
            if engine.has_given_up() {
                revived += 1;
                engine.start();
            }
        }
        revived
    }

    /// Ends everything that goes wrong: every line is whole, every server and every engine runs.
    pub async fn mend(&mut self) {
        for lines in &self.lines {
            for proxy in [&lines.broker, &lines.store].into_iter().filter(|proxy| proxy.is_cut()) {
                proxy.heal(Heal::Late);
            }
        }
        for server in [Server::Broker(1), Server::Store] {
            self.hurt(Hurt::Start, server);
        }
        for under_way in self.under_way.iter_mut().filter_map(Option::take) {
            under_way.await.expect("what is done to servers does not panic");
        }
        for engine in &mut self.engines {
            engine.signal(Signal::Continue);
            engine.start();
        }
    }
}

/// Returns the folder of the triggers of a version.
pub(super) fn triggers_of(version: usize) -> String {
    format!("triggers-{version}")
}

/// Writes the triggers as one engine has them and returns their folder. Each engine has a version of its own, as in the middle of a
/// roll-out: who decided can be told from what was sent.
fn write_triggers(at: &Path, version: usize) -> String {
    let folder = triggers_of(version);
    std::fs::create_dir(at.join(&folder)).expect("a folder");
    for (name, text) in TRIGGERS {
        let path = at.join(&folder).join(format!("{name}.yaml"));
        std::fs::write(path, as_of_version(text, version)).expect("a trigger is written");
    }
    folder
}

/// How the shop's server answers: slowly, and the first time with some too late, so that they are posted again.
fn answer(before: &[Request], request: &Request) -> Reply {
    if before.iter().any(|one| one.id == request.id) {
        return Reply::Status(NO_CONTENT);
    }
    let after_ms = request.id.bytes().map(u64::from).sum::<u64>() * ANSWER_STEP_MS % ANSWER_MAX_MS;
    Reply::After(Duration::from_millis(after_ms), NO_CONTENT)
}

/// Returns an address that nobody listens at, and that no outgoing connection takes while an engine is down.
fn free_address() -> SocketAddr {
    let chance = RandomState::new().hash_one(0);
    let ports = (0..PORTS).map(|nth| LOWEST_PORT + ((chance + nth) % PORTS) as u16);
    let addresses = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    addresses.into_iter().find(|address| TcpListener::bind(address).is_ok()).expect("a port is free")
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|error| panic!("{error}: {text}"))
}
