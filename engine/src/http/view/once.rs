//! Requests that change something, done once however often they are sent: by the header `Idempotency-Key`.
//!
//! A process remembers what it answered. Another process, or the same after a restart, does not: there the request is done anew, and what
//! is done by it has to bear that. Source: draft-ietf-httpapi-idempotency-key-header.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use super::super::problem::Refusal;
use super::asked::malformed;

/// Answers that are remembered.
const REMEMBERED: usize = 1_000;

/// How long they are remembered.
const FOR: Duration = Duration::from_secs(24 * 3_600);

/// Longest key. Units: bytes.
const KEY_MAX: usize = 200;

/// Requests that were done, or are under way. The oldest first.
#[derive(Default)]
pub(super) struct Once(Mutex<VecDeque<Done>>);

struct Done {
    key: u128,
    /// What was asked.
    body: u128,
    at: Duration,
    /// None while it is under way.
    answer: Option<String>,
}

/// How a request goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// It is to be done; what is answered, or that nothing was, is to be said under this number.
    New(u128),
    /// It was done, and this was answered.
    Before(String),
}

impl Once {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Done>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a request.
    ///
    /// Errors: it has no key, or too long a one · it is under way · another was sent with the key · too many are under way.
    pub(super) fn begin(&self, key: Option<&str>, body: &[u8], boot: Duration) -> Result<Begun, Refusal> {
        let key = key.filter(|key| !key.is_empty() && key.len() <= KEY_MAX).ok_or_else(|| {
            let legal =
                "is needed; legal: 1 to 200 characters that name this request and no other, a UUID say";
            malformed("Idempotency-Key", legal.to_owned())
        })?;
        let (key, body) = (xxh3_128(key.as_bytes()), xxh3_128(body));
        let mut done = self.lock();
        done.retain(|one| one.answer.is_none() || boot.saturating_sub(one.at) < FOR);
        if let Some(before) = done.iter().find(|one| one.key == key) {
            return match &before.answer {
                _ if before.body != body => Err(Refusal::OtherRequest),
                None => Err(Refusal::UnderWay),
                Some(answer) => Ok(Begun::Before(answer.clone())),
            };
        }
        if done.len() >= REMEMBERED {
            let oldest = done.iter().position(|one| one.answer.is_some()).ok_or(Refusal::Busy)?;
            done.remove(oldest);
        }
        done.push_back(Done { key, body, at: boot, answer: None });
        Ok(Begun::New(key))
    }

    /// Ends a request: with its answer, or with nothing where it failed and may be sent again.
    pub(super) fn end(&self, key: u128, answer: Option<String>) {
        let mut done = self.lock();
        match (answer, done.iter().position(|one| one.key == key)) {
            (Some(answer), Some(place)) => done[place].answer = Some(answer),
            (None, Some(place)) => drop(done.remove(place)),
            (Some(_) | None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn new(once: &Once, key: &str) -> u128 {
        match once.begin(Some(key), b"{}", NOW) {
            Ok(Begun::New(number)) => number,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_is_done_once_and_answered_alike() {
        let once = Once::default();
        let number = new(&once, "k");
        assert_eq!(once.begin(Some("k"), b"{}", NOW), Err(Refusal::UnderWay));
        once.end(number, Some("done".to_owned()));
        assert_eq!(once.begin(Some("k"), b"{}", NOW), Ok(Begun::Before("done".to_owned())));
        assert_eq!(once.begin(Some("k"), b"{ }", NOW), Err(Refusal::OtherRequest));
        assert!(matches!(once.begin(Some("k"), b"{ }", NOW + FOR), Ok(Begun::New(_))), "a day later");
    }

    #[test]
    fn one_that_failed_may_be_sent_again() {
        let once = Once::default();
        let number = new(&once, "k");
        once.end(number, None);
        new(&once, "k");
    }

    #[test]
    fn a_key_is_needed_and_has_a_bound() {
        for bad in [None, Some(""), Some(&*"x".repeat(201))] {
            let refused = Once::default().begin(bad, b"", NOW);
            assert!(
                matches!(refused, Err(Refusal::Malformed { field: "Idempotency-Key", .. })),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn the_oldest_answer_is_forgotten_and_nothing_that_is_under_way() {
        let once = Once::default();
        let first = new(&once, "0");
        for n in 1..REMEMBERED {
            let number = new(&once, &n.to_string());
            once.end(number, Some(String::new()));
        }
        new(&once, "more");
        assert_eq!(once.begin(Some("0"), b"{}", NOW), Err(Refusal::UnderWay));
        assert!(matches!(once.begin(Some("1"), b"{}", NOW), Ok(Begun::New(_))));
        once.end(first, None);
    }
}
