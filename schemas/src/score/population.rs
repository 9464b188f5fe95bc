//! Populations: of which customers a head is asked. Outside of it there is nothing to say: no cart can be abandoned where there is
//! none, and who bought nothing for half a year has left, whatever a model of customers would guess.

use super::head::Head;
use crate::profile::{Heads, Profile};
use crate::time::{Span, Timestamp};

/// How long after an order a relation is taken to last.
pub const RELATION_MAX: Span = Span::days(180);

/// Returns whether a head says something of a customer at `now`: of a cart while the current one has items, of a purchase while a
/// session is open, of churn and returns for [`RELATION_MAX`] after an order, of complaints then and while a case is open.
pub fn applies(head: Head, profile: &Profile, now: Timestamp) -> bool {
    match head {
        Head::CartAbandonment => profile.carts().current(now).is_some_and(|cart| cart.items() > 0),
        Head::PurchaseIntent => profile.sessions().open().is_some_and(|session| now <= session.ends),
        Head::Churn | Head::Return => is_related(profile, now),
        Head::Complaint => profile.open_case() || is_related(profile, now),
    }
}

/// Returns the heads that apply at `now`.
pub fn population(profile: &Profile, now: Timestamp) -> Heads {
    Head::ALL.into_iter().filter(|head| applies(*head, profile, now)).collect()
}

/// Returns the next instant after `now` at which a head may begin or cease to apply by time alone. The end of a session is none: the
/// profile has its own timer for it.
pub fn changes(head: Head, profile: &Profile, now: Timestamp) -> Option<Timestamp> {
    let at = match head {
        Head::CartAbandonment => profile.carts().current(now).filter(|cart| cart.items() > 0)?.expires(),
        Head::PurchaseIntent => return None,
        Head::Churn | Head::Return | Head::Complaint => {
            let last = profile.orders().last()?;
            // An order of another row, merged from a partition whose time is ahead.
            if last > now { last } else { last + RELATION_MAX }
        }
    };
    Some(at).filter(|at| *at > now)
}

fn is_related(profile: &Profile, now: Timestamp) -> bool {
    profile.orders().last().is_some_and(|last| last <= now && now < last + RELATION_MAX)
}
