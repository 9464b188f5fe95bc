//! Turns: gives a customer its steps, and follows what it did with them: what is to be held, asked, relayed, written.

use schemas::customer::{OutboxEntry, Urgency};
use schemas::ids::{CustomerId, Position};
use schemas::score::{Answer, Ask};

use super::alarms::{slot_of, start_of};
use super::entry::{Asked, Entry, InTurn, Out, Stage, State, min};
use super::{Core, Phase, SPARE_MAX};
use crate::partition::protocol::{Action, End, Io};
use crate::partition::turn::{Arm, CellId, Encode, Loaded, Step, Turn, Turned};
use crate::port::store::Row;

impl InTurn {
    fn of(steps: &[Step]) -> Self {
        let mut turn = InTurn::default();
        for step in steps {
            match step {
                Step::Record(record) => {
                    turn.first = turn.first.or(Some(record.position));
                    turn.last = Some(record.position);
                    turn.records += 1;
                }
                Step::Wake { entry, .. } => {
                    turn.wakes = true;
                    turn.alarms += usize::from(entry.is_some());
                }
                Step::Answer(answer) => turn.answers.push(answer.id),
                Step::Clear(numbers) => turn.clears.extend_from_slice(numbers),
                Step::Load { .. } => {}
            }
        }
        turn
    }
}

impl Core {
    /// The row of a loading customer was read.
    pub(super) fn row_read(&mut self, cell: CellId, customer: CustomerId, row: Option<Row>) {
        let Some(entry) = self.incarnation(cell) else { return };
        if entry.state != State::Loading {
            return;
        }
        if self.has_lost(&customer, row.as_ref()) {
            return self.end(End::StoreLostTail);
        }
        let entry = self.at(cell.index);
        entry.queue.insert(0, Step::Load { customer, row });
        entry.state = State::Idle;
        self.feed.loading -= 1;
        self.give_turn(cell.index);
    }

    /// Gives the customer at `index` a turn, when it is idle and there is something to do.
    pub(super) fn give_turn(&mut self, index: u32) {
        let encode = self.encode_of(index);
        let one_record = self.takes_one_record(index);
        let one_instant = self.settings.hold_for_score;
        let mut spare = || self.spare.pop().unwrap_or_default();
        let entry = self.entries[index as usize].as_deref_mut().expect("a turn is given to a live customer");
        if entry.state != State::Idle {
            return;
        }
        let steps = if one_instant {
            let mut steps = spare();
            entry.take_instant(&mut steps);
            steps
        } else if one_record {
            let mut steps = spare();
            let counts = |step: &Step| matches!(step, Step::Record(_) | Step::Wake { .. });
            let until = entry.queue.iter().position(counts).map_or(entry.queue.len(), |at| at + 1);
            steps.extend(entry.queue.drain(..until));
            steps
        } else {
            // An idle customer keeps no memory for steps.
            std::mem::take(&mut entry.queue)
        };
        if steps.is_empty() && !matches!(encode, Encode::Always(_)) {
            return self.keep_spare(steps);
        }
        entry.queue_first = first_record(&entry.queue);
        entry.turn = Some(InTurn::of(&steps));
        entry.state = State::Busy;
        let cell = CellId { index, incarnation: entry.incarnation };
        self.counts.turns += 1;
        self.busy += 1;
        self.actions.push(Action::Turn(Turn { cell, steps, encode }));
    }

    fn takes_one_record(&mut self, index: u32) -> bool {
        if self.feed.careful.is_empty() {
            return false;
        }
        let entry = self.entries[index as usize].as_ref().expect("a turn is given to a live customer");
        match self.feed.careful.get(&entry.customer) {
            Some(until) if entry.high_water < Some(*until) => true,
            Some(_) => {
                self.feed.careful.remove(&entry.customer.clone());
                false
            }
            None => false,
        }
    }

    fn encode_of(&mut self, index: u32) -> Encode {
        let draining = matches!(self.phase, Phase::Draining { .. });
        let renew = self.rules.replay_margin && !self.settings.replay_margin.is_zero();
        let from = start_of(self.lease_cursor());
        let until = self.now.wall + self.settings.timer_ahead;
        let codec = self.agreed.codec();
        let entry = self.at(index);
        let arm = Arm { from, until: until.max(from), renew: renew && !entry.own, codec };
        let wanted = entry.is_dirty() && (entry.wanted > Urgency::Clean || draining);
        match (&entry.sent, wanted) {
            (Some(_), _) => Encode::No,
            (None, true) => Encode::Always(arm),
            (None, false) => Encode::IfUrgent(arm),
        }
    }

