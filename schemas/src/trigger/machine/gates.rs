//! What stands between a proposal and the customer, in this order: its age, `when`, suppression, an open case, consent, the control
//! group, the control arm, caps, quiet hours. The first that refuses is the reason on record.
//!
//! - A case that is open holds every category back: whoever writes a trigger that may speak into it says so (`despite_open_case`).
//! - Marketing needs consent granted, where the shop did not take an unknown one as given. Service needs none, but what a customer
//!   has denied holds.
//! - The control group gets nothing but service. A control arm is told apart before caps and quiet hours, so that they do not decide
//!   who is compared with whom.
//! - Caps and quiet hours pass by themselves: they hold a proposal, all others end it.

use super::arbiter::Proposal;
use super::chance::{is_held_out, is_in_control};
use super::quiet::quiet_until;
use super::{Ending, Machine};
use crate::decision::{Category, Reason, Verdict};
use crate::profile::consent::MARKETING;
use crate::profile::{Consent, Profile};
use crate::rulebook::{Cap, CapScope, ContactPolicy};
use crate::time::Timestamp;
use crate::trigger::spec::{CapRole, Trigger};
use crate::trigger::state::Send;

/// Purpose of service messages in what customers say about consent.
const SERVICE: &str = "service";

/// What the gates say.
pub(super) enum Ruling {
    /// Nothing stands against it.
    Pass,
    /// It ends.
    End,
    /// Something that passes by itself stands against it, until then; `None` when no instant can be told.
    Hold { fits: Option<Timestamp> },
}

/// What the gates say, and what goes on record if it ends so.
pub(super) struct Weighed {
    pub(super) ruling: Ruling,
    pub(super) ending: Ending,
}

/// A gate that ends a proposal.
struct Refusal {
    verdict: Verdict,
    reason: Reason,
    /// Share of customers that it refuses by hash.
    share: f64,
}

impl Refusal {
    /// A refusal that is no matter of chance.
    fn certain(verdict: Verdict, reason: Reason) -> Self {
        Self { verdict, reason, share: 1.0 }
    }
}

/// A gate that holds it.
struct Obstacle {
    reason: Reason,
    fits: Option<Timestamp>,
}

