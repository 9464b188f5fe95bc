//! A graceful stop with requests under way: those are answered, what was acknowledged is durable, and nobody who is slow holds it up.

use serde_json::json;

use super::client::{Ask, Client};
use super::{Shop, address, count, customer, track};

/// Clients that send without a pause.
const CLIENTS: usize = 4;

/// Bytes of a body that are held back.
const HELD_BACK: usize = 20;

/// The longest that a stop may take: `serve.stop_ms`, by default. Units: seconds.
const STOP_S: f64 = 10.0;

/// Sends a request but for the end of its body, and returns the rest.
fn begin(client: &mut Client, ask: &Ask) -> Vec<u8> {
    let (head, body) = ask.wire();
    let (now, later) = body.split_at(body.len() - HELD_BACK);
    client.write(head.as_bytes()).and_then(|()| client.write(now)).expect("the server reads");
    later.to_vec()
}

#[test]
fn a_stop_answers_requests_under_way_and_what_was_acknowledged_is_durable() {
    let Shop { dir, mut served, key } = Shop::open(&[]);
    let at = address(&served);
    let connect = || Client::connect(&at).expect("the server listens");
    let call = |user: &str, id: &str| Ask::json("/v1/track", track(user, "Seen", id)).key(&key);
    let (mut slow, mut stuck) = (connect(), connect());
    let rest = begin(&mut slow, &call("slow", "m"));
    begin(&mut stuck, &call("stuck", "m"));
    let mut idle = connect();
    assert_eq!(idle.send(&call("idle", "m")).expect("an answer").status, 200);
    served.wait_until("both bodies are on their way", |served| {
        served.metric("care_collector_under_way_bytes") > 100.0
    });
    let acknowledged: Vec<u64> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|nth| {
                let (mut client, call) = (connect(), &call);
                scope.spawn(move || {
                    let user = format!("busy-{nth}");
                    let is_taken = |n: &u64| {
                        client.send(&call(&user, &format!("m{n}"))).is_ok_and(|answer| answer.status == 200)
                    };
                    (0..).take_while(is_taken).count() as u64
                })
            })
            .collect();
        served.wait_until("everybody is busy", |served| {
            served.metric("care_collector_events_accepted_total") > 200.0
        });
        served.signal("TERM");
        served.hear("stopping");
        slow.write(&rest).expect("the connection is kept for an answer");
        assert_eq!(slow.answer().expect("an answer").status, 200, "it was under way");
        clients.into_iter().map(|client| client.join().expect("it ends when it is refused")).collect()
    });
    let stopped = served.hear("stopped");
    assert_eq!(stopped["safe"], json!(true), "{stopped}");
    assert!(stopped["took_s"].as_f64().expect("a number") <= STOP_S, "{stopped}");
    assert_eq!(served.wait().0.code(), Some(0));
    assert!(idle.send(&call("idle", "n")).is_err() && stuck.is_closed(), "nobody is kept");
    assert_eq!(count(&customer(&dir, "slow"), "Seen"), 1);
    for (nth, taken) in acknowledged.into_iter().enumerate() {
        let applied = count(&customer(&dir, &format!("busy-{nth}")), "Seen");
        // The last one may have been taken without an answer that came through.
        assert!((taken..=taken + 1).contains(&applied), "{taken} acknowledged, {applied} applied");
    }
}
