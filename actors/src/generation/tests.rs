//! Tests of the pool's shell: tasks, channels, readers and the timer, on a clock that moves when a test says so.

use std::sync::Arc;
use std::time::Duration;

use schemas::time::Timestamp;

use super::*;
use crate::kit::contract::generator::request;
use crate::kit::memory::{ManualClock, ScriptedGenerator, Step};
use crate::metrics::Metrics;
use crate::port::clock::Clock;
use crate::port::generator::{Counted, Error};

struct Rig {
    pool: Pool,
    writer: ScriptedGenerator,
    quoter: ScriptedGenerator,
    clock: ManualClock,
    metrics: Metrics,
}

/// Starts a pool of a back end "writer" with one permit, and one "quoter".
fn rig(settings: Settings) -> Rig {
    let (writer, quoter) = (ScriptedGenerator::new(), ScriptedGenerator::new());
    let backend =
        |name: &str, rungs: &[Rung]| Backend { name: name.into(), rungs: rungs.to_vec(), permits: 1 };
    let backends: Vec<(Backend, Arc<dyn crate::port::generator::Generator>)> = vec![
        (backend("writer", &[Rung::Full, Rung::Short]), Arc::new(writer.clone())),
        (backend("quoter", &[Rung::Extractive]), Arc::new(quoter.clone())),
    ];
    let (clock, metrics) = (ManualClock::at(Timestamp(0)), Metrics::new());
    let pool = Pool::start(backends, settings, (&metrics, Arc::new(clock.clone())));
    Rig { pool, writer, quoter, clock, metrics }
}

impl Rig {
    /// Asks for an answer within 100 s.
    fn ask(&self) -> Reply {
        self.pool.ask(self.work())
    }

    fn work(&self) -> Work {
        let request = request(self.clock.boot() + Duration::from_secs(100));
        Work { request, priority: Priority::Shopper, customer: None, template: None }
    }

    fn sample(&self, name: &str, labels: &[&str]) -> f64 {
        let samples = self.metrics.samples();
        samples.iter().find(|one| one.name == name && one.labels == labels).map_or(0.0, |one| one.value)
    }

