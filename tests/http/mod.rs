//! The HTTP server and its collector, by the real binary in the embedded world.

mod bounds;
pub mod chat;
pub mod client;
mod clients;
mod conformance;
mod crash;
mod hostile;
pub mod in_app;
mod keys;
mod roles;
mod routes;
mod stop;
mod storefront;
mod views;

use serde_json::{Value, json};
use tempfile::TempDir;

use client::{Answer, Ask, Client};

use crate::care;
use crate::service::Served;

/// Rule scores: what is tested is not the models.
const RULES: (&str, &str) = ("CARE__PREDICTOR__KIND", "rules");

/// A data folder with a key, served.
pub struct Shop {
    pub dir: TempDir,
    /// What serves it.
    pub served: Served,
    /// A key that sends events.
    pub key: String,
}

impl Shop {
    /// Serves a new data folder, with settings as the environment gives them.
    pub fn open(settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let key = made(&dir, "ingest", "web");
        let served = serve(&dir, settings);
        Self { dir, served, key }
    }

    /// Returns its folder.
    pub fn folder(&self) -> &TempDir {
        &self.dir
    }

    /// Returns HOST:PORT of its HTTP server.
    pub fn address(&self) -> String {
        address(&self.served)
    }

    /// Sends one request over a connection of its own.
    #[track_caller]
    pub fn send(&self, ask: &Ask) -> Answer {
        Client::connect(&self.address()).and_then(|mut client| client.send(ask)).expect("an answer")
    }

    /// Sends one request with the key.
    #[track_caller]
    pub fn send_with_key(&self, ask: Ask) -> Answer {
        self.send(&ask.key(&self.key))
    }

    /// Waits until so many events are applied or known to be repetitions.
    #[track_caller]
    pub fn wait_for_events(&self, events: u64) {
        self.served.wait_until("the events are applied", |served| {
            let known = ["care_customer_events_applied_total", "care_customer_events_duplicate_total"];
            known.iter().map(|name| served.metric(name)).sum::<f64>() >= events as f64
        });
    }

    /// Kills the service as a lost machine would, and serves its folder again.
    #[track_caller]
    pub fn kill(&mut self, settings: &[(&str, &str)]) {
        self.served.signal("KILL");
        self.served.wait();
        self.served = serve(&self.dir, settings);
    }

    /// Stops the service and returns its folder.
    #[track_caller]
    pub fn close(self) -> TempDir {
        let (status, stopped) = self.served.stop();
        assert_eq!((status.code(), &stopped["safe"]), (Some(0), &json!(true)), "{stopped}");
        self.dir
    }
}

/// Returns the data folder for the command line.
pub fn data(dir: &TempDir) -> String {
    dir.path().join("data").display().to_string()
}

/// Serves a data folder on a free port, unless the settings name another.
fn serve(dir: &TempDir, settings: &[(&str, &str)]) -> Served {
    let settings = [&[RULES, ("CARE__HTTP__LISTEN", "127.0.0.1:0")][..], settings].concat();
    let mut served = Served::start(&["--data-dir", &data(dir)], &settings);
    served.hear("ready");
    served
}

fn address(served: &Served) -> String {
    let address = served.started["http"].as_str().expect("it listens");
    address.strip_prefix("http://").expect("http").to_owned()
}

/// Makes a key and returns its text.
pub fn made(dir: &TempDir, role: &str, name: &str) -> String {
    let words = ["keys", "create", "--role", role, "--name", name, "--json", "--data-dir", &data(dir)];
    care::run(words).summary()["key"].as_str().expect("a key").to_owned()
}

/// Returns what is known of a customer, read from the folder of a service that is stopped.
#[track_caller]
pub fn customer(dir: &TempDir, id: &str) -> Value {
    care::run(["customer", id, "--json", "--data-dir", &data(dir)]).summary()
}

/// Returns how many events a customer had of a name that the vocabulary does not know.
#[track_caller]
pub fn count(customer: &Value, event: &str) -> u64 {
    let series = customer["profile"]["counters"]["series"].as_array().expect("counters");
    let counter = series.iter().find(|counter| counter["name"] == json!([0, event]));
    counter.map_or(0, |counter| counter["total"].as_u64().expect("a number"))
}

/// Returns a track call.
pub fn track(user: &str, event: &str, id: &str) -> Value {
    json!({"userId": user, "event": event, "messageId": id, "properties": {"product_id": "p-1"}})
}
