//! Dispatchers of the simulated partition, one of them the group's: ledger, channel call, commit, each a step of its own.

use schemas::decision::Outreach;
use schemas::ids::{Epoch, OutreachId, Position};
use schemas::record::RecordKind;
use schemas::value::Value;

use crate::world::{Call, State, trace};

/// Rules of the dispatcher that can be taken away.
#[derive(Clone, Copy, Debug)]
pub struct DispatchRules {
    /// Records of a lower epoch behind a higher epoch record are ignored (I7).
    pub lower_epochs_ignored: bool,
    /// The highest epoch seen is committed with the position (I7).
    pub epoch_kept: bool,
}

/// One dispatcher.
pub struct Dispatcher {
    pub alive: bool,
    id: usize,
    position: usize,
    epoch: Epoch,
    stage: Stage,
}

enum Stage {
    Read,
    Call(Call),
    Settle(OutreachId),
    Advance,
}

impl Dispatcher {
    pub fn new(state: &mut State, rules: DispatchRules) -> Self {
        state.dispatcher += 1;
        let epoch = if rules.epoch_kept { state.dispatched.epoch } else { Epoch(0) };
        let position = state.dispatched.position.0 as usize;
        Self { alive: true, id: state.dispatcher, position, epoch, stage: Stage::Read }
    }

    pub fn step(&mut self, state: &mut State, rules: DispatchRules) {
        match std::mem::replace(&mut self.stage, Stage::Read) {
            Stage::Read => self.read(state, rules),
            Stage::Call(call) => {
                trace!(
                    state,
                    "dispatcher {} calls {}[{}] body {}", self.id, call.trigger, call.position, call.body
                );
                self.stage = Stage::Settle(call.id);
                state.calls.push(call);
            }
            Stage::Settle(id) => {
                if let Some(entry) = state.ledger.get_mut(&id) {
                    entry.1 = true;
                }
                self.stage = Stage::Advance;
            }
            Stage::Advance => {
                self.position += 1;
                if state.chance.percent(50) {
                    self.commit(state);
                }
            }
        }
    }

    fn read(&mut self, state: &mut State, rules: DispatchRules) {
        let Some(record) = state.outreach.get(self.position).cloned() else { return self.commit(state) };
        let epoch = record.epoch.unwrap_or_default();
        self.epoch = self.epoch.max(epoch);
        let ignored = rules.lower_epochs_ignored && epoch < self.epoch;
        if record.kind == RecordKind::Epoch || ignored {
            self.position += 1;
            return;
        }
        let outreach: Outreach =
            serde_json::from_slice(&record.body).expect("the core writes outreach as JSON");
        let Some(Value::Number(body)) = outreach.facts.get("body") else { return };
        let entry = state.ledger.entry(outreach.id).or_insert((*body as u64, false));
        if entry.1 {
            self.position += 1;
            return;
        }
        // What is sent is the body that was reserved first.
        let body = entry.0;
        let trigger = outreach.trigger.to_string();
        self.stage = Stage::Call(Call { id: outreach.id, trigger, position: outreach.slot.position.0, body });
    }

    fn commit(&self, state: &mut State) {
        if self.id == state.dispatcher {
            state.dispatched.position = Position(self.position as u64);
            state.dispatched.epoch = self.epoch;
        }
    }
}
