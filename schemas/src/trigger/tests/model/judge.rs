//! What stands between a proposal and the customer, and what conditions say, counted by hand.

use super::*;

impl Model<'_> {
    /// Decides what is proposed at one moment.
    pub(super) fn arbitrate(&mut self, mut proposed: Vec<Open>) {
        let triggers = self.triggers;
        proposed.sort_by_key(|open| {
            let trigger = &triggers[open.trigger];
            (Reverse(trigger.policy.priority), open.entered, open.order, trigger.name.clone())
        });
        for open in proposed {
            self.decide(open);
        }
    }

    pub(super) fn decide(&mut self, mut open: Open) {
        let (place, key) = (open.trigger, open.key.clone());
        let trigger = &self.triggers[place];
        if let Some((verdict, reason)) = self.refusal(&open) {
            return self.say(place, &key, verdict, reason);
        }
        if let Some((reason, fits)) = self.obstacle(trigger) {
            if trigger.policy.on_cap == OnCap::Drop {
                return self.say(place, &key, Verdict::Suppressed, reason);
            }
            let first = open.first_deferred.unwrap_or(self.clock);
            let last = first + trigger.policy.max_defer;
            if self.clock >= last {
                return self.say(place, &key, Verdict::Expired, Reason::MaxDefer);
            }
            if open.first_deferred.is_none() {
                self.say(place, &key, Verdict::Deferred, reason);
            }
            open.first_deferred = Some(first);
            let until = fits.map_or(last, |fits| fits.min(last));
            self.open.push(Open { due: until, look: until, ..open });
            return;
        }
        if self.modes[place] == Mode::Shadow {
            return self.say(place, &key, Verdict::Withheld, Reason::Shadow);
        }
        self.sent.push(Sent { at: self.clock, trigger: place });
        self.say(place, &key, Verdict::Sent, Reason::Clear);
    }

    /// Returns what refuses a proposal for good.
    pub(super) fn refusal(&self, open: &Open) -> Option<(Verdict, Reason)> {
        let trigger = &self.triggers[open.trigger];
        let policy = &trigger.policy;
        let consented = match policy.category {
            Category::Service => true,
            Category::Marketing => {
                let assumed = self.contact.consent_assumed.contains(&Category::Marketing);
                self.consent.unwrap_or(assumed)
            }
        };
        let suppressed = |reason| Some((Verdict::Suppressed, reason));
        if self.clock - open.due > policy.max_age {
            Some((Verdict::Expired, Reason::MaxAge))
        } else if !self.holds(&trigger.when, open.n) {
            suppressed(Reason::Condition)
        } else if self.suppressed {
            suppressed(Reason::SuppressedCustomer)
        } else if self.case_open && !policy.despite_open_case {
            suppressed(Reason::OpenCase)
        } else if !consented {
            suppressed(Reason::NoConsent)
        } else if policy.category == Category::Marketing && self.contact.control_share > 0.0 {
            // Only 0 and 1 are made.
            Some((Verdict::Withheld, Reason::GlobalControl))
        } else if trigger.holdout > 0.0 {
            // Only 0 and 1 are made.
            Some((Verdict::Withheld, Reason::Holdout))
        } else {
            None
        }
    }

    /// Returns what stands against a proposal for a time, and until when.
    pub(super) fn obstacle(&self, trigger: &Trigger) -> Option<(Reason, Option<Timestamp>)> {
        let mut found: Option<(Reason, Option<Timestamp>)> = None;
        if trigger.policy.caps == CapRole::Counted {
            for cap in self.contact.caps.iter().filter(|cap| concerns(&cap.scope, trigger)) {
                let Some((reason, fits)) = self.used_up(cap) else { continue };
                // The one that frees a place last is the one in the way; one that never does is the last of all.
                let later = match (found.as_ref().map(|(_, fits)| fits), fits) {
                    (None, _) | (_, None) => true,
                    (Some(None), Some(_)) => false,
                    (Some(Some(known)), Some(fits)) => fits >= *known,
                };
                if later {
                    found = Some((reason, fits));
                }
            }
        }
        found.or_else(|| {
            let until = quiet_until(trigger.policy.quiet_hours?, self.zone, self.clock)?;
            Some((Reason::QuietHours, Some(until)))
        })
    }

    pub(super) fn used_up(&self, cap: &Cap) -> Option<(Reason, Option<Timestamp>)> {
        let used = |now: Timestamp, before: Timestamp| {
            let counted = self.sent.iter().filter(|sent| {
                let trigger = &self.triggers[sent.trigger];
                trigger.policy.caps != CapRole::Uncounted
                    && concerns(&cap.scope, trigger)
                    && sent.at > now - cap.within
                    && sent.at < before
            });
            counted.count() as u32
        };
        let end = self.clock + STEP;
        if used(self.clock, end) < cap.max {
            return None;
        }
        let reason = if used(self.clock, self.clock) < cap.max { Reason::Priority } else { Reason::Cap };
        let mut now = self.clock;
        while used(now, end) >= cap.max {
            if now > self.clock + cap.within {
                return Some((reason, None));
            }
            now = now + STEP;
        }
        Some((reason, Some(now)))
    }

    pub(super) fn holds(&self, condition: &Condition, n: Option<u8>) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().all(|part| self.holds(part, n)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part, n)),
            Condition::Not(inner) => !self.holds(inner, n),
            Condition::Count { event, within, compare } => {
                let from = self.clock - *within;
                let happened = self.history.iter().filter(|(at, name)| name == event && *at > from).count();
                compares(happened as f64, compare)
            }
            Condition::Event { .. } => about_event(condition, n),
            Condition::Profile { field, compare } => match field.path().as_str() {
                "open_case" => *compare == Compare::Eq(Value::Bool(self.case_open)),
                "cart.count" => compares(self.carts.count() as f64, compare),
                path => panic!("{path} is not made"),
            },
            Condition::Latch(crossing) => self.latches.contains(crossing),
            Condition::Score { head, compare } => {
                let known = self.known.iter().find(|(known, ..)| known == head);
                known.is_some_and(|(_, value, _)| compares(f64::from(*value), compare))
            }
        }
    }
}

