//! The shop of the world of talk: messages, agents, and answers of a pool.

use schemas::conversation::{Answered, Change, Ownership, Question, Rung, Said, Speaker, Spoken, Talk};
use schemas::ids::{CustomerId, PartitionId};
use schemas::record::{RecordKind, encode_talk};
use smol_str::format_smolstr;

use crate::world::{STEP, State, trace};

/// Partitions of the log.
pub const PARTITIONS: u32 = 1;
/// How long an answer is waited for before it is asked for again. Units: ms.
pub const ANSWERED_WITHIN: i64 = 30 * STEP;
/// Customers.
const USERS: [&str; 2] = ["uma", "ned"];
/// Records that the shop appends in a run.
const RECORDS_MAX: usize = 30;

/// Appends what a customer or an agent does; a message now and then twice, as clients repeat it.
pub fn shop(state: &mut State) {
    let number = state.told;
    if number >= RECORDS_MAX {
        return;
    }
    state.told += 1;
    let user = CustomerId::user(USERS[state.chance.below(USERS.len())]);
    let agent = "Marie".into();
    let talk = match state.chance.below(10) {
        0 | 1 => Talk::Ownership(Ownership { change: Change::TakeOver, agent }),
        2 => Talk::Ownership(Ownership { change: Change::HandBack, agent }),
        3 => Talk::Spoken(Spoken { message: format_smolstr!("m{number}"), agent, text: words(number) }),
        _ => Talk::Said(Said {
            message: format_smolstr!("m{number}"),
            text: words(number),
            lang: "en".into(),
            proved: false,
        }),
    };
    let times = if state.chance.below(8) == 0 { 2 } else { 1 };
    for _ in 0..times {
        append(state, &user, &talk);
    }
}

/// Appends the answer of the pool: what it quotes is what the customer had written last when it was asked.
pub fn answer(state: &mut State, question: &Question) {
    let quoted = question.turns.iter().rev().find(|turn| turn.speaker == Speaker::Customer);
    let talk = Talk::Answered(Answered {
        attempt: question.id.attempt,
        epoch: question.id.epoch,
        text: quoted.map_or_else(String::new, |turn| format!("to: {}", turn.text)),
        sources: Vec::new(),
        rung: Rung::Extractive,
        backend: "pool".into(),
    });
    append(state, &question.customer, &talk);
}

fn words(number: usize) -> String {
    format!("<{number}>")
}

fn append(state: &mut State, user: &CustomerId, talk: &Talk) {
    let partition = PartitionId::of(user.as_str(), PARTITIONS);
    let body = encode_talk(talk);
    let at = state.partition(partition).log.len();
    trace!(state, "events[{at}] of {user}: {}", String::from_utf8_lossy(&body));
    state.append_event(partition, user.as_str().into(), RecordKind::Talk, body);
}