    /// Lets every task run as far as it comes.
    async fn idle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    /// Moves the clock on once everybody waits for it.
    async fn advance(&self, seconds: u64) {
        self.idle().await;
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn text(text: &str) -> Option<Said> {
    Some(Said::Delta(Delta::Text(text.to_owned())))
}

async fn end(mut reply: Reply) -> Answer {
    while let Some(said) = reply.next().await {
        if let Said::End(answer) = said {
            assert_eq!(reply.next().await, None, "nothing comes behind the end");
            return answer;
        }
    }
    panic!("an answer without an end");
}

#[tokio::test]
async fn an_answer_streams_and_says_who_made_it_on_which_rung_and_what_it_cost() {
    let rig = rig(Settings::default());
    rig.writer.then(vec![
        ScriptedGenerator::text("Within "),
        ScriptedGenerator::text("30 days."),
        ScriptedGenerator::end(4),
    ]);
    let mut reply = rig.ask();
    assert_eq!([reply.next().await, reply.next().await], [text("Within "), text("30 days.")]);
    let answer = end(reply).await;
    assert_eq!((answer.rung, answer.backend.as_deref(), answer.attempts), (Rung::Full, Some("writer"), 1));
    assert_eq!((answer.end, answer.lowered), (End::Finished(Finish::Stop), None));
    assert_eq!(answer.usage, Usage { prompt: 10, completion: 4, counted: Counted::Counted });
    assert_eq!(rig.sample("care_generation_answers_total", &["stop", "full"]), 1.0);
    assert_eq!(rig.sample("care_generation_tokens_total", &["writer", "counted", "completion"]), 4.0);
    assert_eq!(rig.sample("care_generation_first_token_seconds", &["writer"]), 1.0);
    assert_eq!(rig.sample("care_generation_permits_in_use", &["writer"]), 0.0);
}

#[tokio::test]
async fn a_reader_who_leaves_stops_the_work_and_frees_the_permit_at_once() {
    let rig = rig(Settings::default());
    rig.writer.then(vec![ScriptedGenerator::text("one"), Step::Hang]);
    let mut left = rig.ask();
    assert_eq!(left.next().await, text("one"));
    let next = rig.ask();
    assert_eq!(rig.sample("care_engine_queue_len", &["generation"]), 1.0);
    drop(left);
    assert_eq!(rig.sample("care_engine_queue_len", &["generation"]), 0.0, "the next has the permit");
    assert_eq!(end(next).await.end, End::Finished(Finish::Stop));
    rig.writer.until_alive(0).await;
    assert_eq!(rig.sample("care_generation_cancelled_total", &[]), 1.0);
}

#[tokio::test]
async fn a_reader_who_leaves_the_queue_is_never_served() {
    let rig = rig(Settings::default());
    rig.writer.then(vec![ScriptedGenerator::text("one"), Step::Hang]);
    let mut first = rig.ask();
    first.next().await;
    drop(rig.ask());
    drop(first);
    rig.writer.until_alive(0).await;
    assert_eq!((rig.writer.requests().len(), rig.quoter.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_slow_reader_holds_the_back_end_and_not_the_memory_and_loses_the_answer_in_the_end() {
    let rig = rig(Settings { deltas_max: 2, ..Settings::default() });
    rig.writer.then((0..100).map(|n| ScriptedGenerator::text(&n.to_string())).collect());
    let mut reply = rig.ask();
    rig.writer.until_alive(1).await;
    assert_eq!(reply.next().await, text("0"), "who reads again in time has lost nothing");
    rig.advance(9).await;
    assert_eq!(reply.next().await, text("1"));
    rig.advance(10).await;
    rig.writer.until_alive(0).await;
    let mut kept = 0;
    let answer = loop {
        match reply.next().await.expect("an end") {
            Said::Delta(_) => kept += 1,
            Said::End(answer) => break answer,
        }
    };
    assert_eq!((answer.end, kept), (End::Broken(Why::SlowReader), 2), "as much as the channel holds");
}

#[tokio::test]
async fn a_failure_before_the_first_token_is_tried_again_and_counted() {
    let rig = rig(Settings::default());
    let busy = Error::Busy { status: 429, retry_after: Some(Duration::from_secs(3)) };
    rig.writer.then(vec![Step::Fail(busy)]);
    let reply = rig.ask();
    rig.advance(1).await;
    rig.advance(1).await;
    rig.idle().await;
    assert_eq!(rig.writer.requests().len(), 1, "it is left alone as long as it asked");
    rig.advance(1).await;
    let answer = end(reply).await;
    assert_eq!((answer.attempts, answer.waited, answer.rung), (2, Duration::from_secs(3), Rung::Full));
    assert_eq!(rig.sample("care_generation_calls_retried_total", &["writer"]), 1.0);
    assert_eq!(rig.sample("care_generation_calls_failed_total", &["writer", "busy"]), 1.0);
}

#[tokio::test]
async fn a_back_end_that_breaks_off_ends_the_answer_with_what_was_said() {
    let rig = rig(Settings::default());
    for script in [vec![Step::Fail(Error::Cut)], vec![Step::Panic], vec![]] {
        rig.writer.then([vec![ScriptedGenerator::text("half")], script].concat());
        let (said, answer) = rig.ask().whole().await.expect("an end");
        assert_eq!((said.as_str(), answer.end), ("half", End::Broken(Why::Failed)));
        assert_eq!((answer.usage.completion, answer.usage.counted), (1, Counted::Estimated));
    }
    assert_eq!(rig.sample("care_generation_calls_failed_total", &["writer", "cut"]), 2.0);
}

#[tokio::test]
async fn the_ladder_goes_from_the_writer_to_the_quoter_to_the_template() {
    let rig = rig(Settings::default());
    let denied = || vec![Step::Fail(Error::Denied { status: 401, text: String::new() })];
    rig.writer.then(denied());
    let answer = end(rig.ask()).await;
    assert_eq!((answer.rung, answer.backend.as_deref()), (Rung::Extractive, Some("quoter")));
    assert_eq!((answer.lowered, answer.attempts), (Some(Why::Failed), 2));
    rig.writer.then(denied());
    rig.quoter.then(denied());
    let work = Work { template: Some("We come back to you.".to_owned()), ..rig.work() };
    let (said, answer) = rig.pool.ask(work).whole().await.expect("an end");
    assert_eq!((said.as_str(), answer.rung, answer.backend), ("We come back to you.", Rung::Template, None));
    rig.writer.then(denied());
    rig.quoter.then(denied());
    let (said, answer) = rig.ask().whole().await.expect("an end");
    assert_eq!((said.as_str(), answer.rung, answer.end), ("", Rung::HandOff, End::Fallen(Why::Failed)));
}

#[tokio::test]
async fn a_rejected_request_is_asked_again_shorter() {
    let rig = rig(Settings::default());
    rig.writer.then(vec![Step::Fail(Error::Rejected { status: 400, text: String::new() })]);
    let mut work = rig.work();
    work.request.tokens_max = 1_000;
    let (_, answer) = rig.pool.ask(work).whole().await.expect("an end");
    assert_eq!((answer.rung, answer.end), (Rung::Short, End::Finished(Finish::Stop)));
    let asked: Vec<u32> = rig.writer.requests().iter().map(|request| request.tokens_max).collect();
    assert_eq!(asked, [1_000, Settings::default().short.tokens_max]);
}

#[tokio::test]
async fn a_back_end_that_stalls_is_stopped_and_the_answer_is_made_a_rung_below() {
    let rig = rig(Settings { breaker_failures: 1, ..Settings::default() });
    rig.writer.then(vec![Step::Hang]);
    let reply = rig.ask();
    rig.writer.until_alive(1).await;
    rig.advance(50).await;
    let answer = end(reply).await;
    assert_eq!((answer.rung, answer.lowered), (Rung::Extractive, Some(Why::Waited)));
    rig.writer.until_alive(0).await;
    assert_eq!(rig.sample("care_generation_breaker_state", &["writer"]), 2.0);
}

#[tokio::test]
async fn every_reply_ends_by_its_deadline_and_when_the_pool_stops() {
    let rig = rig(Settings { full_share: 1.0, ..Settings::default() });
    rig.writer.then(vec![ScriptedGenerator::text("half"), Step::Hang]);
    let mut speaking = rig.ask();
    assert_eq!(speaking.next().await, text("half"));
    rig.advance(100).await;
    let answer = end(speaking).await;
    assert_eq!((answer.end, answer.took), (End::Broken(Why::Deadline), Duration::from_secs(100)));
    rig.writer.then(vec![Step::Hang]);
    let (running, waiting) = (rig.ask(), rig.ask());
    drop(rig.pool);
    for reply in [running, waiting] {
        assert_eq!(end(reply).await.end, End::Fallen(Why::Stopped));
    }
    rig.writer.until_alive(0).await;
}

#[tokio::test]
async fn a_full_queue_hands_off_at_once_and_counts_it() {
    let rig = rig(Settings { queue_max: 1, ..Settings::default() });
    rig.writer.then(vec![Step::Hang]);
    let (_running, _waiting) = (rig.ask(), rig.ask());
    let answer = end(rig.ask()).await;
    assert_eq!((answer.rung, answer.end), (Rung::HandOff, End::Fallen(Why::QueueFull)));
    assert_eq!(rig.sample("care_engine_queue_refused_total", &["generation"]), 1.0);
}
