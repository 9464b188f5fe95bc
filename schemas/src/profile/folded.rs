//! What a fold reports and what reading answers: small values, no logic of the profile.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::customer::Link;
use crate::score::Head;

/// A count and whether a bound may have made it too small or a lost duplicate check too large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The count.
    pub n: u64,
    /// True when it is known to be incomplete or doubtful.
    pub partial: bool,
}

/// What became of an event in the fold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Folded in full; triggers may act on it.
    #[default]
    Applied,
    /// Too old to act on: totals took it where that is exact, nothing may fire.
    Late,
    /// Its message id was seen within 24 hours: nothing changed.
    Duplicate,
}

/// What an event did to the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionChange {
    /// It is no activity of the shopper, or too old for the session.
    #[default]
    Untouched,
    /// It opened a session.
    Started,
    /// It prolonged the open session.
    Continued,
}

/// What one fold changed, for triggers, the link index and re-scoring.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    /// Applied, late or duplicate.
    pub standing: Standing,
    /// Key of the cart the event is about, resolved through the open cart, the checkout or the order when the event has none.
    pub cart: Option<SmolStr>,
    /// Id of the order the event is about.
    pub order: Option<SmolStr>,
    /// It is the first that is heard of its order.
    pub opens_order: bool,
    /// What happened to the session.
    pub session: SessionChange,
    /// A consent was given or withdrawn.
    pub consent_changed: bool,
    /// Heads that the event is reason enough to ask again, as far as they apply.
    pub moved: Heads,
    /// Values that newly lead to this customer.
    pub links: Vec<Link>,
}

/// A set of heads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Heads(u8);

impl Heads {
    /// No head.
    pub const NONE: Heads = Heads(0);
    /// Every head.
    pub const ALL: Heads = Heads::of(&Head::ALL);
    /// Heads that look at one visit.
    pub const VISIT: Heads = Heads::of(&[Head::CartAbandonment, Head::PurchaseIntent]);
    /// Heads that look at a relation over months.
    pub const RELATION: Heads = Heads::of(&[Head::Churn, Head::Return, Head::Complaint]);

    /// Returns the set of these heads.
    pub const fn of(heads: &[Head]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < heads.len() {
            bits |= 1 << heads[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    /// Returns true when the head is in the set.
    pub const fn contains(self, head: Head) -> bool {
        self.0 & (1 << head as u8) != 0
    }

    /// Returns true when no head is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the heads of both sets.
    pub const fn union(self, other: Heads) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the heads that are in both sets.
    pub const fn common(self, other: Heads) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the set without the heads of another.
    pub const fn without(self, other: Heads) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns the heads in the order of [`Head::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Head> {
        Head::ALL.into_iter().filter(move |head| self.contains(*head))
    }
}

impl FromIterator<Head> for Heads {
    fn from_iter<T: IntoIterator<Item = Head>>(heads: T) -> Self {
        heads.into_iter().fold(Heads::NONE, |all, head| all.union(Heads::of(&[head])))
    }
}

/// What a customer said about being contacted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Said yes.
    Granted,
    /// Said no.
    Denied,
    /// Said nothing; never to be read as yes.
    #[default]
    Unknown,
}

impl Consent {
    /// Returns the name used in triggers and decisions.
    pub fn as_str(self) -> &'static str {
        match self {
            Consent::Granted => "granted",
            Consent::Denied => "denied",
            Consent::Unknown => "unknown",
        }
    }
}

/// Where a fact about a customer is from, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The context of the customer's latest event that has it.
    Context,
    /// The traits of an identify call.
    Traits,
    /// What is usual in the customer's country.
    Country,
    /// The shop's default.
    #[default]
    Default,
}

/// A fact with its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sourced<'a> {
    /// The fact.
    pub value: &'a str,
    /// Where it is from.
    pub from: Origin,
}
