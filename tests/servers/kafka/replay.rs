//! Topics made for a replay: records bear the stamps that they are appended with.

use std::sync::Arc;

use actors::port::log::{LogSource, NewRecord, Topic};
use engine::clock::ReplayClock;
use engine::log::kafka::{Error, KafkaLog, Stamps};
use schemas::ids::{PartitionId, Position};
use schemas::time::Timestamp;

use super::{World, append, read, record, run, soon, until};

fn stamped(stamp: i64) -> NewRecord {
    NewRecord { stamp: Some(Timestamp(stamp)), ..record(0, 0) }
}

fn open(world: &World, clock: &Arc<ReplayClock>) -> Arc<KafkaLog> {
    let log = KafkaLog::join_for_replay(&world.settings, 2, Arc::clone(clock) as _, &world.metrics);
    let log = log.expect("the brokers are there");
    until("everything assigned", || log.held() == 2);
    log
}

#[test]
fn history_keeps_its_time_which_never_goes_back() {
    run(async {
        let world = World::of("history", 2, Stamps::Asked);
        let clock = Arc::new(ReplayClock::default());
        let log = open(&world, &clock);
        append(&log, Topic::Events, [1_000, 500, 2_000].map(stamped).to_vec()).await;
        clock.reached(Timestamp(2_000));
        log.time_has_moved();
        let stamps = |records: Vec<schemas::record::LogRecord>| {
            records.iter().map(|one| one.stamp.0).collect::<Vec<_>>()
        };
        assert_eq!(stamps(read(&log, Topic::Events, 0, 0, 3).await), [1_000, 1_000, 2_000]);
        let at = soon("the clock's time at the end", async {
            loop {
                let fetched =
                    log.fetch(Topic::Events, PartitionId(1), Position(0), 1).await.expect("a fetch");
                if let Some(at) = fetched.end_at.filter(|at| *at >= Timestamp(2_000)) {
                    return at;
                }
            }
        })
        .await;
        assert_eq!(at, Timestamp(2_000), "an idle partition has come as far as the clock");
        log.leave().await;
        // A new process does not go back either.
        let log = open(&world, &clock);
        append(&log, Topic::Events, vec![stamped(1_500), record(0, 1)]).await;
        assert_eq!(stamps(read(&log, Topic::Events, 0, 3, 2).await), [2_000, 2_000]);
        log.leave().await;
    });
}

#[test]
fn a_running_engine_refuses_topics_made_for_a_replay_and_the_other_way_round() {
    run(async {
        let clock = || Arc::new(ReplayClock::default());
        let for_replay = World::of("asked", 2, Stamps::Asked);
        let refused = KafkaLog::join(&for_replay.settings, 2, clock(), &for_replay.metrics).err();
        assert!(matches!(refused, Some(Error::Topics(_))), "{refused:?}");
        let live = World::new("live", 2);
        let refused = KafkaLog::join_for_replay(&live.settings, 2, clock(), &live.metrics).err();
        assert!(matches!(refused, Some(Error::Topics(_))), "{refused:?}");
    });
}