    pub(super) fn keep_spare(&mut self, mut steps: Vec<Step>) {
        if self.spare.len() < SPARE_MAX && steps.capacity() > 0 {
            steps.clear();
            self.spare.push(steps);
        }
    }

    /// A customer answered its turn.
    pub(super) fn turned(&mut self, turned: Turned) {
        let index = turned.cell.index;
        let Some(entry) = self.incarnation(turned.cell) else { return };
        let Some(turn) = entry.turn.take() else { return };
        entry.state = State::Idle;
        let heavier = turned.weight as isize - entry.weight as isize;
        entry.weight = turned.weight;
        (entry.clock, entry.next_due) = (turned.clock, turned.next_due);
        self.weight = self.weight.saturating_add_signed(heavier);
        self.busy -= 1;
        self.feed.waiting -= turn.records as usize;
        self.keep_spare(turned.steps);
        self.counts.tally(&turned.effects.tally);
        if let Some(loaded) = turned.loaded {
            self.came_to_life(index, loaded);
        }
        let changed = self.note_records(index, &turn) | (turned.effects.urgency != Urgency::Clean);
        let answered = self.note_answers(index, &turn);
        if changed {
            self.mark_dirty(index);
            let entry = self.at(index);
            entry.dirty = min(entry.dirty, answered);
        }
        let entry = self.at(index);
        entry.outbox.retain(|out| !turn.clears.contains(&out.number));
        entry.links.extend(turned.effects.links);
        if turned.effects.urgency == Urgency::Urgent {
            entry.wanted = Urgency::Urgent;
        }
        self.note_outbox(index, turned.effects.outbox, &turn);
        self.note_withdrawn(index, &turned.effects.withdrawn);
        self.note_asks(index, turned.effects.asks);
        self.note_asking(index, turned.asking);
        self.note_alarms(index, &turn);
        if turn.wakes && !self.feed.strikes.is_empty() {
            let customer = self.at(index).customer.clone();
            self.feed.strikes.remove(&customer);
        }
        if let Some(encoded) = turned.encoded {
            self.encoded(index, encoded);
        }
        self.refresh_hold(index);
        self.settle_alarms(index);
        self.set_wheel(index);
        self.give_turn(index);
    }

    /// A row came to life. What an older epoch wrote is not acted on before it is written again (I7).
    fn came_to_life(&mut self, index: u32, loaded: Loaded) {
        let epoch = self.lease_epoch();
        if loaded.epoch > Some(epoch) {
            return self.end(End::LeaseLost);
        }
        let rewrite = self.rules.older_rows_rewritten;
        let entry = self.at(index);
        entry.own = loaded.epoch.is_none_or(|writer| writer == epoch) || !rewrite;
        entry.high_water = loaded.high_water;
        let (own, customer) = (entry.own, entry.customer.clone());
        if let Some(due) = loaded.indexed
            && loaded.epoch != Some(epoch)
            && self.timers.was_scanned(slot_of(due))
        {
            self.timers.alarms.add(due, customer);
        }
        let stage = if own { Stage::Queued } else { Stage::Waiting };
        if !own && !loaded.outbox.is_empty() {
            self.mark_dirty(index);
            self.at(index).wanted = Urgency::Urgent;
        }
        for entry in loaded.outbox {
            self.add_out(index, entry, stage);
        }
        self.note_asks(index, loaded.asks);
    }

    /// Follows the records of a turn; returns true when the row changed by one.
    fn note_records(&mut self, index: u32, turn: &InTurn) -> bool {
        let (Some(first), Some(last)) = (turn.first, turn.last) else { return false };
        let everything = self.rules.older_rows_without_outbox_rewritten;
        let entry = self.at(index);
        let high_water = entry.high_water;
        let applied = high_water < Some(last);
        if high_water >= Some(first) {
            // The row held this record already. What it holds of a timer and has not relayed is held by this record from now on.
            for out in &mut entry.outbox {
                out.cause = out.cause.or(Some(first));
            }
            if !entry.own && (everything || !entry.outbox.is_empty()) {
                entry.dirty = min(entry.dirty, Some(first));
                if !entry.is_dirty() {
                    self.mark_dirty(index);
                }
            }
        }
        let entry = self.at(index);
        if applied {
            entry.high_water = Some(last);
            entry.dirty = min(entry.dirty, Some(first));
        }
        applied
    }

