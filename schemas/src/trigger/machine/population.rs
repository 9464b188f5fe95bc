//! Heads that apply no more: what was said of them is withdrawn.
//!
//! The score goes, latches of the head are free as if it had fallen below their threshold, a condition that reads the score is looked
//! at, and what waited for an answer waits no more: its condition reads no score.

use super::Machine;
use crate::profile::Heads;
use crate::trigger::state::Stage;

impl Machine<'_> {
    /// Returns the heads of the rulebook that apply now, of these.
    pub(super) fn asked(&self, heads: Heads) -> Heads {
        heads.common(self.book.heads_in_force()).common(self.applying)
    }

    /// Withdraws what was said of heads that do not apply, and returns of which something was.
    pub(super) fn withdraw(&mut self) -> Heads {
        let applying = self.applying;
        let gone = self.profile.keep_scores(applying);
        let Some(parts) = self.state.existing() else { return gone };
        let set: Heads = parts.latches.0.iter().map(|latch| latch.head).collect();
        parts.latches.0.retain(|latch| applying.contains(latch.head));
        for instance in &mut parts.instances {
            if let Stage::Proposed { awaits: Some(heads), .. } = &mut instance.stage {
                *heads = heads.common(applying);
            }
        }
        gone.union(set.without(applying))
    }

    /// Looks at the entry conditions that read the score of any of these heads.
    pub(super) fn watch_scores(&mut self, heads: Heads) {
        for head in heads.iter() {
            for place in self.book.triggers.watching_score(head) {
                self.watch(place);
            }
        }
    }
}
