//! SIGKILL under load: clients that send again until they are answered find every event applied once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};

use serde_json::json;

use super::client::{Answer, Ask, Client};
use super::{Shop, address, count, customer, data, serve};
use crate::care;
use crate::service::PATIENCE;

/// Clients, events of each, kills.
const CLIENTS: u64 = 4;
const EVENTS: u64 = 150;
const KILLS: u64 = 3;

#[test]
fn every_acknowledged_event_is_applied_once_however_often_the_service_is_killed() {
    let Shop { dir, served, key } = Shop::open(&[]);
    // The port stays: clients come back to the one they know.
    let fixed = address(&served);
    let variable = [("CARE__HTTP__LISTEN", fixed.as_str())];
    drop(served);
    let (done, retried, up) = (AtomicU64::new(0), AtomicU64::new(0), Up::default());
    std::thread::scope(|scope| {
        for nth in 0..CLIENTS {
            let (done, retried, up, fixed, key) = (&done, &retried, &up, &fixed, &key);
            scope.spawn(move || {
                let mut client = None;
                for number in 0..EVENTS {
                    let id = format!("u{nth}-{number}");
                    let call = json!({"userId": format!("u{nth}"), "event": "Seen", "messageId": id});
                    let ask = Ask::json("/v1/track", call).key(key);
                    while send(&mut client, fixed, &ask).is_none_or(|answer| answer.status != 200) {
                        retried.fetch_add(1, Ordering::Relaxed);
                        up.wait();
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for kill in 1..=KILLS {
            let served = serve(&dir, &variable);
            up.set(true);
            let until = CLIENTS * EVENTS * kill / (KILLS + 1);
            served.wait_until("clients are answered", |served| {
                served.get("/livez").status == 200 && done.load(Ordering::Relaxed) >= until
            });
            up.set(false);
            drop(served);
        }
        let served = serve(&dir, &variable);
        up.set(true);
        served.wait_until("every client is done", |served| {
            served.get("/livez").status == 200 && done.load(Ordering::Relaxed) == CLIENTS * EVENTS
        });
        served.wait_until("the log is read to its end", |served| {
            served.metric("care_partition_records_lag") == 0.0
        });
        let (status, stopped) = served.stop();
        assert_eq!((status.code(), &stopped["safe"]), (Some(0), &json!(true)), "{stopped}");
    });
    println!("{} sent again", retried.load(Ordering::Relaxed));
    for nth in 0..CLIENTS {
        assert_eq!(count(&customer(&dir, &format!("u{nth}")), "Seen"), EVENTS, "of u{nth}");
    }
    let dead = care::run(["dead-letters", "--json", "--data-dir", &data(&dir)]);
    assert!(dead.success && !dead.out.contains("\"reason\""), "{}", dead.out);
}

/// Whether the service is up, for clients that wait for it.
#[derive(Default)]
struct Up {
    is_up: Mutex<bool>,
    changed: Condvar,
}

impl Up {
    fn set(&self, is_up: bool) {
        *self.is_up.lock().expect("nobody panics with it") = is_up;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let is_up = self.is_up.lock().expect("nobody panics with it");
        let waited = self.changed.wait_timeout_while(is_up, PATIENCE, |is_up| !*is_up);
        assert!(*waited.expect("nobody panics with it").0, "it never came back");
    }
}

/// Sends over the connection that is there, or a new one; nothing when there is no answer.
fn send(client: &mut Option<Client>, address: &str, ask: &Ask) -> Option<Answer> {
    if client.is_none() {
        *client = Client::connect(address).ok();
    }
    let answer = client.as_mut()?.send(ask).ok();
    if answer.is_none() {
        *client = None;
    }
    answer
}
