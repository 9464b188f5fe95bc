//! What the harness itself promises: a cut holds back what it says, and the oracle and the verdict see what is wrong. No servers here.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::oracle::{Cause, Told, expect};
use super::proxy::{Cut, Heal, Proxy};
use super::story::{CHECKOUT_SCORED, EVERY_ORDER, FIFTH_ORDER, LOOKED_AND_LEFT, Said, Story};
use super::topic::{Stored, heard};

const ANYWHERE: &str = "127.0.0.1:0";
/// Silence this long is silence.
const SILENT: Duration = Duration::from_millis(200);

fn anywhere() -> SocketAddr {
    ANYWHERE.parse().expect("an address")
}

/// A proxy with a connection through it: its two ends.
fn line() -> (Proxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind(ANYWHERE).expect("a free port");
    let proxy = Proxy::start(anywhere(), listener.local_addr().expect("it listens")).expect("a free port");
    let client = TcpStream::connect(proxy.address()).expect("the proxy takes it");
    let (server, _) = listener.accept().expect("the proxy carries it on");
    (proxy, client, server)
}

fn says(from: &mut TcpStream, text: &str) {
    from.write_all(text.as_bytes()).expect("what is sent is on its way");
}

#[track_caller]
fn hears(at: &mut TcpStream, text: &str) {
    at.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    let mut heard = vec![0; text.len()];
    at.read_exact(&mut heard).expect("it arrives");
    assert_eq!(String::from_utf8_lossy(&heard), text);
}

#[track_caller]
fn hears_nothing(at: &mut TcpStream) {
    at.set_read_timeout(Some(SILENT)).expect("a time-out");
    let error = at.read(&mut [0]).expect_err("nothing arrives");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
}

#[test]
fn a_cut_one_way_lets_the_other_way_pass_and_what_it_held_comes_late() {
    let (proxy, mut client, mut server) = line();
    says(&mut client, "before");
    hears(&mut server, "before");
    proxy.cut(Cut::ToServer);
    says(&mut client, "late");
    says(&mut server, "answer");
    hears(&mut client, "answer");
    hears_nothing(&mut server);
    proxy.heal(Heal::Late);
    hears(&mut server, "late");
    proxy.cut(Cut::FromServer);
    says(&mut server, "unheard");
    says(&mut client, "heard");
    hears(&mut server, "heard");
    hears_nothing(&mut client);
    proxy.heal(Heal::Late);
    hears(&mut client, "unheard");
}

#[test]
fn a_reset_ends_every_connection_and_what_was_held_never_comes() {
    let (proxy, mut client, mut server) = line();
    proxy.cut(Cut::BothWays);
    assert!(proxy.is_cut());
    says(&mut client, "lost");
    hears_nothing(&mut server);
    proxy.heal(Heal::Reset);
    assert!(matches!(server.read(&mut [0; 8]), Ok(0) | Err(_)), "the connection is gone and nothing came");
    assert!(matches!(client.read(&mut [0; 8]), Ok(0) | Err(_)));
}

#[test]
fn what_was_on_a_slow_line_when_its_machine_was_lost_never_comes() {
    let (proxy, mut client, mut server) = line();
    proxy.slow(2 * SILENT);
    says(&mut client, "late");
    hears_nothing(&mut server);
    hears(&mut server, "late");
    says(&mut server, "answers are not slow");
    hears(&mut client, "answers are not slow");
    says(&mut client, "lost");
    hears_nothing(&mut server);
    proxy.reset();
    assert!(matches!(server.read(&mut [0; 8]), Ok(0) | Err(_)), "the connection is gone and nothing came");
}

#[test]
fn a_new_connection_during_a_cut_reaches_the_server_when_it_heals() {
    let listener = TcpListener::bind(ANYWHERE).expect("a free port");
    let proxy = Proxy::start(anywhere(), listener.local_addr().expect("it listens")).expect("a free port");
    proxy.cut(Cut::BothWays);
    let mut client = TcpStream::connect(proxy.address()).expect("the proxy takes it");
    says(&mut client, "hello");
    listener.set_nonblocking(true).expect("a listener can be asked");
    assert_eq!(listener.accept().expect_err("nobody came").kind(), ErrorKind::WouldBlock);
    listener.set_nonblocking(false).expect("a listener can be asked");
    proxy.heal(Heal::Late);
    let (mut server, _) = listener.accept().expect("it comes");
    hears(&mut server, "hello");
}

fn stored(said: &Said, offset: i64, stamp_ms: i64) -> Stored {
    let (kind, body) = ("event".to_owned(), said.body.clone().into_bytes());
    Stored { partition: 0, offset, stamp_ms, key: said.customer.clone(), kind, epoch: None, body }
}

fn event(name: &str, sequence: u64, properties: &str) -> Said {
    let body = format!(
        r#"{{"userId":"c1","messageId":"c1-{sequence}","event":"{name}","properties":{{{properties}}}}}"#
    );
    Said { customer: "c1".to_owned(), sequence, body, is_astray: false }
}

