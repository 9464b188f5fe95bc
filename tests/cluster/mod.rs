//! Real Kafka and a real CQL server for tests: started by `ops/local-cluster`, stopped when this process is gone.
//!
//! [`Cluster::shared`] is for tests that leave the servers alone: each takes names of its own from [`Cluster::names`], so that they run side
//! by side. [`Cluster::own`] is for tests that kill and stall servers: one such test at a time, and each finds everything running. Tests
//! that need servers live in modules whose path contains `servers`, so that `ops/test` can name and leave out what it cannot run.

mod servers;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use engine::log::kafka;
use engine::settings::Settings;
use serde_json::Value;

/// Servers that run, and where.
#[derive(Debug)]
pub struct Cluster {
    /// Addresses of Kafka, as clients take them.
    pub brokers: String,
    /// Address of the CQL server; it takes TLS on the same port, with [`Tls::ca`].
    pub cql: String,
    /// Copies of a topic's partition; one per broker.
    pub replication: u16,
    /// The listener of Kafka that asks who is there.
    pub tls: Tls,
    /// Listeners of the first broker for proxies: [`DOORS`] of a cluster of one's own, none of the shared one.
    pub doors: Vec<Door>,
    /// The Java that the servers run on.
    pub java: PathBuf,
    /// Folder of Kafka's jars, its own tools among them.
    pub kafka_jars: PathBuf,
    folder: PathBuf,
}

/// Clusters of one's own that there may be at once.
const OWN: usize = 9;

/// Doors of a cluster of one's own.
const DOORS: u32 = 3;

/// A listener of Kafka whose clients are told to come to another address, where nobody listens but a proxy.
#[derive(Debug)]
pub struct Door {
    /// Where the broker listens.
    pub listen: String,
    /// Where its clients come to.
    pub advertised: String,
}

/// The listener with TLS and SCRAM.
#[derive(Debug)]
pub struct Tls {
    /// Addresses of Kafka.
    pub brokers: String,
    /// SASL mechanism.
    pub mechanism: String,
    /// User that may come in.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// What is to be trusted, as PEM.
    pub ca: PathBuf,
}

/// How many brokers a cluster has.
#[derive(Clone, Copy, Debug)]
pub enum Brokers {
    /// One, which holds everything.
    One,
    /// Three; topics have three copies, of which two have to be in sync.
    Three,
}

/// What a test can hurt.
#[derive(Clone, Copy, Debug)]
pub enum Server {
    /// A broker, counted from 1.
    Broker(u8),
    /// The CQL server.
    Store,
}

/// Names that no other test has.
#[derive(Debug)]
pub struct Names {
    /// Stands before the name of every topic.
    pub topic_prefix: String,
    /// Consumer group.
    pub group: String,
    /// Keyspace.
    pub keyspace: String,
}

impl Cluster {
    /// Returns the cluster that all tests share, started by the first that asks unless it runs already, as below `ops/test`. Where it lies
    /// may be said by `CARE_CLUSTER`, for a cluster that stays up while tests are written.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::up(said_or_below_target("CARE_CLUSTER", "local-cluster"), Brokers::One, 0))
    }

    /// Returns a cluster that may be hurt, with everything running: waits until no other test has one, and starts it the first time. Where
    /// it lies may be said by `CARE_CLUSTERS`, a folder.
    pub fn own(brokers: Brokers) -> Own {
        Self::own_at(0, brokers)
    }

    /// Returns the cluster of a place, for a test that hurts several side by side and takes all but the first down at its end.
    pub fn own_at(place: usize, brokers: Brokers) -> Own {
        static ALONE: [Mutex<()>; OWN] = [const { Mutex::new(()) }; OWN];
        // A test that failed with it has not spoilt it: what it stopped is started now.
        let alone = ALONE[place].lock().unwrap_or_else(PoisonError::into_inner);
        let name = match brokers {
            Brokers::One => "own-cluster",
            Brokers::Three => "own-cluster-of-three",
        };
        let name = if place == 0 { name.to_owned() } else { format!("{name}-{place}") };
        let folder = said_or_below_target("CARE_CLUSTERS", "tmp").join(name);
        Own { cluster: Self::up(folder, brokers, DOORS), _alone: alone }
    }

    fn up(folder: PathBuf, brokers: Brokers, doors: u32) -> Self {
        // One after the other: two that look for free ports at once may find the same.
        static STARTING: Mutex<()> = Mutex::new(());
        let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let count = match brokers {
            Brokers::One => "1",
            Brokers::Three => "3",
        };
        let (door_count, holder) = (doors.to_string(), std::process::id().to_string());
        let words = ["up", "--tls", "--json", "--brokers", count, "--doors", &door_count, "--while", &holder];
        let out = local_cluster(&folder, doors > 0, &words);
        let state: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error} in {out}"));
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text in {out}")).to_owned();
        let door =
            |door: &Value| Door { listen: text(&door["listen"]), advertised: text(&door["advertised"]) };
        let broker = command_of(&state, "broker-1").unwrap_or_else(|| panic!("no broker in {out}"));
        let class_path = broker.iter().skip_while(|word| *word != "-cp").nth(1).expect("a class path");
        Self {
            doors: state["doors"][0]
                .as_array()
                .map(|doors| doors.iter().map(door).collect())
                .unwrap_or_default(),
            java: PathBuf::from(&broker[0]),
            kafka_jars: Path::new(class_path).parent().expect("a folder of jars").to_path_buf(),
            brokers: text(&state["brokers"]),
            cql: text(&state["cql"]),
            replication: state["replication"]
                .as_u64()
                .and_then(|copies| u16::try_from(copies).ok())
                .expect("a count"),
            tls: Tls {
                brokers: text(&state["tls"]["brokers"]),
                mechanism: text(&state["tls"]["mechanism"]),
                user: text(&state["tls"]["user"]),
                password: text(&state["tls"]["password"]),
                ca: text(&state["tls"]["ca"]).into(),
            },
            folder,
        }
    }

    /// Returns names that begin with a word for the test and that nothing else has, also not in an earlier run.
    pub fn names(&self, what: &str) -> Names {
        assert!(
            what.len() <= 30 && what.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "a keyspace cannot begin with this: {what}"
        );
        // Keys of the standard library's hash maps are the nearest source of chance.
        let chance = RandomState::new().build_hasher().finish() >> 32;
        let name = format!("{what}_{chance:08x}");
        Names { topic_prefix: format!("{name}."), group: name.clone(), keyspace: name }
    }

    /// Returns settings of the log on these brokers, with such names.
    pub fn kafka(&self, what: &str) -> kafka::Settings {
        let names = self.names(what);
        let replication = u32::from(self.replication);
        kafka::Settings {
            brokers: self.brokers.clone(),
            group: names.group,
            topic_prefix: names.topic_prefix,
            replication,
            min_insync: replication.div_ceil(2),
            ..Settings::defaults().kafka
        }
    }
}

