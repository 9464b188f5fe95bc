//! Dead letters, and another try for them.
//!
//! Letters lie in a topic without an index, so a view reads the newest places of each partition, one partition at a time, and one view at a
//! time. Older letters are `care dead-letters`' to list and to try again.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use schemars::JsonSchema;
use schemas::ids::{PartitionId, Position};
use serde::{Deserialize, Serialize};

use super::answers::{Time, unavailable};
use super::asked::{Asked, malformed, parts};
use super::once::Begun;
use super::{Known, Views};
use crate::dead_letters::{self, Lying, Repeat, Retried};
use crate::http::problem::Refusal;

/// Places of each partition that are looked at: letters, and notes of tries.
const PLACES: u64 = 2_000;

/// What is shown of a body. Units: characters.
const BODY_SHOWN: usize = 2_000;

/// Dead letters.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Letters {
    /// Newest first.
    letters: Vec<Letter>,
    /// Where the list goes on, as parameter `cursor`; none at its end.
    next: Option<String>,
    /// Letters that were looked at, by reason.
    reasons: BTreeMap<String, u64>,
    /// Those of them that were tried again.
    retried: u64,
    /// The newest places of each partition are looked at, so many.
    places: u64,
    /// There are none before these.
    complete: bool,
}

/// A record that could not be handled.
#[derive(Debug, Serialize, JsonSchema)]
struct Letter {
    /// Partition of its topic, and its place there: what names it.
    partition: u32,
    letter: u64,
    /// Log time of the record.
    at: Time,
    /// Short name of the reason.
    reason: String,
    /// The field, what is wrong with it, what would be legal.
    message: String,
    /// Where the record was read.
    topic: String,
    position: u64,
    key: String,
    kind: String,
    /// Version of the engine that refused it.
    build: String,
    /// The beginning of the record.
    body: String,
    /// There is more of it.
    cut: bool,
    /// It was tried again.
    retried: bool,
    /// How often its record had been tried again before it became this letter.
    tries: u64,
}

/// Which letters are to be tried again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Replay {
    /// Every one that was not tried before.
    #[serde(default)]
    all: bool,
    /// Those of this reason.
    reason: Option<String>,
    /// Those of this partition.
    partition: Option<u32>,
    /// The one at this place of the partition.
    letter: Option<u64>,
    /// Also those whose records were tried and refused again before.
    #[serde(default)]
    again: bool,
}

/// What became of letters that were to be tried again.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Replayed {
    /// Put back into care.events.
    retried: u64,
    /// There already, by an earlier try.
    before: u64,
    /// Left alone: tried before, and refused again.
    repeated: u64,
    /// Those that cannot be tried again, by why.
    refused: BTreeMap<String, u64>,
}

impl Views {
    /// Returns dead letters.
    ///
    /// Errors: a parameter is refused · others look at them · the log does not answer.
    pub(super) async fn letters(&self, asked: &Asked<'_>) -> Result<Letters, Refusal> {
        let query = asked.query(&["reason", "partition", "limit", "cursor"])?;
        let (limit, reason) = (query.limit()?, query.get("reason"));
        let last = self.known.ports.source.partitions() - 1;
        let partition = query.number("partition", 0..=last)?;
        let after = query.cursor(of_place)?;
        let _turn = self.letters.try_acquire().map_err(|_| Refusal::Busy)?;
        let mut found = Letters {
            letters: Vec::new(),
            next: None,
            reasons: BTreeMap::new(),
            retried: 0,
            places: PLACES,
            complete: true,
        };
        let mut kept: Vec<Lying> = Vec::new();
        for of in (0..=last).filter(|of| partition.is_none_or(|partition| partition == *of)) {
            let read = dead_letters::read_newest(&self.known.ports, PartitionId(of), PLACES).await;
            let read = read.map_err(unavailable)?;
            found.complete &= read.is_complete();
            for lying in read.letters {
                *found.reasons.entry(lying.letter.reason.clone()).or_default() += 1;
                found.retried += u64::from(lying.retried);
                let wanted = reason.is_none_or(|reason| reason == lying.letter.reason)
                    && after.is_none_or(|after| place(&lying) < after);
                if wanted {
                    kept.push(lying);
                }
            }
            kept.sort_by_key(|lying| std::cmp::Reverse(place(lying)));
            kept.truncate(limit + 1);
        }
        if kept.len() > limit {
            kept.truncate(limit);
            let [at, partition, letter] = place(&kept[limit - 1]);
            found.next = Some(format!("{at}.{partition}.{letter}"));
        }
        found.letters = kept.iter().map(Letter::of).collect();
        Ok(found)
    }

