//! Dispatchers on the in-memory kit: exactly once through a crash behind any port call, and what the last look stops.

mod rig;

use std::sync::Arc;
use std::time::Duration;

use rig::{NOW, PARTITION, World, outreach};
use schemas::customer::identity::{Message, Relay};
use schemas::decision::{Category, OutcomeStatus, Outreach, Reason};
use schemas::event::{self, Border};
use schemas::ids::{CustomerId, Epoch, Position};
use schemas::record::{Command, Input, RecordKind, Sender};
use schemas::time::{Span, Timestamp};
use schemas::value::{Properties, Value};

use super::core::Params;
use super::protocol::{self, End, Noted};
use super::run::{self, Start};
use super::settings::{Recheck, Rules, Settings, promises};
use crate::kit::memory::RecordingChannel;
use crate::metrics::Metrics;
use crate::port::BoxFuture;
use crate::port::channel::{Channel, Delivery, Repeat};
use crate::port::log::{Commit, LogSource, Topic};
use crate::port::store::{Cas, LedgerChange, LedgerEntry, LedgerState, Store};

fn live() -> Settings {
    Settings { recheck: Recheck::Live, ..Settings::default() }
}

#[tokio::test]
async fn a_crash_behind_any_call_loses_and_doubles_nothing() {
    for repeat in [Repeat::Idempotent, Repeat::AtMostOnce] {
        let mut crashes = 0;
        for calls in 1.. {
            let channel = RecordingChannel::new(repeat);
            let world = World::new(channel.clone());
            let two = [outreach(1, 0), outreach(2, 0)];
            for one in &two {
                world.relay(1, one).await;
            }
            if !world.dispatcher(1, live()).work(calls).await {
                break;
            }
            crashes += 1;
            world.dispatcher(2, live()).finish().await;
            for one in &two {
                let told = format!("{repeat:?} crashed behind call {calls}");
                let sent = channel.sent().iter().filter(|sent| sent.id == one.id).count();
                let state = world.ledger(one).await.map(|entry| entry.state);
                let expected = match (repeat, sent) {
                    (Repeat::Idempotent, 1) | (Repeat::AtMostOnce, 1) if state == Some(delivered()) => {
                        OutcomeStatus::Delivered
                    }
                    // Between the note that the call is about to be made and its answer nobody knows.
                    (Repeat::AtMostOnce, 0 | 1) => OutcomeStatus::Failed,
                    (Repeat::Idempotent | Repeat::AtMostOnce, sent) => {
                        panic!("{told}: sent {sent} times, {state:?}")
                    }
                };
                assert_eq!(state, Some(LedgerState::Done(expected.clone())), "{told}");
                let outcomes = world.outcomes();
                let mut of_it = outcomes.iter().filter(|outcome| outcome.id == one.id).peekable();
                assert!(of_it.peek().is_some(), "{told}: not reported");
                assert!(of_it.all(|outcome| outcome.status == expected && outcome.attempt == 0), "{told}");
            }
            let commit = world.log.committed(Topic::Outreach, PARTITION).await.unwrap();
            assert_eq!(commit, Commit { position: Position(2), epoch: Epoch(1) });
        }
        assert!(crashes >= 12, "{crashes} crashes");
    }
}

fn delivered() -> LedgerState {
    LedgerState::Done(OutcomeStatus::Delivered)
}

#[tokio::test]
async fn two_dispatchers_at_once_send_once() {
    for repeat in [Repeat::Idempotent, Repeat::AtMostOnce] {
        for calls in 1..14 {
            let channel = RecordingChannel::new(repeat);
            let world = World::new(channel.clone());
            let one = outreach(1, 0);
            world.relay(1, &one).await;
            let mut slow = world.dispatcher(1, live());
            slow.work(calls).await;
            world.dispatcher(2, live()).finish().await;
            slow.finish().await;
            let told = format!("{repeat:?}, the other came after call {calls}");
            match repeat {
                Repeat::Idempotent => assert_eq!(channel.sent().len(), 1, "{told}"),
                Repeat::AtMostOnce => assert!(channel.calls().len() <= 1, "{told}"),
            }
            let Some(LedgerState::Done(status)) = world.ledger(&one).await.map(|entry| entry.state) else {
                panic!("{told}: not done")
            };
            let outcomes = world.outcomes();
            assert!(
                !outcomes.is_empty() && outcomes.iter().all(|outcome| outcome.status == status),
                "{told}"
            );
        }
    }
}

