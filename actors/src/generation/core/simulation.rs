//! The pool against chance: back ends that answer, fail, stall and lie, readers that leave, clocks that leap; every rule holds at every step.
//!
//! The world below keeps books of its own from the actions alone. What fails names the seed.

use std::collections::BTreeMap;

use super::*;

/// Seeds that are played.
const SEEDS: u64 = 300;
/// Steps of each.
const STEPS: usize = 400;

const PERMITS: [usize; 4] = [2, 1, 3, 1];

/// Chance from a seed, the same on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What the world knows of open work.
struct Open {
    deadline: Duration,
    call: Option<(Attempt, BackendId, Rung)>,
    spoke: bool,
}

struct World {
    core: Core,
    chance: Chance,
    now: Duration,
    open: BTreeMap<JobId, Open>,
    /// Calls that were stopped or have ended: what comes of them late must change nothing.
    over: Vec<(JobId, Attempt)>,
    closed: usize,
    submitted: usize,
    cancelled: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let rungs =
            [vec![Rung::Full, Rung::Short], vec![Rung::Full], vec![Rung::Short], vec![Rung::Extractive]];
        let backends = rungs.into_iter().zip(PERMITS).enumerate().map(|(at, (rungs, permits))| Backend {
            name: at.to_string().into(),
            rungs,
            permits,
        });
        let settings = Settings {
            queue_max: 6,
            breaker_failures: 2,
            breaker_rest: Duration::from_secs(3),
            budget_tokens: 900,
            seed,
            ..Settings::default()
        };
        Self {
            core: Core::new(settings, &backends.collect::<Vec<_>>()),
            chance: Chance(seed),
            now: Duration::ZERO,
            open: BTreeMap::new(),
            over: Vec::new(),
            closed: 0,
            submitted: 0,
            cancelled: 0,
        }
    }

    fn step(&mut self) {
        match self.chance.below(10) {
            0..=2 => self.submit(),
            3 => self.cancel(),
            4 => self.say(),
            5..=6 => self.end(),
            7 => self.late(),
            _ => self.pass(),
        }
        self.check();
    }

    fn submit(&mut self) {
        let priority = Priority::ALL[self.chance.below(3) as usize];
        let deadline = self.now + Duration::from_millis(self.chance.below(9_000));
        let customer = CustomerId::user(&self.chance.below(4).to_string());
        let (full, short) =
            (Cost { prompt: 50, completion_max: 150 }, Cost { prompt: 10, completion_max: 30 });
        let ticket = Ticket { priority, customer: Some(customer), deadline, full, short };
        let (job, actions) = self.core.submit(ticket, self.now);
        self.submitted += 1;
        self.open.insert(job, Open { deadline, call: None, spoke: false });
        self.take(actions);
    }

    fn cancel(&mut self) {
        let Some(job) = self.pick(|_| true) else { return };
        let actions = self.core.cancel(job, self.now);
        assert!(
            !actions
                .iter()
                .any(|action| matches!(action, Action::Close { job: closed, .. } if *closed == job))
        );
        if let Some((attempt, ..)) = self.open[&job].call {
            assert_eq!(actions.first(), Some(&Action::Stop(job)), "the call is stopped at once");
            self.over.push((job, attempt));
        }
        let rest = actions.into_iter().filter(|action| *action != Action::Stop(job)).collect();
        self.open.remove(&job);
        self.cancelled += 1;
        self.take(rest);
    }

    fn say(&mut self) {
        let Some(job) = self.pick(|open| open.call.is_some()) else { return };
        let open = self.open.get_mut(&job).expect("picked");
        let (attempt, ..) = open.call.expect("picked");
        assert!(self.core.said(job, attempt, 5));
        open.spoke = true;
    }

    fn end(&mut self) {
        let Some(job) = self.pick(|open| open.call.is_some()) else { return };
        let (attempt, ..) = self.open[&job].call.expect("picked");
        let result = self.result();
        let actions = self.core.ended((job, attempt), result, self.now);
        self.over.push((job, attempt));
        if let Some(open) = self.open.get_mut(&job) {
            open.call = None;
        }
        self.take(actions);
    }

    /// What is over says something, ends or fails again.
    fn late(&mut self) {
        let Some((job, attempt)) = self.over.last().copied() else { return };
        let result = self.result();
        assert!(!self.core.said(job, attempt, 5), "what is over is not delivered");
        let actions = self.core.ended((job, attempt), result, self.now);
        self.take(actions);
    }

    /// Time passes: to the next thing that is due, somewhere before it, or with a leap.
    fn pass(&mut self) {
        let wake = self.core.wake();
        let to = match self.chance.below(6) {
            0 => self.now + Duration::from_secs(self.chance.below(20)),
            1 => self.now.saturating_sub(Duration::from_secs(self.chance.below(5))),
            _ => wake.unwrap_or(self.now),
        };
        let actions = self.core.tick(to);
        self.now = self.now.max(to);
        self.take(actions);
    }

    fn result(&mut self) -> Result<Usage, Failure> {
        let retry_after =
            (self.chance.below(2) == 0).then(|| Duration::from_millis(self.chance.below(4_000)));
        match self.chance.below(6) {
            0 => Err(Failure { kind: Kind::Retry, retry_after }),
            1 => Err(Failure { kind: Kind::Elsewhere, retry_after: None }),
            2 => Err(Failure { kind: Kind::Reject, retry_after: None }),
            _ => Ok(Usage { prompt: 10, completion: 20, ..Usage::NONE }),
        }
    }

    fn pick(&mut self, of: impl Fn(&Open) -> bool) -> Option<JobId> {
        let jobs: Vec<JobId> = self.open.iter().filter(|(_, open)| of(open)).map(|(job, _)| *job).collect();
        (!jobs.is_empty()).then(|| jobs[self.chance.below(jobs.len() as u64) as usize])
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Start { job, attempt, backend, rung, .. } => {
                    self.started(job, (attempt, backend, rung))
                }
                Action::Stop(job) => {
                    let call = self.open.get_mut(&job).and_then(|open| open.call.take());
                    let (attempt, ..) = call.expect("only a running call is stopped");
                    self.over.push((job, attempt));
                }
                Action::Close { job, close, .. } => {
                    let open = self.open.remove(&job).expect("work is closed once");
                    assert!(open.call.is_none(), "whose call still runs is not closed");
                    assert!(!open.spoke || !matches!(close, Close::Fallen(_)), "who spoke cannot fall");
                    self.closed += 1;
                }
            }
        }
    }

    fn started(&mut self, job: JobId, call: (Attempt, BackendId, Rung)) {
        let open = self.open.get_mut(&job).expect("who starts is open");
        assert!(open.call.is_none(), "one call at a time");
        assert!(!open.spoke, "nothing is tried again behind the first token");
        assert!(self.now < open.deadline, "nothing starts behind its deadline");
        open.call = Some(call);
    }

    fn check(&self) {
        let mut used = [0; PERMITS.len()];
        for (_, backend, _) in self.open.values().filter_map(|open| open.call) {
            used[backend.0] += 1;
        }
        let seats: Vec<(usize, BreakerState)> = self.core.seats().collect();
        assert!(
            seats.iter().map(|(used, _)| *used).eq(used),
            "a permit per running call: {seats:?}, {used:?}"
        );
        assert!(used.iter().zip(PERMITS).all(|(used, permits)| *used <= permits));
        assert_eq!(self.core.open(), self.open.len());
        assert_eq!(self.submitted, self.open.len() + self.closed + self.cancelled, "every work ends once");
        assert!(
            self.open.values().all(|open| open.deadline > self.now),
            "nobody is open behind his deadline"
        );
        let waiting = self.open.values().filter(|open| open.call.is_none()).count();
        assert_eq!(waiting, self.core.waiting());
        assert!(waiting <= 6 + PERMITS.iter().sum::<usize>(), "the queue is bounded: {waiting}");
        assert_eq!(self.core.wake().is_some(), !self.open.is_empty(), "who is open is woken");
    }
}