    /// Follows the answers of a turn; returns what held their questions. That holds the row from now on, if an answer changed it: one
    /// that comes behind a newer question's changes nothing, and is nothing to be written.
    fn note_answers(&mut self, index: u32, turn: &InTurn) -> Option<Position> {
        let holds = self.rules.position_waits_for_score;
        let entry = self.at(index);
        let mut held = None;
        for id in &turn.answers {
            if let Some(at) = entry.asks.iter().position(|ask| ask.id == *id) {
                held = min(held, entry.asks.swap_remove(at).hold);
            }
        }
        held.filter(|_| holds)
    }

    /// Follows new outbox entries: each is held by the record that caused it. What a timer caused is held by the timer's alarm, and
    /// while the row that set the timer is not durable, so that no index entry need cover it, by that row's records as well.
    fn note_outbox(&mut self, index: u32, entries: Vec<OutboxEntry>, turn: &InTurn) {
        if entries.is_empty() {
            return;
        }
        let (covered, unheld) = (self.rules.uncovered_timer_held, !self.rules.position_waits_for_score);
        let stage = if self.rules.relay_after_row { Stage::Waiting } else { Stage::Queued };
        for mut entry in entries {
            let known = self.at(index);
            let row = min(known.dirty, known.sent.and_then(|sent| sent.first));
            entry.cause = match entry.cause {
                Some(cause) if unheld && turn.first.is_none_or(|first| cause < first) => None,
                Some(cause) => Some(cause),
                None if covered => row,
                None => None,
            };
            self.add_out(index, entry, stage);
        }
    }

    /// Follows an erase: what it took out of the outbox is not relayed any more, unless it is under way.
    fn note_withdrawn(&mut self, index: u32, numbers: &[u64]) {
        if !numbers.is_empty() {
            self.at(index).outbox.retain(|out| !numbers.contains(&out.number));
        }
    }

    fn add_out(&mut self, index: u32, entry: OutboxEntry, stage: Stage) {
        // What lies before the confirmed position cannot hold it any more.
        let cause = entry.cause.filter(|cause| *cause >= self.lease_position());
        let since = entry.cause.map_or(self.now.boot, |cause| self.read_at(cause));
        let known = self.at(index);
        let cell = CellId { index, incarnation: known.incarnation };
        let (number, at) = (entry.number, known.clock);
        known.outbox.push(Out { number, cause, since, at, stage, body: Some(entry.body) });
        if stage == Stage::Queued {
            self.queue_relay(cell, number);
        }
    }

    fn note_asks(&mut self, index: u32, asks: Vec<Ask>) {
        for ask in asks {
            let confirmed = self.lease_position();
            let deadline = self.settings.score_deadline;
            let entry = self.at(index);
            let row = min(entry.dirty, entry.sent.and_then(|sent| sent.first));
            let hold = Some(ask.id.position).filter(|position| *position >= confirmed).or(row);
            entry.asks.push(Asked { id: ask.id, hold });
            let cell = CellId { index, incarnation: entry.incarnation };
            self.counts.asks += 1;
            self.act(Io::Score { cell, ask, deadline });
        }
    }

    /// A score came.
    pub(super) fn scored(&mut self, cell: CellId, answer: Answer) {
        let Some(entry) = self.incarnation(cell) else { return };
        if entry.asks.iter().any(|ask| ask.id == answer.id) {
            entry.queue.push(Step::Answer(answer));
            self.give_turn(cell.index);
        }
    }

    /// Returns the customer of a cell, if it is still that incarnation.
    pub(super) fn incarnation(&mut self, cell: CellId) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(cell.index as usize)?.as_deref_mut()?;
        (entry.incarnation == cell.incarnation).then_some(entry)
    }

    /// The same, for looking.
    pub(super) fn seen(&self, cell: CellId) -> Option<&Entry> {
        let entry = self.entries.get(cell.index as usize)?.as_deref()?;
        (entry.incarnation == cell.incarnation).then_some(entry)
    }
}

pub(super) fn first_record(steps: &[Step]) -> Option<Position> {
    steps.iter().find_map(|step| match step {
        Step::Record(record) => Some(record.position),
        Step::Load { .. } | Step::Wake { .. } | Step::Answer(_) | Step::Clear(_) => None,
    })
}
