//! Tests of the pool's transitions, one rule each; the simulation beside them holds all rules over chance.

use super::*;

const FULL: &[Rung] = &[Rung::Full];
const WRITING: &[Rung] = &[Rung::Full, Rung::Short];
const QUOTING: &[Rung] = &[Rung::Extractive];

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn core(backends: &[(&[Rung], usize)], change: impl FnOnce(&mut Settings)) -> Core {
    let mut settings = Settings { queue_max: 2, breaker_failures: 2, tries_max: 2, ..Settings::default() };
    change(&mut settings);
    let backends = backends.iter().enumerate().map(|(at, (rungs, permits))| Backend {
        name: at.to_string().into(),
        rungs: rungs.to_vec(),
        permits: *permits,
    });
    Core::new(settings, &backends.collect::<Vec<_>>())
}

fn plain(backends: &[(&[Rung], usize)]) -> Core {
    core(backends, |_| ())
}

/// Work that has 100 s from second 0 on.
fn ticket(priority: Priority) -> Ticket {
    Ticket {
        priority,
        customer: None,
        deadline: at(100),
        full: Cost { prompt: 100, completion_max: 200 },
        short: Cost { prompt: 20, completion_max: 30 },
    }
}

fn started(actions: &[Action]) -> Vec<(u64, usize, Rung)> {
    let started = actions.iter().filter_map(|action| match action {
        Action::Start { job, backend, rung, .. } => Some((job.0, backend.0, *rung)),
        Action::Stop(_) | Action::Close { .. } => None,
    });
    started.collect()
}

fn closed(actions: &[Action]) -> Vec<(u64, Close)> {
    let closed = actions.iter().filter_map(|action| match action {
        Action::Close { job, close, .. } => Some((job.0, *close)),
        Action::Start { .. } | Action::Stop(_) => None,
    });
    closed.collect()
}

fn failure(kind: Kind) -> Result<Usage, Failure> {
    Err(Failure { kind, retry_after: None })
}

const FIRST: Attempt = Attempt(1);

#[test]
fn who_waits_is_served_by_priority_and_then_by_age() {
    let mut core = core(&[(FULL, 1)], |settings| settings.queue_max = 10);
    let order = [Priority::Background, Priority::Proactive, Priority::Shopper, Priority::Shopper];
    assert_eq!(started(&core.submit(ticket(Priority::Background), at(0)).1), [(0, 0, Rung::Full)]);
    for priority in order {
        assert_eq!(core.submit(ticket(priority), at(1)).1, []);
    }
    let mut served = Vec::new();
    let mut running = JobId(0);
    while core.open() > 1 {
        let next = started(&core.ended((running, FIRST), Ok(Usage::NONE), at(2)));
        running = JobId(next[0].0);
        served.push(running.0);
    }
    assert_eq!(served, [3, 4, 2, 1]);
}

#[test]
fn a_full_queue_refuses_the_newcomer_or_whom_he_outranks() {
    let mut core = plain(&[(FULL, 1)]);
    for priority in [Priority::Shopper, Priority::Shopper, Priority::Background] {
        assert_eq!(closed(&core.submit(ticket(priority), at(0)).1), []);
    }
    assert_eq!(
        closed(&core.submit(ticket(Priority::Background), at(1)).1),
        [(3, Close::Fallen(Why::QueueFull))]
    );
    assert_eq!(
        closed(&core.submit(ticket(Priority::Shopper), at(1)).1),
        [(2, Close::Fallen(Why::Displaced))]
    );
    assert_eq!(
        closed(&core.submit(ticket(Priority::Shopper), at(1)).1),
        [(5, Close::Fallen(Why::QueueFull))]
    );
    assert_eq!(core.waiting(), 2);
}

#[test]
fn who_waits_too_long_goes_a_rung_down_and_at_the_deadline_falls() {
    let mut core = plain(&[(WRITING, 1), (QUOTING, 1)]);
    core.submit(Ticket { deadline: at(1_000), ..ticket(Priority::Shopper) }, at(0));
    core.said(JobId(0), FIRST, 1);
    core.submit(ticket(Priority::Shopper), at(0));
    assert_eq!(core.wake(), Some(at(50)), "until half of its time it waits for the full rung");
    assert_eq!(core.tick(at(50)), []);
    assert_eq!(core.wake(), Some(at(75)));
    assert_eq!(started(&core.tick(at(75))), [(1, 1, Rung::Extractive)]);
    let ended = core.tick(at(100));
    assert_eq!(ended[0], Action::Stop(JobId(1)));
    assert_eq!(closed(&ended), [(1, Close::Fallen(Why::Deadline))]);
    assert!(core.seats().map(|(used, _)| used).eq([1, 0]));
}

