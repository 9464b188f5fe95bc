//! Events in, rows out: at once, after a stop, after a crash, with few customers in memory, and by a second node.

use std::sync::Mutex;

use schemas::customer::identity::Message;
use schemas::score::{Answer, Ask, Head, Score, ScoreSource};
use tokio::sync::oneshot;

use super::*;
use crate::port::Reply;
use crate::port::predictor::{self, Predictor};
use crate::port::store::TIMER_SLOT_MS;

#[test]
fn rows_are_what_a_plain_loop_makes_of_the_log() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.shop(300, 0, 3_000).await;
        world.pace.passing(node.quiet()).await.expect("quiet");
        world.shop(300, 3_000, 3_000).await;
        // The same again: the ids are known.
        world.shop(300, 5_000, 1_000).await;
        world.pace.passing(node.settle()).await.expect("settled");
        world.assert_rows(|_| false).await;
        for (confirmed, end) in world.ends().await {
            assert_eq!(confirmed, end);
        }
        let counts = node.counts();
        assert_eq!((counts.applied, counts.duplicate), (6_000, 1_000));
        assert!(counts.told > 0, "anonymous customers became users");
        assert_eq!(world.sample("care_customer_events_applied_total"), 6_000.0);
        assert!(node.levels().iter().all(|(_, levels)| levels.is_settled() && levels.live > 0));
        node.stop().await.expect("stopped");
        assert_eq!(world.letters(), vec![]);
    });
}

#[test]
fn quiet_at_an_instant_means_that_what_was_due_before_it_has_fired() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.shop(60, 0, 600).await;
        world.pace.passing(node.quiet()).await.expect("quiet");
        let (before, at) = (node.counts().wakes, world.clock.now() + schemas::time::Span::minutes(40));
        // No record tells that time has passed: every session of a customer ends by its timer.
        world.clock.advance(Duration::from_secs(40 * 60));
        world.pace.passing(node.quiet_at(at)).await.expect("quiet");
        assert!(node.counts().wakes - before >= 50, "{:?}", node.counts());
        assert!(node.levels().iter().all(|(_, levels)| levels.log_time >= Some(at)));
        node.stop().await.expect("stopped");
    });
}

#[test]
fn no_message_between_customers_is_stamped_before_what_caused_it() {
    run(async {
        // Who plays history moves the clock when the records of an instant are durable: a partition may have read them before.
        let world = World::new();
        let node = world.node();
        let at = |minutes| Some(START + schemas::time::Span::minutes(minutes));
        for who in 0..20_i64 {
            let anonymous = |event: &str| {
                format!(r#"{{"anonymousId":"a{who}","event":"{event}","messageId":"{event}"}}"#)
            };
            let user = format!(r#"{{"userId":"u{who}","anonymousId":"a{who}","event":"Cart Viewed"}}"#);
            let (alias, start) = (format!("anon:a{who}"), who * 200);
            world.append_stamped(&alias, anonymous("Product Viewed"), at(start)).await;
            world.append_stamped(&format!("u{who}"), user, at(start + 60)).await;
            world.pace.passing(node.quiet()).await.expect("quiet");
            // From here on an alias, which passes it on.
            world.append_stamped(&alias, anonymous("Product Added"), at(start + 120)).await;
            world.pace.passing(node.quiet()).await.expect("quiet");
        }
        node.stop().await.expect("stopped");
        let mut relays = [0; 2];
        for record in world.records(Topic::Events).iter().filter(|record| record.kind == RecordKind::Relay) {
            let decoded = record::decode(record, &Border::default()).expect("of this engine");
            let record::Input::Relay(relay) = decoded.input else { panic!("a relay") };
            let who: i64 =
                record.key.trim_start_matches(['a', 'n', 'o', ':', 'u']).parse().expect("a number");
            let passed_on = matches!(relay.message, Message::Forward(_));
            relays[usize::from(passed_on)] += 1;
            let caused = at(who * 200 + if passed_on { 120 } else { 60 });
            assert!(Some(record.stamp) >= caused, "{}: {:?}", record.key, relay.message);
        }
        assert_eq!(relays, [40, 20], "requests and snapshots, and what aliases passed on");
    });
}

#[test]
fn a_node_is_quiet_where_time_begins() {
    run(async {
        let world = World::at(Timestamp(0));
        let node = world.node();
        // Two of three partitions hold nothing.
        world.append("u", r#"{"userId":"u","event":"Cart Viewed"}"#.into()).await;
        world.pace.passing(node.quiet_at(Timestamp(0))).await.expect("quiet");
        world.pace.passing(node.settle()).await.expect("settled");
        assert!(world.clock.now() < Timestamp(TIMER_SLOT_MS), "before time has come to a second slot");
        node.stop().await.expect("stopped");
        world.assert_rows(|_| false).await;
    });
}

#[test]
fn a_node_goes_on_where_the_last_one_stopped() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.shop(100, 0, 2_000).await;
        world.pace.passing(node.quiet()).await.expect("quiet");
        node.stop().await.expect("stopped");
        for (confirmed, end) in world.ends().await {
            assert_eq!(confirmed, end, "a stop drains and confirms");
        }
        world.assert_rows(|_| false).await;

        let world = world.reopened();
        let node = world.node();
        world.shop(100, 2_000, 1_000).await;
        world.pace.passing(node.settle()).await.expect("settled");
        world.assert_rows(|_| false).await;
        let counts = node.counts();
        assert_eq!((counts.applied, counts.replayed), (1_000, 0));
        node.stop().await.expect("stopped");
    });
}

