//! Bounds: packed bodies, slow clients, too much at once, and the end of the service.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::client::{Ask, Client};
use super::{Shop, count, customer, track};

/// Returns a batch of so many calls of a user, each with bytes that go nowhere.
fn batch(user: &str, ids: std::ops::Range<u64>, bytes: usize) -> Value {
    let call = |n| json!({"type": "track", "userId": user, "event": "Seen", "messageId": format!("{user}-{n}"), "integrations": "x".repeat(bytes)});
    json!({"batch": ids.map(call).collect::<Vec<_>>()})
}

#[test]
fn packed_bodies_are_read_and_bombs_are_refused() {
    let shop = Shop::open(&[]);
    let packed = shop.send_with_key(Ask::json("/v1/batch", batch("u", 0..200, 100)).gzip());
    assert_eq!((packed.status, &packed.json()["accepted"]), (200, &json!(200)));
    let bomb = Ask::json("/v1/batch", "").body(vec![b' '; 20 << 20]).gzip();
    assert_eq!(shop.send_with_key(bomb).status, 413);
    let broken = Ask::json("/v1/track", track("u", "E", "m")).header("Content-Encoding", "gzip");
    assert_eq!(shop.send_with_key(broken).status, 400);
    assert_eq!(shop.served.metric("care_collector_under_way_bytes"), 0.0, "everything was given back");
}

#[test]
fn a_client_that_does_not_go_on_is_told_and_let_go() {
    let shop = Shop::open(&[("CARE__HTTP__REQUEST_MS", "300")]);
    let ask = Ask::json("/v1/track", track("u", "E", "m")).key(&shop.key);
    let (head, body) = ask.wire();
    let mut client = Client::connect(&shop.address()).expect("it listens");
    client.write(head.as_bytes()).and_then(|()| client.write(&body[..10])).expect("sent");
    let answer = client.answer().expect("an answer");
    assert_eq!(answer.status, 408, "{answer:?}");
    assert!(client.is_closed());
    let mut gone = Client::connect(&shop.address()).expect("it listens");
    gone.write(head.as_bytes()).and_then(|()| gone.write(&body[..10])).expect("sent");
    drop(gone);
    shop.served.wait_until("the half body is given up", |served| {
        served.metric("care_collector_under_way_bytes") == 0.0
    });
    // On a slow machine the bound of the test may be too short for a good request, too.
    let mut answered = std::iter::repeat_with(|| shop.send(&ask).status).take(100);
    assert!(answered.any(|status| status == 200), "others are answered");
}

#[test]
fn what_is_too_much_is_refused_at_once_and_what_is_accepted_is_applied() {
    /// Clients at once, and batches of each.
    const CLIENTS: u64 = 6;
    const BATCHES: u64 = 30;
    let shop = Shop::open(&[("CARE__HTTP__UNDER_WAY_MAX_MIB", "1")]);
    let (refused, address) = (AtomicU64::new(0), shop.address());
    std::thread::scope(|scope| {
        for nth in 0..CLIENTS {
            let (refused, address, key) = (&refused, &address, &shop.key);
            scope.spawn(move || {
                let user = format!("u{nth}");
                let mut client = Client::connect(address).expect("it listens");
                for number in 0..BATCHES {
                    let ask =
                        Ask::json("/v1/batch", batch(&user, number * 10..number * 10 + 10, 30_000)).key(key);
                    loop {
                        // Who is refused before the body is read may find the connection closed.
                        let Ok(answer) = client.send(&ask) else {
                            client = Client::connect(address).expect("it listens");
                            continue;
                        };
                        if answer.status == 200 {
                            assert_eq!(answer.json()["accepted"], 10);
                            break;
                        }
                        assert_eq!((answer.status, answer.header("Retry-After")), (429, Some("1")));
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    println!("{} requests refused", refused.load(Ordering::Relaxed));
    assert!(refused.load(Ordering::Relaxed) > 0, "it was never too much");
    assert_eq!(shop.served.metric("care_collector_under_way_bytes"), 0.0);
    let accepted = (CLIENTS * BATCHES * 10) as f64;
    assert_eq!(shop.served.metric("care_collector_events_accepted_total"), accepted);
    shop.wait_for_events(CLIENTS * BATCHES * 10);
    let dir = shop.close();
    for nth in 0..CLIENTS {
        assert_eq!(count(&customer(&dir, &format!("u{nth}")), "Seen"), BATCHES * 10);
    }
}