#[test]
fn every_rule_holds_over_chance() {
    let mut ended = 0;
    for seed in 0..SEEDS {
        let played = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            (0..STEPS).for_each(|_| world.step());
            while let Some(wake) = world.core.wake() {
                let actions = world.core.tick(wake);
                world.now = world.now.max(wake);
                world.take(actions);
                world.check();
            }
            assert!(world.open.is_empty() && world.core.seats().all(|(used, _)| used == 0));
            world.closed
        });
        ended += played.unwrap_or_else(|_| panic!("seed {seed} breaks a rule"));
    }
    assert!(ended > SEEDS as usize * 20, "the worlds are busy: {ended}");
}

#[test]
fn work_that_outranks_other_work_never_starts_behind_it() {
    for seed in 0..SEEDS {
        let mut chance = Chance(seed);
        let backend = Backend { name: "one".into(), rungs: vec![Rung::Full], permits: 2 };
        let mut core = Core::new(Settings { full_share: 1.0, ..Settings::default() }, &[backend]);
        let (mut waiting, mut running) = (BTreeMap::new(), Vec::new());
        for _ in 0..100 {
            let actions = if chance.below(2) == 0 || running.is_empty() {
                let priority = Priority::ALL[chance.below(3) as usize];
                let (full, deadline) = (Cost::default(), Duration::from_secs(1_000));
                let ticket = Ticket { priority, customer: None, deadline, full, short: full };
                let (job, actions) = core.submit(ticket, Duration::ZERO);
                waiting.insert(job, priority);
                actions
            } else {
                let call = running.swap_remove(chance.below(running.len() as u64) as usize);
                core.ended(call, Ok(Usage::NONE), Duration::ZERO)
            };
            for action in actions {
                if let Action::Start { job, attempt, .. } = action {
                    let priority = waiting.remove(&job).expect("it waited");
                    let first = waiting.iter().map(|(job, priority)| (*priority, *job)).min();
                    assert!(
                        first.is_none_or(|first| (priority, job) < first),
                        "seed {seed}: {job:?} before {first:?}"
                    );
                    running.push((job, attempt));
                }
            }
        }
    }
}
