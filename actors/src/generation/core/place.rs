//! Who starts where, who goes a rung down, and what is over its time.

use std::time::Duration;

use super::{Action, Attempt, BackendId, Call, Close, Core, Cost, Job, JobId};
use crate::generation::{Rung, Settings, Why};

/// What a rung has for a piece of work at this time.
enum Place {
    /// This back end takes it.
    Free(BackendId),
    /// One will, before the rung's time is over.
    Later,
    /// None does, for this reason.
    None(Why),
}

impl Core {
    /// Ends what is over its time, then starts whoever may start.
    pub(super) fn settle(&mut self) {
        self.expire();
        let turns: Vec<JobId> = self.waiting.iter().map(|(_, job)| *job).collect();
        turns.into_iter().for_each(|job| self.place(job));
    }

    /// Returns when [`Core::tick`] has something to do, whatever else happens; `None` when nothing is open.
    pub fn wake(&self) -> Option<Duration> {
        let jobs = self.jobs.values().map(|job| match &job.call {
            Some(Call { said: Some(_), .. }) => job.ticket.deadline,
            Some(Call { said: None, .. }) => job.limit(&self.settings).min(job.ticket.deadline),
            None if job.not_before > self.now => job.not_before.min(job.limit(&self.settings)),
            None => job.limit(&self.settings),
        });
        let ends_of_pauses = self.seats.iter().map(|seat| seat.paused_until).filter(|at| *at > self.now);
        let pauses = ends_of_pauses.filter(|_| !self.waiting.is_empty());
        jobs.chain(pauses).min()
    }

    fn expire(&mut self) {
        let (now, settings) = (self.now, &self.settings);
        let over = |job: &Job| job.ticket.deadline <= now;
        let silent =
            |job: &Job| job.call.is_some_and(|call| call.said.is_none()) && job.limit(settings) <= now;
        let overdue: Vec<(JobId, bool)> = self
            .jobs
            .iter()
            .filter(|(_, job)| over(job) || silent(job))
            .map(|(id, job)| (*id, over(job)))
            .collect();
        for (id, is_over) in overdue {
            if is_over {
                self.end(id, Why::Deadline);
            } else {
                self.give_up_call(id);
            }
        }
    }

    /// Takes a call away that has not spoken in the time of its rung: the back end is too slow.
    fn give_up_call(&mut self, id: JobId) {
        let Some(call) = self.jobs.get(&id).and_then(|job| job.call) else { return };
        self.release(id, None);
        self.seats[call.backend.0].breaker.failed(self.now);
        self.actions.push(Action::Stop(id));
        if let Some(job) = self.jobs.get_mut(&id) {
            self.waiting.insert((job.ticket.priority, id));
            job.lower(Why::Waited);
        }
    }

    /// Ends work in whatever state it is.
    pub(super) fn end(&mut self, id: JobId, why: Why) {
        let spoke = self.jobs.get(&id).and_then(|job| job.call).is_some_and(|call| call.said.is_some());
        self.stop(id);
        self.close(id, if spoke { Close::Broken(why) } else { Close::Fallen(why) });
    }

    /// Starts work, or sends it down until it starts, waits or has fallen.
    fn place(&mut self, id: JobId) {
        while let Some(job) = self.jobs.get(&id) {
            match self.look(job) {
                Place::Free(backend) => return self.start(id, backend),
                Place::Later => return,
                Place::None(why) => {
                    let Some(job) = self.jobs.get_mut(&id) else { return };
                    if !job.lower(why) {
                        let first = job.lowered.unwrap_or(why);
                        return self.close(id, Close::Fallen(first));
                    }
                }
            }
        }
    }