impl Machine<'_> {
    /// Holds a proposal against every gate.
    pub(super) fn weigh(&self, trigger: &Trigger, proposal: &Proposal) -> Weighed {
        let mut conditions = Vec::new();
        let holds = trigger.when.explain(self.scene(&proposal.instance.facts), &mut conditions);
        let scores = trigger.when.heads().iter();
        let scores = scores.filter_map(|head| Some((head, self.profile.score(head)?.clone()))).collect();
        let mut ending = Ending { conditions, scores, ..Ending::new(Verdict::Sent, Reason::Clear) };
        let refusal = self
            .too_old(trigger, proposal)
            .or_else(|| (!holds).then_some(Refusal::certain(Verdict::Suppressed, Reason::Condition)))
            .or_else(|| self.unwanted(trigger))
            .or_else(|| self.held_out(trigger));
        if let Some(Refusal { verdict, reason, share }) = refusal {
            (ending.verdict, ending.reason, ending.propensity) = (verdict, reason, share);
            return Weighed { ruling: Ruling::End, ending };
        }
        // Whatever becomes of it now, it is in no control arm.
        ending.propensity = (1.0 - self.control_share(trigger)) * (1.0 - trigger.holdout);
        if let Some(Obstacle { reason, fits }) = self.capped(trigger).or_else(|| self.quiet(trigger)) {
            (ending.verdict, ending.reason) = (Verdict::Suppressed, reason);
            return Weighed { ruling: Ruling::Hold { fits }, ending };
        }
        Weighed { ruling: Ruling::Pass, ending }
    }

    fn too_old(&self, trigger: &Trigger, proposal: &Proposal) -> Option<Refusal> {
        let old = self.now > proposal.since + trigger.policy.max_age;
        old.then_some(Refusal::certain(Verdict::Expired, Reason::MaxAge))
    }

    fn unwanted(&self, trigger: &Trigger) -> Option<Refusal> {
        let policy = &trigger.policy;
        let reason = if self.profile.suppressed() {
            Reason::SuppressedCustomer
        } else if self.profile.open_case() && !policy.despite_open_case {
            Reason::OpenCase
        } else if !consents(self.profile, policy.category, &trigger.action.channel, &self.book.policy.contact)
        {
            Reason::NoConsent
        } else {
            return None;
        };
        Some(Refusal::certain(Verdict::Suppressed, reason))
    }

    fn held_out(&self, trigger: &Trigger) -> Option<Refusal> {
        let control = self.control_share(trigger);
        let verdict = Verdict::Withheld;
        if is_in_control(self.customer, self.now, control) {
            return Some(Refusal { verdict, reason: Reason::GlobalControl, share: control });
        }
        let share = (1.0 - control) * trigger.holdout;
        let held_out = is_held_out(&trigger.name, self.customer, trigger.holdout);
        held_out.then_some(Refusal { verdict, reason: Reason::Holdout, share })
    }

    /// Returns the share of customers that are in the control group, as far as this trigger is concerned.
    fn control_share(&self, trigger: &Trigger) -> f64 {
        match trigger.policy.category {
            Category::Service => 0.0,
            Category::Marketing => self.book.policy.contact.control_share,
        }
    }

    /// Returns the cap that frees a place last, of those that have none.
    fn capped(&self, trigger: &Trigger) -> Option<Obstacle> {
        match trigger.policy.caps {
            CapRole::Counted => {}
            CapRole::Exempt | CapRole::Uncounted => return None,
        }
        let caps = self.book.policy.contact.caps.iter();
        let used_up = caps.filter(|cap| counts(cap, trigger)).filter_map(|cap| self.used_up(cap));
        // A cap that never frees a place is the last of all.
        used_up.max_by_key(|obstacle| (obstacle.fits.is_none(), obstacle.fits))
    }

    fn used_up(&self, cap: &Cap) -> Option<Obstacle> {
        let within = |send: &&Send| send.at > self.now - cap.within && cap_counts(cap, send);
        let sends = self.state.sends();
        let used = sends.iter().filter(within).count();
        let max = usize::try_from(cap.max).unwrap_or(usize::MAX);
        let surplus = used.checked_sub(max)?;
        let before = sends.iter().filter(within).filter(|send| send.at < self.now).count();
        let reason = if before < max { Reason::Priority } else { Reason::Cap };
        let frees = sends.iter().filter(within).nth(surplus);
        Some(Obstacle { reason, fits: frees.map(|send| send.at + cap.within) })
    }

    fn quiet(&self, trigger: &Trigger) -> Option<Obstacle> {
        let hours = trigger.policy.quiet_hours?;
        let until = quiet_until(hours, self.profile.zone().value, self.now)?;
        Some(Obstacle { reason: Reason::QuietHours, fits: Some(until) })
    }
}

/// Returns whether a customer may be contacted for this purpose on a channel, by what the customer said about it.
pub fn consents(profile: &Profile, category: Category, channel: &str, contact: &ContactPolicy) -> bool {
    let (purpose, assumed) = match category {
        Category::Service => (SERVICE, true),
        Category::Marketing => (MARKETING, contact.consent_assumed.contains(&category)),
    };
    match profile.consent(purpose, channel) {
        Consent::Granted => true,
        Consent::Unknown => assumed,
        Consent::Denied => false,
    }
}

/// Returns whether a cap concerns what the trigger sends.
fn counts(cap: &Cap, trigger: &Trigger) -> bool {
    match &cap.scope {
        CapScope::Any => true,
        CapScope::Category(category) => *category == trigger.policy.category,
        CapScope::Channel(channel) => *channel == trigger.action.channel,
    }
}

fn cap_counts(cap: &Cap, send: &Send) -> bool {
    match &cap.scope {
        CapScope::Any => true,
        CapScope::Category(category) => *category == send.category,
        CapScope::Channel(channel) => *channel == send.channel,
    }
}
