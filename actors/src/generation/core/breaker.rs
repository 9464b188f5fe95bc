//! A breaker: leaves a back end alone that fails, and tries it with one call before it trusts it again.

use std::time::Duration;

/// What a breaker shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything passes.
    Closed,
    /// One call passes, and decides.
    HalfOpen,
    /// Nothing passes.
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Now {
    /// Failures in a row.
    Closed {
        failures: u32,
    },
    Open {
        until: Duration,
    },
    Trying,
}

/// The breaker of one back end.
#[derive(Clone, Debug)]
pub struct Breaker {
    failures_max: u32,
    rest: Duration,
    now: Now,
}

impl Breaker {
    /// Returns a closed breaker that opens after so many failures in a row, and rests so long.
    pub fn new(failures_max: u32, rest: Duration) -> Self {
        Self { failures_max: failures_max.max(1), rest, now: Now::Closed { failures: 0 } }
    }

    /// Returns true when a call may begin.
    pub fn admits(&self, now: Duration) -> bool {
        match self.now {
            Now::Closed { .. } => true,
            Now::Open { until } => now >= until,
            Now::Trying => false,
        }
    }

    /// Notes that a call begins that was admitted.
    pub fn began(&mut self) {
        if let Now::Open { .. } = self.now {
            self.now = Now::Trying;
        }
    }

    /// Notes that a call ended well.
    pub fn passed(&mut self) {
        match self.now {
            Now::Closed { .. } | Now::Trying => self.now = Now::Closed { failures: 0 },
            // It began before the breaker opened: the one call of the half-open state decides, not this one.
            Now::Open { .. } => {}
        }
    }

    /// Notes that a call failed.
    pub fn failed(&mut self, now: Duration) {
        self.now = match self.now {
            Now::Closed { failures } if failures + 1 < self.failures_max => {
                Now::Closed { failures: failures + 1 }
            }
            Now::Closed { .. } | Now::Trying => Now::Open { until: now + self.rest },
            open @ Now::Open { .. } => open,
        };
    }

    /// Notes that a call was given up and says nothing about the back end: the next one may try.
    pub fn dropped(&mut self, now: Duration) {
        if self.now == Now::Trying {
            self.now = Now::Open { until: now };
        }
    }

    /// Returns what it shows at this time.
    pub fn state(&self, now: Duration) -> State {
        match self.now {
            Now::Closed { .. } => State::Closed,
            Now::Open { until } if now < until => State::Open,
            Now::Open { .. } | Now::Trying => State::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(2, at(10));
        breaker.failed(at(1));
        breaker.failed(at(2));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not_let_them() {
        let mut breaker = Breaker::new(2, at(10));
        breaker.failed(at(1));
        breaker.passed();
        breaker.failed(at(2));
        assert_eq!(breaker.state(at(2)), State::Closed);
        breaker.failed(at(3));
        assert_eq!((breaker.state(at(3)), breaker.admits(at(12))), (State::Open, false));
    }

    #[test]
    fn after_its_rest_one_call_passes_and_decides() {
        for good in [true, false] {
            let mut breaker = opened();
            assert_eq!((breaker.state(at(12)), breaker.admits(at(12))), (State::HalfOpen, true));
            breaker.began();
            assert!(!breaker.admits(at(12)), "one call only");
            if good {
                breaker.passed()
            } else {
                breaker.failed(at(13))
            }
            let expected = if good { State::Closed } else { State::Open };
            assert_eq!(breaker.state(at(13)), expected);
        }
    }

    #[test]
    fn a_trial_that_was_given_up_leaves_the_next_one_to_try() {
        let mut breaker = opened();
        breaker.began();
        breaker.dropped(at(14));
        assert_eq!((breaker.state(at(14)), breaker.admits(at(14))), (State::HalfOpen, true));
    }

    #[test]
    fn what_began_before_it_opened_neither_closes_nor_prolongs_it() {
        let mut breaker = opened();
        breaker.passed();
        breaker.failed(at(11));
        assert_eq!((breaker.state(at(11)), breaker.state(at(12))), (State::Open, State::HalfOpen));
    }
}