#[tokio::test]
async fn a_lower_commit_of_the_dispatcher_before_that_comes_late_does_not_stay() {
    let world = World::new(RecordingChannel::new(Repeat::Idempotent));
    let committed = async || world.ports.source.committed(Topic::Outreach, PARTITION).await.unwrap().position;
    world.relay(1, &outreach(1, 0)).await;
    let mut before = world.dispatcher(1, live());
    // Reserved, and about to be called.
    before.steps(4).await;
    before.handle(protocol::Input::Stop);
    world.append(2, RecordKind::Epoch, "", Vec::new()).await;
    let mut next = world.dispatcher(2, live());
    next.finish().await;
    assert_eq!(committed().await, Position(2));
    before.finish().await;
    assert_eq!((committed().await, before.ended), (Position(1), Some(End::Stopped)), "what came last stands");
    world.clock.advance(live().commit_again);
    next.handle(protocol::Input::Tick);
    next.finish().await;
    assert_eq!(committed().await, Position(2));
}

#[tokio::test]
async fn an_id_never_names_two_contents() {
    let channel = RecordingChannel::new(Repeat::Idempotent);
    let world = World::new(channel.clone());
    let facts = Properties(vec![("orders".into(), Value::Number(99.0))]);
    let (first, other) = (outreach(1, 0), Outreach { facts, ..outreach(1, 0) });
    let entry = LedgerEntry {
        outreach: first.clone(),
        reserver: 1,
        state: LedgerState::Reserved,
        at: NOW,
        provider_ref: None,
    };
    let reservation = world.store.cas_ledger(LedgerChange { expect: None, entry }).await;
    assert_eq!(reservation.unwrap(), Cas::Applied);
    world.relay(1, &other).await;
    world.dispatcher(2, live()).finish().await;
    assert_eq!(channel.sent(), [first]);
}

#[tokio::test]
async fn what_a_fenced_owner_relays_is_not_sent() {
    let channel = RecordingChannel::new(Repeat::Idempotent);
    let world = World::new(channel.clone());
    world.append(2, RecordKind::Epoch, "", Vec::new()).await;
    world.relay(1, &outreach(1, 0)).await;
    world.relay(2, &outreach(2, 0)).await;
    let mut dispatcher = world.dispatcher(1, live());
    dispatcher.finish().await;
    assert_eq!(channel.sent(), [outreach(2, 0)]);
    assert_eq!(dispatcher.counted, [Noted::Ignored, Noted::Ended(OutcomeStatus::Delivered)]);
}

#[tokio::test]
async fn an_attempt_that_came_back_is_made_again_when_the_row_asks() {
    for repeat in [Repeat::Idempotent, Repeat::AtMostOnce] {
        let later = OutcomeStatus::RetryAt(Timestamp(500_000));
        let channel = RecordingChannel::new(repeat).then(Delivery::RetryAt(Timestamp(500_000)));
        let world = World::new(channel.clone());
        let mut dispatcher = world.dispatcher(1, live());
        for attempt in [0, 1] {
            world.relay(1, &outreach(1, attempt)).await;
            dispatcher.finish().await;
        }
        assert_eq!(channel.sent(), [outreach(1, 1)]);
        let told: Vec<_> = world.outcomes().into_iter().map(|one| (one.attempt, one.status)).collect();
        assert_eq!(told, [(0, later), (1, OutcomeStatus::Delivered)]);
    }
}

#[tokio::test]
async fn an_attempt_of_an_instance_that_moved_to_another_row_finds_the_one_before() {
    let channel = RecordingChannel::new(Repeat::AtMostOnce).then(Delivery::RetryAt(Timestamp(500_000)));
    let world = World::new(channel.clone());
    let mut dispatcher = world.dispatcher(1, live());
    world.relay(1, &outreach(1, 0)).await;
    dispatcher.finish().await;
    let moved = Outreach { customer: CustomerId::user("who it turned out to be"), ..outreach(1, 1) };
    world.relay(1, &moved).await;
    dispatcher.finish().await;
    assert_eq!(channel.sent(), [outreach(1, 1)], "an id names one content");
    assert_eq!(world.told(), ["ada", moved.customer.as_str()]);
}