#[test]
fn a_back_end_that_is_silent_too_long_loses_the_call_and_its_trust() {
    let mut core = core(&[(FULL, 1), (QUOTING, 1)], |settings| settings.breaker_failures = 1);
    core.submit(ticket(Priority::Shopper), at(0));
    let moved = core.tick(at(50));
    assert_eq!(moved[0], Action::Stop(JobId(0)));
    assert_eq!(started(&moved), [(0, 1, Rung::Extractive)]);
    assert!(!core.said(JobId(0), FIRST, 3), "what the first call says is not delivered any more");
    assert!(core.seats().eq([(0, BreakerState::Open), (1, BreakerState::Closed)]));
}

#[test]
fn a_failure_before_the_first_token_is_tried_again_after_a_wait_and_then_given_up() {
    let mut core = plain(&[(FULL, 1), (QUOTING, 1)]);
    core.submit(ticket(Priority::Shopper), at(0));
    assert_eq!(core.ended((JobId(0), FIRST), failure(Kind::Retry), at(1)), []);
    let wake = core.wake().expect("a second try");
    assert!(
        wake >= at(1) + Duration::from_millis(100) && wake <= at(1) + Duration::from_millis(200),
        "{wake:?}"
    );
    let again = core.tick(wake);
    assert!(matches!(again[0], Action::Start { attempt: Attempt(2), retried: 1, .. }), "{again:?}");
    let moved = core.ended((JobId(0), Attempt(2)), failure(Kind::Retry), at(2));
    assert_eq!(started(&moved), [(0, 1, Rung::Extractive)]);
}

#[test]
fn a_failure_behind_the_first_token_is_not_tried_again() {
    let mut core = plain(&[(FULL, 2)]);
    core.submit(ticket(Priority::Shopper), at(0));
    assert!(core.said(JobId(0), FIRST, 1));
    let ended = core.ended((JobId(0), FIRST), failure(Kind::Retry), at(1));
    assert_eq!(closed(&ended), [(0, Close::Broken(Why::Failed))]);
    assert_eq!((core.open(), core.wake()), (0, None));
}

#[test]
fn who_asks_to_be_left_alone_is_left_alone_and_not_held_to_have_failed() {
    let mut core = core(&[(FULL, 2)], |settings| settings.breaker_failures = 1);
    core.submit(ticket(Priority::Shopper), at(0));
    let busy = Failure { kind: Kind::Retry, retry_after: Some(at(7)) };
    assert_eq!(core.ended((JobId(0), FIRST), Err(busy), at(1)), []);
    assert_eq!(core.submit(ticket(Priority::Shopper), at(2)).1, [], "nobody else asks it either");
    let mut times = Vec::new();
    while let Some(wake) = core.wake().filter(|wake| *wake < at(50)) {
        times.push((wake, started(&core.tick(wake)).len()));
    }
    assert_eq!(times.last(), Some(&(at(8), 2)));
    assert!(core.seats().eq([(2, BreakerState::Closed)]));
    core.cancel(JobId(1), at(9));
    let too_long = Failure { kind: Kind::Retry, retry_after: Some(at(60)) };
    let ended = core.ended((JobId(0), Attempt(2)), Err(too_long), at(9));
    assert_eq!(closed(&ended), [(0, Close::Fallen(Why::Failed))], "longer than the rung has");
}

#[test]
fn a_rejected_request_is_tried_shorter_and_says_nothing_about_its_back_end() {
    let mut core = core(&[(WRITING, 1)], |settings| settings.breaker_failures = 1);
    core.submit(ticket(Priority::Shopper), at(0));
    let moved = core.ended((JobId(0), FIRST), failure(Kind::Reject), at(1));
    assert_eq!(started(&moved), [(0, 0, Rung::Short)]);
    let ended = core.ended((JobId(0), Attempt(2)), failure(Kind::Reject), at(1));
    assert_eq!(closed(&ended), [(0, Close::Fallen(Why::Failed))]);
    assert!(core.seats().eq([(0, BreakerState::Closed)]));
}

#[test]
fn another_back_end_of_the_rung_takes_what_the_first_will_not_do() {
    let mut core = plain(&[(FULL, 1), (FULL, 1)]);
    core.submit(ticket(Priority::Shopper), at(0));
    assert_eq!(
        started(&core.submit(ticket(Priority::Shopper), at(0)).1),
        [(1, 1, Rung::Full)],
        "a free permit"
    );
    core.cancel(JobId(1), at(0));
    let moved = core.ended((JobId(0), FIRST), failure(Kind::Elsewhere), at(1));
    assert_eq!(started(&moved), [(0, 1, Rung::Full)]);
}

