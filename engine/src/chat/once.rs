//! Which tokens have opened a session: a token opens one, for one page.
//!
//! *Replayed* is a token whose id has opened a session already, shown by another page. A page makes a random number when it is loaded and
//! shows it with the token, so that a request whose answer was lost can be made again. What was used is remembered until it has expired, in
//! this process. What was made before the process began is not known to be unused, and is refused: the page asks the shop for a new one.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use schemas::time::{Span, Timestamp};

use super::token::Proof;

/// Tokens that are remembered, at most: an hour of 270 pages a second.
const REMEMBERED_MAX: usize = 1_000_000;

/// A token is remembered so long behind its end: as long as a clock that goes late may still take it.
const SKEW: Span = Span::seconds(60);

/// Why a token opens no session, though it is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Another page has used it.
    #[error("has opened a session of another page; every page needs a token of its own")]
    Replayed,
    /// It is older than this process.
    #[error(
        "was made before this server started, which does not know whether it was used; ask the shop for a new one"
    )]
    TooOld,
    /// Too many are remembered.
    #[error("cannot be taken now: too many sessions were opened within the hour")]
    Full,
}

/// Remembers tokens.
pub struct Once {
    since: Timestamp,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    /// Page by id of the token.
    pages: HashMap<String, String>,
    /// When to forget which.
    ends: BTreeSet<(Timestamp, String)>,
}

impl Once {
    /// Returns a memory that begins now.
    pub fn since(now: Timestamp) -> Self {
        // Tokens tell their time in whole seconds, mostly.
        Self { since: Timestamp(now.0 - now.0.rem_euclid(1_000)), used: Mutex::default() }
    }

    /// Lets a page use a token, or not.
    pub fn take(&self, proof: &Proof, page: &str, now: Timestamp) -> Result<(), Refused> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.forget(now);
        match used.pages.get(&proof.id) {
            Some(first) if first == page => Ok(()),
            Some(_) => Err(Refused::Replayed),
            None if proof.made < self.since => Err(Refused::TooOld),
            None if used.pages.len() >= REMEMBERED_MAX => Err(Refused::Full),
            None => {
                used.pages.insert(proof.id.clone(), page.to_owned());
                used.ends.insert((proof.ends + SKEW, proof.id.clone()));
                Ok(())
            }
        }
    }
}

impl Used {
    fn forget(&mut self, now: Timestamp) {
        while self.ends.first().is_some_and(|(end, _)| *end < now) {
            let (_, id) = self.ends.pop_first().expect("there is a first");
            self.pages.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::ids::CustomerId;

    use super::*;

    fn proof(id: &str, made_s: i64) -> Proof {
        let (made, ends) = (Timestamp(made_s * 1_000), Timestamp((made_s + 600) * 1_000));
        Proof { customer: CustomerId::user("ada"), id: id.to_owned(), made, ends }
    }

    #[test]
    fn a_token_opens_one_session_whoever_shows_it_next_is_refused_and_the_same_page_may_ask_again() {
        let once = Once::since(Timestamp(100_900));
        let now = Timestamp(101_000);
        assert_eq!(once.take(&proof("t", 100), "page-1", now), Ok(()));
        assert_eq!(once.take(&proof("t", 100), "page-1", now), Ok(()), "its answer was lost");
        assert_eq!(once.take(&proof("t", 100), "page-2", now), Err(Refused::Replayed));
        assert_eq!(once.take(&proof("u", 100), "page-2", now), Ok(()));
        let last = Timestamp(760_000);
        assert_eq!(
            once.take(&proof("t", 100), "page-2", last),
            Err(Refused::Replayed),
            "still good somewhere"
        );
    }

    #[test]
    fn what_this_process_cannot_know_is_refused_and_what_has_expired_is_forgotten() {
        let once = Once::since(Timestamp(100_900));
        assert_eq!(once.take(&proof("t", 99), "page-1", Timestamp(101_000)), Err(Refused::TooOld));
        for id in 0..1_000 {
            let made = 100 + id;
            let taken = once.take(&proof(&id.to_string(), made), "page", Timestamp(made * 1_000));
            assert_eq!(taken, Ok(()));
        }
        let used = once.used.lock().expect("nobody panics with it");
        assert!(used.pages.len() < 700 && used.pages.len() == used.ends.len(), "{}", used.pages.len());
    }
}