#[tokio::test]
async fn a_further_attempt_sends_what_the_first_one_sent_whatever_the_row_knows_by_now() {
    for repeat in [Repeat::Idempotent, Repeat::AtMostOnce] {
        let channel = RecordingChannel::new(repeat)
            .then(Delivery::RetryAt(Timestamp(400_000)))
            .then(Delivery::RetryAt(Timestamp(500_000)));
        let world = World::new(channel.clone());
        for attempt in 0..3 {
            let known = Properties(vec![("orders".into(), Value::Number(f64::from(attempt) + 3.0))]);
            let (at, template) = (Timestamp(i64::from(attempt) + 1), format!("words {attempt}").into());
            world.relay(1, &Outreach { facts: known, at, template, ..outreach(1, attempt) }).await;
            // Each by a dispatcher of its own: what was sent stands in the ledger and nowhere else.
            world.dispatcher(u128::from(attempt) + 1, live()).finish().await;
        }
        let first = Outreach { template: "words 0".into(), ..outreach(1, 0) };
        let same = |attempt| Outreach { attempt, ..first.clone() };
        assert_eq!(channel.calls(), [same(0), same(1), same(2)]);
    }
}

fn consent(granted: bool) -> Input {
    let body = format!(r#"{{"type":"identify","userId":"ada","traits":{{"marketing_consent":{granted}}}}}"#);
    Input::Event(Box::new(event::decode("ada", body.as_bytes(), NOW, &Border::default()).unwrap()))
}

#[tokio::test]
async fn the_last_look_is_at_the_row_as_it_is_stored() {
    let marketing = Outreach { category: Category::Marketing, ..outreach(1, 0) };
    let expired = Outreach { expires: NOW - Span(1), ..outreach(1, 0) };
    let (suppress, erase) = (Input::Command(Command::Suppress), Input::Command(Command::Erase));
    let table = [
        (outreach(1, 0), vec![], None),
        (marketing.clone(), vec![], Some(Reason::NoConsent)),
        (marketing.clone(), vec![consent(true)], None),
        (marketing, vec![consent(true), consent(false)], Some(Reason::NoConsent)),
        (outreach(1, 0), vec![consent(true), suppress], Some(Reason::SuppressedCustomer)),
        (outreach(1, 0), vec![consent(true), erase], Some(Reason::Erased)),
        (expired, vec![], Some(Reason::MaxAge)),
    ];
    for (outreach, inputs, refused) in table {
        let channel = RecordingChannel::new(Repeat::Idempotent);
        let world = World::new(channel.clone());
        world.tell("ada", &inputs).await;
        world.relay(1, &outreach).await;
        world.dispatcher(1, live()).finish().await;
        let entry = world.ledger(&outreach).await.unwrap();
        let status = refused.map_or(OutcomeStatus::Delivered, OutcomeStatus::Withheld);
        assert_eq!(entry.state, LedgerState::Done(status.clone()), "{inputs:?}");
        assert_eq!(world.outcomes()[0].status, status);
        assert_eq!(channel.calls().len(), usize::from(refused.is_none()));
        let blanked = refused == Some(Reason::Erased);
        assert_eq!(entry.outreach.facts.0.is_empty(), blanked, "{refused:?}");
    }
}

#[tokio::test]
async fn an_alias_is_followed_to_its_user() {
    let channel = RecordingChannel::new(Repeat::Idempotent);
    let world = World::new(channel.clone());
    let customer = CustomerId::anonymous("a");
    let one = Outreach { customer: customer.clone(), ..outreach(1, 0) };
    let sender = Sender { customer: CustomerId::user("ada"), position: Position(3), nth: 0 };
    let request = Relay { sender, message: Message::Request };
    world.tell(customer.as_str(), &[Input::Relay(Box::new(request))]).await;
    world.tell("ada", &[Input::Command(Command::Suppress)]).await;
    world.relay(1, &one).await;
    world.dispatcher(1, live()).finish().await;
    assert_eq!(channel.calls(), []);
    assert_eq!(world.outcomes()[0].status, OutcomeStatus::Withheld(Reason::SuppressedCustomer));
    assert_eq!(
        world.log.records(Topic::Events, PARTITION)[0].key,
        customer.as_str(),
        "the row that awaits it"
    );
}

#[tokio::test]
async fn a_replay_sends_as_of_the_decision_whatever_the_row_says_by_now() {
    let channel = RecordingChannel::new(Repeat::Idempotent);
    let world = World::new(channel.clone());
    world.tell("ada", &[consent(false)]).await;
    let old = Outreach { expires: Timestamp(2), category: Category::Marketing, ..outreach(1, 0) };
    world.relay(1, &old).await;
    let settings = Settings { recheck: Recheck::AsOfDecision, ..Settings::default() };
    world.dispatcher(1, settings).finish().await;
    assert_eq!(channel.sent(), std::slice::from_ref(&old));
    assert_eq!(world.outcomes()[0].at, old.at);
    assert_eq!(world.ledger(&old).await.unwrap().at, old.at);
}

/// A channel that never answers, or panics.
struct Broken {
    repeat: Repeat,
    panics: bool,
}

impl Channel for Broken {
    fn repeat(&self) -> Repeat {
        self.repeat
    }

    fn deliver(&self, _: Outreach) -> BoxFuture<'static, Delivery> {
        let panics = self.panics;
        Box::pin(async move {
            assert!(!panics, "a bug in an adapter");
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn a_channel_without_an_answer_holds_nothing_up() {
    for (repeat, panics) in [
        (Repeat::Idempotent, false),
        (Repeat::AtMostOnce, false),
        (Repeat::Idempotent, true),
        (Repeat::AtMostOnce, true),
    ] {
        let world = World::with([("mail", Arc::new(Broken { repeat, panics }) as Arc<dyn Channel>)]);
        world.relay(1, &outreach(1, 0)).await;
        let (handle, work) = run::start(start(&world));
        let ended = tokio::spawn(work);
        while world.outcomes().is_empty() {
            world.clock.advance(Duration::from_millis(100));
            tokio::task::yield_now().await;
        }
        let status = world.outcomes()[0].status.clone();
        match repeat {
            Repeat::Idempotent => assert!(matches!(status, OutcomeStatus::RetryAt(_)), "{status:?}"),
            Repeat::AtMostOnce => assert_eq!(status, OutcomeStatus::Failed),
        }
        handle.stop();
        assert_eq!(ended.await.unwrap(), End::Stopped);
    }
}

fn start(world: &World) -> Start {
    let params = Params {
        partition: PARTITION,
        partitions: 1,
        settings: live(),
        rules: Rules::default(),
        promises: promises(&world.ports.channels),
        book: Arc::default(),
        restored: None,
    };
    let changed = Arc::default();
    Start { params, nonce: 1, ports: world.ports.clone(), metrics: Metrics::new(), changed }
}

#[tokio::test]
async fn a_dispatcher_that_is_stopped_has_committed_and_counted() {
    let channel = RecordingChannel::new(Repeat::Idempotent);
    let world = World::new(channel.clone());
    let start = start(&world);
    let metrics = start.metrics.clone();
    let (handle, work) = run::start(start);
    let ended = tokio::spawn(work);
    for number in 0..600 {
        world.relay(1, &outreach(number, 0)).await;
    }
    while handle.shown().levels.position < Position(600) {
        tokio::task::yield_now().await;
    }
    drop(handle);
    assert_eq!(ended.await.unwrap(), End::Stopped);
    assert_eq!(channel.sent().len(), 600);
    let commit = world.log.committed(Topic::Outreach, PARTITION).await.unwrap();
    assert_eq!(commit.position, Position(600));
    let text = metrics.render();
    assert!(text.contains(r#"care_dispatcher_outreach_total{outcome="delivered",reason=""} 600"#), "{text}");
    assert!(
        !text.contains("care_dispatcher_outreach_in_flight{"),
        "another process shows it from now on: {text}"
    );
}

#[tokio::test]
async fn an_unreadable_log_ends_the_dispatcher() {
    let world = World::new(RecordingChannel::new(Repeat::Idempotent));
    let beyond = Commit { position: Position(9), epoch: Epoch(1) };
    world.log.commit(Topic::Outreach, PARTITION, beyond).await.unwrap();
    let (_handle, work) = run::start(start(&world));
    assert!(matches!(work.await, End::Failed(why) if why.contains("care.outreach")));
}