    /// Tries letters again. What was begun goes on when the client goes away.
    ///
    /// Errors: the body is refused · no key names the request · others look at letters · the log does not answer.
    pub(super) async fn replay(&self, asked: &Asked<'_>) -> Result<HttpResponse, Refusal> {
        asked.query(&[])?;
        let (body, replay) = asked.body::<Replay>()?;
        let partitions = self.known.ports.source.partitions();
        replay.check(partitions)?;
        let key = asked.header("Idempotency-Key");
        let key = match self.once.begin(key, body, self.clock().boot())? {
            Begun::Before(answer) => return Ok(answered(answer)),
            Begun::New(key) => key,
        };
        let (known, once, letters) = (self.known.clone(), self.once.clone(), self.letters.clone());
        let trying = actix_web::rt::spawn(async move {
            let tried = match letters.try_acquire() {
                Ok(_turn) => replay.run(&known).await,
                Err(_) => Err(Refusal::Busy),
            };
            let answer = tried.map(|tried| {
                serde_json::to_string(&Replayed::from(tried)).expect("numbers by texts are JSON")
            });
            once.end(key, answer.as_ref().ok().cloned());
            answer
        });
        trying.await.unwrap_or(Err(Refusal::Unavailable)).map(answered)
    }
}

/// Returns the place that a cursor names.
fn of_place(cursor: &str) -> Option<[i64; 3]> {
    let text = format!("{cursor}.");
    let (place, rest) = parts(&text)?;
    rest.is_empty().then_some(place)
}

fn answered(answer: String) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(answer)
}

/// Returns what orders letters.
fn place(lying: &Lying) -> [i64; 3] {
    [lying.letter.stamp.0, i64::from(lying.partition.0), lying.place.0 as i64]
}

impl Letter {
    fn of(lying: &Lying) -> Self {
        let letter = &lying.letter;
        let body: String = letter.body.chars().take(BODY_SHOWN).collect();
        Self {
            partition: lying.partition.0,
            letter: lying.place.0,
            at: letter.stamp.into(),
            reason: letter.reason.clone(),
            message: letter.message.clone(),
            topic: letter.topic.clone(),
            position: letter.position.0,
            key: letter.key.clone(),
            kind: letter.kind.as_str().to_owned(),
            build: letter.build.clone(),
            cut: body.len() < letter.body.len(),
            body,
            retried: lying.retried,
            tries: lying.tries,
        }
    }
}

impl Replay {
    fn check(&self, partitions: u32) -> Result<(), Refusal> {
        if self.partition.is_some_and(|partition| partition >= partitions) {
            return Err(malformed("partition", format!("is none; legal: 0 to {}", partitions - 1)));
        }
        if self.letter.is_some() && self.partition.is_none() {
            return Err(malformed("letter", "is a place in a partition; partition is needed".to_owned()));
        }
        let is_narrow = self.reason.is_some() || self.partition.is_some();
        match (self.all, is_narrow) {
            (true, false) | (false, true) => Ok(()),
            (true, true) | (false, false) => Err(malformed(
                "body",
                "says which letters; legal: all as true, or else one or more of reason, partition, letter"
                    .to_owned(),
            )),
        }
    }

    async fn run(&self, known: &Known) -> Result<Retried, Refusal> {
        let (ports, repeat) = (&known.ports, if self.again { Repeat::OnceMore } else { Repeat::Once });
        let mut sum = Retried::default();
        let of = |partition: &u32| self.partition.is_none_or(|of| of == *partition);
        for partition in (0..ports.source.partitions()).filter(of).map(PartitionId) {
            let letters = dead_letters::read_newest(ports, partition, PLACES).await.map_err(unavailable)?;
            if self.letter.is_some() && !letters.letters.iter().any(|lying| self.wants(lying)) {
                return Err(Refusal::Unknown {
                    field: "letter",
                    message: "is no letter's place; /api/v1/dead-letters lists them".to_owned(),
                });
            }
            let chosen = (|lying: &Lying| self.wants(lying), repeat);
            sum.add(dead_letters::retry(ports, &letters, chosen, |_| {}).await.map_err(unavailable)?);
        }
        Ok(sum)
    }

    fn wants(&self, lying: &Lying) -> bool {
        self.reason.as_ref().is_none_or(|reason| *reason == lying.letter.reason)
            && self.letter.is_none_or(|letter| Position(letter) == lying.place)
    }
}

impl From<Retried> for Replayed {
    fn from(tried: Retried) -> Self {
        let Retried { retried, before, repeated, refused } = tried;
        let refused = refused.into_iter().map(|(why, letters)| (why.to_owned(), letters)).collect();
        Self { retried, before, repeated, refused }
    }
}