    /// Returns what the rung of a piece of work has for it.
    fn look(&self, job: &Job) -> Place {
        let limit = job.limit(&self.settings);
        if limit <= self.now {
            return Place::None(Why::Waited);
        }
        let cost = job.cost();
        let affords = |customer| self.budgets.affords(customer, cost.total(), self.now);
        if job.rung.is_charged() && !job.ticket.customer.as_ref().is_none_or(affords) {
            return Place::None(Why::Budget);
        }
        let serving = self.seats.iter().enumerate().filter(|(_, seat)| seat.rungs.contains(&job.rung));
        let mut place = Place::None(Why::Unserved);
        for (at, seat) in serving {
            let backend = BackendId(at);
            let is_out = job.given_up.contains(&backend) || job.rejected.contains(&backend);
            let free_at = seat.paused_until.max(job.not_before);
            if is_out || !seat.breaker.admits(self.now) || free_at >= limit {
                if let Place::None(_) = place {
                    place = Place::None(Why::Failed);
                }
            } else if seat.used >= seat.permits || free_at > self.now {
                place = Place::Later;
            } else {
                return Place::Free(backend);
            }
        }
        place
    }

    fn start(&mut self, id: JobId, backend: BackendId) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.attempts += 1;
        let (attempt, cost) = (Attempt(job.attempts), job.cost());
        let reserved = cost.total();
        job.call = Some(Call { backend, attempt, reserved, prompt: cost.prompt, said: None });
        self.waiting.remove(&(job.ticket.priority, id));
        let seat = &mut self.seats[backend.0];
        seat.used += 1;
        seat.breaker.began();
        if let Some(customer) = job.ticket.customer.as_ref().filter(|_| job.rung.is_charged()) {
            self.budgets.take(customer, reserved, self.now);
        }
        let (rung, retried) = (job.rung, job.tries);
        self.actions.push(Action::Start { job: id, attempt, backend, rung, retried });
    }

    /// Takes the permit of a call back and charges what it cost: what the back end says, else what was read and said so far.
    pub(super) fn release(&mut self, id: JobId, used: Option<u32>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let Some(call) = job.call.take() else { return };
        self.seats[call.backend.0].used -= 1;
        if let Some(customer) = job.ticket.customer.as_ref().filter(|_| job.rung.is_charged()) {
            let used = used.unwrap_or_else(|| call.said.map_or(0, |said| call.prompt.saturating_add(said)));
            self.budgets.settle(customer, (call.reserved, used), self.now);
        }
    }

    /// Stops the call of a piece of work, if one runs: that says nothing about its back end.
    pub(super) fn stop(&mut self, id: JobId) {
        let Some(call) = self.jobs.get(&id).and_then(|job| job.call) else { return };
        self.release(id, None);
        let breaker = &mut self.seats[call.backend.0].breaker;
        match call.said {
            Some(_) => breaker.passed(),
            None => breaker.dropped(self.now),
        }
        self.actions.push(Action::Stop(id));
    }

    pub(super) fn close(&mut self, id: JobId, close: Close) {
        let lowered = self.jobs.get(&id).and_then(|job| job.lowered);
        self.forget(id);
        self.actions.push(Action::Close { job: id, close, lowered });
    }

    pub(super) fn forget(&mut self, id: JobId) {
        if let Some(job) = self.jobs.remove(&id) {
            self.waiting.remove(&(job.ticket.priority, id));
        }
    }
}

impl Job {
    /// Returns when its rung has to have spoken.
    fn limit(&self, settings: &Settings) -> Duration {
        let share = match self.rung {
            Rung::Full => settings.full_share,
            Rung::Short => settings.short_share,
            Rung::Extractive | Rung::Template | Rung::HandOff => return self.ticket.deadline,
        };
        self.since + self.ticket.deadline.saturating_sub(self.since).mul_f64(share.clamp(0.0, 1.0))
    }

    /// Returns what its rung may cost.
    fn cost(&self) -> Cost {
        match self.rung {
            Rung::Full => self.ticket.full,
            Rung::Short => self.ticket.short,
            Rung::Extractive | Rung::Template | Rung::HandOff => Cost::default(),
        }
    }

    /// Goes a rung down; false where back ends serve none below. A rung that is not served is no reason that anybody has to know.
    fn lower(&mut self, why: Why) -> bool {
        if why != Why::Unserved {
            self.lowered.get_or_insert(why);
        }
        let Some(below) = self.rung.below() else { return false };
        (self.rung, self.tries, self.not_before) = (below, 0, self.since);
        self.rejected.clear();
        true
    }
}