fn cause(trigger: &str, offset: i64) -> Cause {
    Cause { trigger: trigger.to_owned(), customer: "c1".to_owned(), offset }
}

#[test]
fn the_oracle_counts_an_event_once_and_an_order_ends_a_wait_up_to_its_last_instant() {
    let view = |sequence| event("Product Viewed", sequence, r#""product_id":"p1""#);
    let order = |sequence: u64| event("Order Completed", sequence, &format!(r#""total":{sequence}"#));
    let events = [
        stored(&view(1), 0, 0),
        stored(&order(2), 1, 3_000),
        stored(&order(2), 2, 3_100),
        stored(&view(3), 3, 10_000),
        stored(&view(4), 4, 11_000),
        stored(&order(5), 5, 13_001),
        stored(&view(6), 6, 20_000),
        stored(&event("Checkout Started", 7, ""), 7, 20_001),
    ];
    let expected = expect(&Told::of(&events));
    let wanted = [
        cause(EVERY_ORDER, 1),
        cause(LOOKED_AND_LEFT, 3),
        cause(EVERY_ORDER, 5),
        cause(LOOKED_AND_LEFT, 6),
        cause(CHECKOUT_SCORED, 7),
    ];
    assert_eq!(expected.outreach, wanted.into_iter().collect());
    let totals = &expected.customers["c1"];
    assert_eq!((totals.orders, totals.order_value, totals.events["Product Viewed"]), (2, 700, 4));
    assert_eq!(totals.last_offset, 7);
}

#[test]
fn the_oracle_counts_what_went_astray_where_it_was_relayed_to_and_misses_what_was_not() {
    let order = |sequence: u64, body: &str| {
        let mut said = event("Order Completed", sequence, &format!(r#""total":{sequence}"#));
        said.body = said.body.replacen('{', body, 1);
        said
    };
    let astray = |sequence| order(sequence, r#"{"context":{"astray":true},"#);
    let relayed = |from: i64, offset| Stored {
        kind: "stray".to_owned(),
        body: format!(r#"{{"from":{{"topic":"care.events","partition":1,"position":{from}}}}}"#).into_bytes(),
        ..stored(&order(0, "{"), offset, offset)
    };
    let elsewhere = |sequence, offset| Stored { partition: 1, ..stored(&astray(sequence), offset, offset) };
    let events =
        [stored(&order(1, "{"), 7, 7), relayed(3, 8), relayed(3, 9), elsewhere(2, 3), elsewhere(3, 4)];
    let expected = expect(&Told::of(&events));
    let totals = &expected.customers["c1"];
    assert_eq!((totals.orders, totals.order_value, totals.last_offset), (2, 300, 9));
    assert_eq!(totals.sequences, [1, 2, 3].into_iter().collect());
    assert_eq!(expected.outreach, [cause(EVERY_ORDER, 7), cause(EVERY_ORDER, 8)].into_iter().collect());
    assert_eq!(expected.left_astray, ["c1-3".to_owned()].into_iter().collect());
}

#[test]
fn the_oracle_awaits_the_fifth_order_once() {
    let order = |sequence: u64| event("Order Completed", sequence, &format!(r#""total":{sequence}"#));
    let events: Vec<Stored> = (1..8).map(|nth| stored(&order(nth), nth as i64, nth as i64)).collect();
    let fifth: Vec<_> =
        expect(&Told::of(&events)).outreach.into_iter().filter(|one| one.trigger == FIFTH_ORDER).collect();
    assert_eq!(fifth, [cause(FIFTH_ORDER, 5)]);
}

#[test]
fn what_an_owner_that_was_none_any_more_relayed_is_not_gone_by() {
    let relayed = |partition, offset, epoch| Stored {
        partition,
        epoch: Some(epoch),
        ..stored(&event("Order Completed", 1, ""), offset, offset)
    };
    let of_its_time = [relayed(0, 0, 3), relayed(0, 1, 4), relayed(1, 0, 3), relayed(0, 3, 4)];
    let late = [relayed(0, 2, 3), relayed(0, 4, 2)];
    let mut records: Vec<Stored> = of_its_time.iter().chain(&late).cloned().collect();
    records.sort_by_key(|record| (record.partition, record.offset));
    let (of_its_time_by_place, unheard) = heard(records);
    assert_eq!((of_its_time_by_place.len(), unheard), (4, 2));
    assert!(of_its_time.iter().all(|record| of_its_time_by_place.contains(record)));
}

#[test]
fn a_story_is_told_the_same_twice_and_numbers_each_customers_events_without_a_gap() {
    let told = |seed| {
        let mut story = Story::new(seed);
        (0..2_000).map(|_| story.next()).collect::<Vec<_>>()
    };
    assert_eq!(told(7), told(7));
    assert_ne!(told(7), told(8));
    let mut last = std::collections::BTreeMap::new();
    let mut again = 0;
    for said in told(7) {
        let last = last.entry(said.customer).or_insert(0);
        match said.sequence == *last + 1 {
            true => *last += 1,
            false => again += 1,
        }
    }
    assert!(again > 20, "some are sent a second time");
}