#[test]
fn a_crash_loses_nothing_and_doubles_nothing() {
    run(async {
        let mut world = World::new();
        // A small memory and small groups, so that the crash comes in the middle of much.
        world.settings.fetch_max = 20;
        world.settings.waiting_max = 40;
        world.settings.group_rows_max = 3;
        for round in 0..10 {
            let node = world.node();
            world.shop(60, round * 400, 400).await;
            let counted = async {
                node.seats.wait(|_| node.counts().read > u64::from(20 + round * 25)).await;
            };
            world.pace.passing(counted).await;
            drop(node);
            world = world.reopened();
        }
        let node = world.node();
        world.pace.passing(node.settle()).await.expect("settled");
        world.assert_rows(|_| false).await;
        node.stop().await.expect("stopped");
    });
}

#[test]
fn customers_beyond_the_ceiling_are_put_to_rest_and_come_back() {
    run(async {
        let mut world = World::new();
        // The ceiling is looked at per partition; about a tenth of its customers fit.
        world.settings.memory_max_bytes = 40_000;
        let node = world.node();
        for round in 0..5 {
            world.shop(300, round * 300, 300).await;
            world.pace.passing(node.quiet()).await.expect("quiet");
        }
        world.pace.passing(node.settle()).await.expect("settled");
        world.assert_rows(|_| false).await;
        let counts = node.counts();
        assert!(counts.passivated > 300 && counts.loads > 600, "{counts:?}");
        assert_eq!(world.sample("care_partition_customers_passivated_total"), counts.passivated as f64);
        node.stop().await.expect("stopped");
    });
}

#[test]
fn a_revoked_partition_is_drained_and_the_others_go_on() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.shop(100, 0, 1_000).await;
        world.pace.passing(node.quiet()).await.expect("quiet");
        world.log.assign(Assignment::Revoked { partition: PartitionId(1), lost: false });
        world.pace.passing(node.seats.wait(|shown| shown.len() == 2)).await;
        let ends = world.ends().await;
        assert_eq!(ends[1].0, ends[1].1, "drained");
        assert_eq!(world.log.let_go(), [PartitionId(1)]);
        let mut shown = world.metrics.samples();
        shown.retain(|sample| sample.labels == ["1"]);
        assert!(shown.is_empty(), "another process shows it: {shown:?}");
        world.shop(100, 1_000, 100).await;
        world.pace.passing(node.settle()).await.expect("the others settle");
        assert_eq!(node.levels().iter().map(|(partition, _)| partition.0).collect::<Vec<_>>(), vec![0, 2]);
        assert!(world.ends().await[1].0 < world.ends().await[1].1);

        world.log.assign(Assignment::Assigned(PartitionId(1)));
        node.seats.wait(|shown| shown.len() == 3).await;
        world.pace.passing(node.settle()).await.expect("all settle");
        world.assert_rows(|_| false).await;
        assert_eq!(node.counts().applied, 1_100, "what was done before the revocation is counted too");
        node.stop().await.expect("stopped");
    });
}

#[test]
fn a_second_node_takes_over_and_the_first_ends() {
    run(async {
        let world = World::new();
        let first = world.node();
        world.shop(100, 0, 2_000).await;
        world.pace.passing(first.quiet()).await.expect("quiet");

        let other = world.reopened();
        let second = other.node();
        for number in 0..PARTITIONS {
            world.log.assign(Assignment::Revoked { partition: PartitionId(number), lost: true });
        }
        world.pace.passing(first.seats.wait(|shown| shown.is_empty())).await;
        other.shop(100, 2_000, 500).await;
        other.pace.passing(second.settle()).await.expect("settled");
        other.assert_rows(|_| false).await;
        first.stop().await.expect("it had nothing left");
        second.stop().await.expect("stopped");
    });
}