/// Returns whether a condition counts events of a name or looks at the profile, which any event may change.
pub(super) fn reads(condition: &Condition, event: Option<&str>) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(|part| reads(part, event)),
        Condition::Not(inner) => reads(inner, event),
        Condition::Count { event: counted, .. } => Some(counted.as_str()) == event,
        Condition::Profile { .. } => true,
        Condition::Event { .. } | Condition::Latch(_) | Condition::Score { .. } => false,
    }
}

/// Returns whether a condition reads the score of any of these heads.
pub(super) fn reads_any(condition: &Condition, heads: Heads) -> bool {
    !condition.heads().common(heads).is_empty()
}

pub(super) fn concerns(scope: &CapScope, trigger: &Trigger) -> bool {
    match scope {
        CapScope::Any => true,
        CapScope::Category(category) => *category == trigger.policy.category,
        CapScope::Channel(channel) => *channel == trigger.action.channel,
    }
}

/// Returns whether the number of an event is as a filter wants it.
pub(super) fn about_event(filter: &Condition, n: Option<u8>) -> bool {
    match filter {
        Condition::All(parts) => parts.iter().all(|part| about_event(part, n)),
        Condition::Any(parts) => parts.iter().any(|part| about_event(part, n)),
        Condition::Not(inner) => !about_event(inner, n),
        Condition::Event { compare, .. } => n.is_some_and(|n| compares(f64::from(n), compare)),
        Condition::Count { .. }
        | Condition::Profile { .. }
        | Condition::Latch(_)
        | Condition::Score { .. } => panic!("not made"),
    }
}

pub(super) fn compares(number: f64, compare: &Compare) -> bool {
    match compare {
        Compare::Gte(bound) => number >= *bound,
        Compare::Lt(bound) => number < *bound,
        Compare::Eq(Value::Number(other)) => number == *other,
        Compare::Eq(_)
        | Compare::Ne(_)
        | Compare::Gt(_)
        | Compare::Lte(_)
        | Compare::In(_)
        | Compare::Exists
        | Compare::Missing => panic!("not made"),
    }
}
