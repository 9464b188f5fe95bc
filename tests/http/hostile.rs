//! Clients that no shop has: too slow with their head, idle in crowds, too deep. `ops/bench http` has the same in earnest.

use super::client::{Ask, Client};
use super::{Shop, track};

/// Connections of each kind.
const CLIENTS: usize = 200;

#[test]
fn heads_that_do_not_come_and_crowds_that_ask_nothing_keep_nobody_from_being_served() {
    let shop = Shop::open(&[]);
    let connect = || Client::connect(&shop.address()).expect("it listens");
    let mut slow: Vec<Client> = (0..CLIENTS).map(|_| connect()).collect();
    for client in &mut slow {
        client.write(b"POST /v1/track HTTP/1.1\r\nHost: care\r\nX-A: b").expect("taken");
    }
    let mut idle: Vec<Client> = (0..CLIENTS).map(|_| connect()).collect();
    for client in &mut idle {
        assert_eq!(client.send(&Ask::new("GET", "/nowhere")).expect("an answer").status, 404);
    }
    let ask = |number: usize| Ask::json("/v1/track", track("u", "Seen", &format!("m{number}")));
    for number in 0..20 {
        assert_eq!(shop.send_with_key(ask(number)).status, 200);
    }
    for client in &mut slow {
        assert_eq!(client.answer().expect("told to be too slow").status, 408);
        assert!(client.is_closed());
    }
    for client in &mut idle {
        let answer = client.send(&ask(0).key(&shop.key)).expect("it was kept");
        assert_eq!(answer.status, 200);
    }
    shop.wait_for_events(20 + CLIENTS as u64);
    shop.close();
}

#[test]
fn what_is_nested_too_deep_is_refused_in_every_dialect_and_the_stack_holds() {
    const LEVELS: usize = 50_000;
    let shop = Shop::open(&[]);
    let lists = "[".repeat(LEVELS) + &"]".repeat(LEVELS);
    let maps = "{\"a\":".repeat(LEVELS) + "1" + &"}".repeat(LEVELS);
    for deep in [lists, maps] {
        let event = format!(
            r#"{{"type":"track","event":"E","userId":"u","messageId":"d","properties":{{"p":{deep}}}}}"#
        );
        for (path, kind, body, status) in [
            ("/v1/track", "application/json", event.clone(), 400),
            ("/v1/batch", "application/json", format!(r#"{{"batch":[{event}]}}"#), 400),
            ("/v1/batch", "application/json", format!(r#"{{"batch":{deep}}}"#), 400),
            ("/v1/batch", "application/json", deep.clone(), 400),
            (
                "/events",
                "application/cloudevents+json",
                format!(
                    r#"{{"specversion":"1.0","id":"d","source":"/d","type":"t","subject":"u","data":{deep}}}"#
                ),
                400,
            ),
            (
                "/mp/collect?measurement_id=G-1",
                "application/json",
                format!(r#"{{"client_id":"d","events":[{{"name":"e","params":{{"p":{deep}}}}}]}}"#),
                204,
            ),
            (
                "/import?strict=1",
                "application/json",
                format!(
                    r#"[{{"event":"E","properties":{{"distinct_id":"d","time":1,"$insert_id":"d","p":{deep}}}}}]"#
                ),
                400,
            ),
        ] {
            let answer = shop.send_with_key(Ask::json(path, body).header("Content-Type", kind));
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
        }
    }
    assert_eq!(shop.served.metric("care_collector_events_accepted_total"), 0.0);
    assert_eq!(shop.served.metric("care_collector_under_way_bytes"), 0.0);
    assert_eq!(shop.send_with_key(Ask::json("/v1/track", track("u", "Seen", "m"))).status, 200);
    shop.close();
}