#[test]
fn an_open_breaker_is_passed_by_until_one_call_has_shown_that_the_back_end_is_well() {
    let mut core = core(&[(FULL, 5), (QUOTING, 5)], |settings| {
        (settings.breaker_failures, settings.breaker_rest) = (1, at(10));
    });
    core.submit(ticket(Priority::Shopper), at(0));
    core.ended((JobId(0), FIRST), failure(Kind::Elsewhere), at(1));
    assert_eq!(started(&core.submit(ticket(Priority::Shopper), at(2)).1), [(1, 1, Rung::Extractive)]);
    assert_eq!(started(&core.submit(ticket(Priority::Shopper), at(11)).1), [(2, 0, Rung::Full)], "the trial");
    assert_eq!(started(&core.submit(ticket(Priority::Shopper), at(11)).1), [(3, 1, Rung::Extractive)]);
    core.ended((JobId(2), FIRST), Ok(Usage::NONE), at(12));
    assert_eq!(started(&core.submit(ticket(Priority::Shopper), at(12)).1), [(4, 0, Rung::Full)]);
}

#[test]
fn cancelled_work_frees_its_permit_at_once_and_has_no_end() {
    let mut core = plain(&[(FULL, 1)]);
    core.submit(ticket(Priority::Shopper), at(0));
    core.submit(ticket(Priority::Shopper), at(0));
    let moved = core.cancel(JobId(0), at(1));
    assert_eq!(moved[0], Action::Stop(JobId(0)));
    assert_eq!((started(&moved), closed(&moved)), (vec![(1, 0, Rung::Full)], vec![]));
    assert_eq!(core.ended((JobId(0), FIRST), Ok(Usage::NONE), at(1)), [], "its call has no say any more");
    assert_eq!(core.cancel(JobId(0), at(1)), []);
}

#[test]
fn who_has_spent_his_tokens_gets_less_until_they_come_back() {
    let mut core = core(&[(WRITING, 9), (QUOTING, 9)], |settings| settings.budget_tokens = 350);
    let of = |name| Ticket { customer: Some(CustomerId::user(name)), ..ticket(Priority::Shopper) };
    let mut rung = |name, at: Duration| {
        let ticket = Ticket { deadline: at + Duration::from_secs(100), ..of(name) };
        started(&core.submit(ticket, at).1)[0].2
    };
    assert_eq!(
        [rung("anna", at(0)), rung("anna", at(0)), rung("anna", at(0))],
        [Rung::Full, Rung::Short, Rung::Extractive]
    );
    assert_eq!(rung("bo", at(0)), Rung::Full, "each has his own");
    assert_eq!(rung("anna", at(3_600)), Rung::Full);
}

#[test]
fn what_a_stopped_call_said_is_charged_and_what_was_only_reserved_is_not() {
    let mut core = core(&[(FULL, 9)], |settings| settings.budget_tokens = 400);
    let of = || Ticket { customer: Some(CustomerId::user("anna")), ..ticket(Priority::Shopper) };
    let (job, _) = core.submit(of(), at(0));
    core.said(job, FIRST, 0);
    core.cancel(job, at(0));
    assert_eq!(started(&core.submit(of(), at(0)).1).len(), 1, "100 of 400 are spent, 300 are asked for");
    assert_eq!(started(&core.submit(of(), at(0)).1).len(), 0);
}

#[test]
fn a_clock_that_goes_back_or_leaps_ends_nothing_early_and_everything_once() {
    let mut core = plain(&[(FULL, 1)]);
    core.submit(ticket(Priority::Shopper), at(10));
    assert_eq!(core.tick(at(3)), []);
    assert_eq!(closed(&core.tick(at(1_000_000))), [(0, Close::Fallen(Why::Deadline))]);
    let late = core.submit(ticket(Priority::Shopper), at(1));
    assert_eq!(
        closed(&late.1),
        [(1, Close::Fallen(Why::Deadline))],
        "it is over, whatever the clock says now"
    );
}

#[test]
fn stopping_ends_everything() {
    let mut core = plain(&[(FULL, 2)]);
    (0..4).for_each(|_| drop(core.submit(ticket(Priority::Shopper), at(0))));
    core.said(JobId(0), FIRST, 1);
    let ended = closed(&core.shut(at(1)));
    let (broken, fallen) = (Close::Broken(Why::Stopped), Close::Fallen(Why::Stopped));
    assert_eq!(ended, [(0, broken), (1, fallen), (2, fallen), (3, fallen)]);
    assert!(core.open() == 0 && core.seats().all(|(used, _)| used == 0));
}