/// A predictor whose answers wait for [`Held::answer`].
#[derive(Clone, Default)]
struct Held {
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A question, and who waits for its answer.
type Asked = (Ask, oneshot::Sender<Answer>);

impl Held {
    fn open(&self) -> usize {
        self.asked.lock().expect("no test panics with it").len()
    }

    /// Answers the question that has waited longest, or least long.
    fn answer(&self, which: impl FnOnce(usize) -> usize) {
        let mut asked = self.asked.lock().expect("no test panics with it");
        let nth = which(asked.len());
        let (Ask { id, head, at, .. }, waiting) = asked.remove(nth);
        let score = Score { value: 0.5, model: "held".into(), source: ScoreSource::Model, at };
        waiting.send(Answer { id, head, score }).expect("a question whose deadline is far");
    }
}

impl Predictor for Held {
    fn score(&self, ask: Ask) -> Reply<Answer, predictor::Error> {
        let (waiting, answer) = oneshot::channel();
        self.asked.lock().expect("no test panics with it").push((ask, waiting));
        Box::pin(async { answer.await.map_err(|_| predictor::Error::Full) })
    }

    fn prior(&self, _head: Head) -> f32 {
        0.5
    }
}

#[test]
fn an_answer_behind_that_to_a_newer_question_holds_no_position() {
    run(async {
        let mut world = World::new();
        world.settings.score_deadline = Duration::from_secs(24 * 3_600);
        world.settings.idle = Duration::from_secs(24 * 3_600);
        let heads = [Head::PurchaseIntent].into_iter().collect();
        world.book = Arc::new(Rulebook { heads, ..Rulebook::default() });
        let held = Held::default();
        let mut plan = world.plan();
        plan.ports.predictor = Arc::new(held.clone());
        let node = Node::run(plan, 2).expect("a system runs");
        world.pace.follow(&node);
        let until = async |reached: &dyn Fn() -> bool| {
            while !reached() {
                tokio::task::yield_now().await
            }
        };
        for n in 0..2 {
            let body =
                r#"{"userId":"u","event":"Product Viewed","messageId":"m","properties":{"product_id":"p"}}"#;
            world.append("u", body.replace(r#""m""#, &format!("\"m{n}\""))).await;
            world.pace.passing(until(&|| held.open() == n + 1)).await;
        }
        held.answer(|open| open - 1);
        let written =
            || node.levels().iter().all(|(_, levels)| levels.dirty + levels.groups == 0 && levels.asks < 2);
        world.pace.passing(until(&written)).await;
        held.answer(|_| 0);
        world.pace.passing(node.settle()).await.expect("settled");
        assert_eq!(node.counts().wakes, 0, "a timer changes the row, and writing that releases what it held");
        for (confirmed, end) in world.ends().await {
            assert_eq!(confirmed, end);
        }
        node.stop().await.expect("stopped");
    });
}

#[test]
fn what_a_drain_had_no_time_for_is_told() {
    run(async {
        let mut world = World::new();
        (world.settings.flush_quiet, world.settings.flush_quiet_max) = (HOUR, HOUR);
        world.settings.drain = Duration::ZERO;
        let node = world.node();
        world.shop(100, 0, 300).await;
        world.pace.passing(node.quiet()).await.expect("quiet");
        let dirty: usize = node.levels().iter().map(|(_, levels)| levels.dirty).sum();
        let (left, drained) = node.drain(HOUR).await;
        drained.expect("nothing stopped by itself");
        assert_eq!((left.rows, left.partitions.len()), (dirty, PARTITIONS as usize));
        assert!(left.rows >= 80, "{left:?}");
        drop(node);
        let node = world.reopened().node();
        world.pace.passing(node.settle()).await.expect("settled");
        assert_eq!(node.drain(HOUR).await.0, Left::default());
        world.assert_rows(|_| false).await;
    });
}

#[test]
fn every_thread_has_its_turn_and_every_partition_shows_itself() {
    run(async {
        let world = World::new();
        let node = world.node();
        world.pace.passing(node.quiet()).await.expect("quiet");
        node.turned().await;
        let shown = node.shown();
        assert_eq!(shown.len(), PARTITIONS as usize);
        assert!(shown.iter().all(|(_, one)| one.at_work && one.standing == Standing::Working));
        node.stop().await.expect("stopped");
    });
}