/// A cluster that one test has to itself and may hurt.
pub struct Own {
    cluster: Cluster,
    _alone: MutexGuard<'static, ()>,
}

impl Deref for Own {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Own {
    /// Takes it down.
    pub fn take_down(self) {
        local_cluster(&self.folder, true, &["down"]);
    }

    /// Returns what hurts its servers from another thread.
    pub fn hand(&self) -> Hand {
        Hand { folder: self.folder.clone() }
    }
}

/// Hurts the servers of a cluster that a test has to itself; what it does is over before the test lets go of the cluster.
#[derive(Clone, Debug)]
pub struct Hand {
    folder: PathBuf,
}

impl Hand {
    /// Ends a server at once; returns when it is gone.
    pub fn kill(&self, server: Server) {
        self.run("kill", server);
    }

    /// Ends a server in good order; returns when it is gone.
    pub fn stop(&self, server: Server) {
        self.run("stop", server);
    }

    /// Starts a server that ended, on its ports and data; returns when it answers.
    pub fn start(&self, server: Server) {
        self.run("start", server);
    }

    /// Stalls a server: its connections stay open and nobody answers.
    pub fn pause(&self, server: Server) {
        self.run("pause", server);
    }

    /// Lets a stalled server go on.
    pub fn resume(&self, server: Server) {
        self.run("resume", server);
    }

    fn run(&self, verb: &str, server: Server) {
        match server {
            Server::Broker(number) => {
                local_cluster(&self.folder, true, &[verb, "broker", &number.to_string()])
            }
            Server::Store => local_cluster(&self.folder, true, &[verb, "store"]),
        };
    }
}

/// Returns the command that a server was started by.
fn command_of(state: &Value, name: &str) -> Option<Vec<String>> {
    let server = state["servers"].as_array()?.iter().find(|server| server["name"] == name)?;
    server["command"].as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
}

/// Servers that are hurt are started all the time, and most of what a young one does is to compile itself: it leaves the slow compiler out.
const YOUNG: (&str, &str) = ("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1");

/// Runs `ops/local-cluster` for a cluster that is `hurt`, or for one that is not; returns its standard output.
#[track_caller]
fn local_cluster(folder: &Path, hurt: bool, words: &[&str]) -> String {
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the root")
        .join("ops/local-cluster");
    let output = Command::new(program)
        .args(words)
        .arg("--dir")
        .arg(folder)
        .envs(hurt.then_some(YOUNG))
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ops/local-cluster {}:\n{said}", words.join(" "));
    String::from_utf8(output.stdout).expect("addresses are text")
}

/// Returns the folder that a variable names, else one in the target folder.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever starts tests says by the environment where clusters lie"
)]
fn said_or_below_target(variable: &str, name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder");
    std::env::var_os(variable).map_or_else(|| target.join(name), PathBuf::from)
}
