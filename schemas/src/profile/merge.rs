//! Merging: the profile of an anonymous shopper becomes part of that of the customer who turned out to be the same person.

use super::Profile;

impl Profile {
    /// Unites this profile of an identified customer with that of an anonymous one. Their events are disjoint, so counters add
    /// up; carts and orders are united by id; a consent that stands here holds against any that comes along; first and last seen
    /// are the earliest and the latest; a suppression of either holds; of two scores of a head the later one does.
    pub fn merge(&mut self, other: Profile) {
        self.first_seen = self.first_seen.into_iter().chain(other.first_seen).min();
        self.last_seen = self.last_seen.max(other.last_seen);
        self.last_active = self.last_active.max(other.last_active);
        self.suppressed |= other.suppressed;
        self.home = self.home.or(other.home);
        self.ring.merge(other.ring);
        self.counters.merge(other.counters);
        self.days.merge(other.days);
        self.sessions.merge(other.sessions);
        self.carts.merge(other.carts);
        self.orders.merge(other.orders);
        self.consents.merge(other.consents, self.identified);
        self.place.merge(other.place);
        self.traits.merge(other.traits);
        self.cases.merge(other.cases);
        for (ours, theirs) in self.outreach.iter_mut().zip(other.outreach) {
            *ours = (*ours).max(theirs);
        }
        for (head, score) in other.scores {
            if self.score(head).is_none_or(|ours| ours.at < score.at) {
                self.set_score(head, score);
            }
        }
        self.identified |= other.identified;
        self.close_ordered_carts();
    }

    /// Takes everything out, for another customer's profile, and leaves only the message ids: an event that is sent again is still
    /// known here.
    pub fn take(&mut self) -> Profile {
        let ring = self.ring.clone();
        std::mem::replace(self, Profile { ring, ..Profile::default() })
    }

    /// Forgets everything: the state of a customer of whom nothing was ever told.
    pub fn erase(&mut self) {
        *self = Self::default();
    }

    /// Closes carts that one side kept open and the other saw ordered.
    fn close_ordered_carts(&mut self) {
        let ordered: Vec<_> = self
            .orders
            .latest()
            .iter()
            .filter_map(|order| Some((order.cart.clone()?, order.placed)))
            .collect();
        for (key, placed) in ordered {
            if self.carts.get(&key, placed).is_some_and(|cart| cart.changed <= placed) {
                self.carts.close(&key);
            }
        }
    }
}
