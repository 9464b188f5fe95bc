//! What a ledger entry means for an attempt that a dispatcher has at hand.

use schemas::decision::OutcomeStatus;

use crate::port::store::{LedgerEntry, LedgerState};

/// Whose a reservation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// This dispatcher's.
    Own,
    /// That of another, which may have crashed or still be at it.
    Foreign,
}

/// Where an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The ledger has nothing of the outreach.
    Absent,
    /// The attempt before came back: this one may be reserved.
    Free,
    /// Reserved; where the channel is idempotent, a call may have been made.
    Reserved(Whose),
    /// A call of an at-most-once channel may have been made.
    Calling(Whose),
    /// It is over.
    Over(OutcomeStatus),
    /// A later attempt is in the ledger: this one was reported long ago.
    Passed,
    /// An earlier attempt is in the ledger and was not given back: the row cannot have asked for this one from what is there.
    OutOfStep,
}

/// Returns where `attempt` stands for the dispatcher that is called `nonce` in the ledger.
pub(super) fn standing(attempt: u32, nonce: u128, entry: Option<&LedgerEntry>) -> Standing {
    let Some(entry) = entry else { return Standing::Absent };
    let held = entry.outreach.attempt;
    let whose = if entry.reserver == nonce { Whose::Own } else { Whose::Foreign };
    if held > attempt {
        return Standing::Passed;
    }
    match &entry.state {
        LedgerState::Reserved if held == attempt => Standing::Reserved(whose),
        LedgerState::Calling if held == attempt => Standing::Calling(whose),
        LedgerState::Returned(status) if held == attempt => Standing::Over(status.clone()),
        LedgerState::Returned(_) if held.checked_add(1) == Some(attempt) => Standing::Free,
        // Done is done, whichever attempt it was.
        LedgerState::Done(status) => Standing::Over(status.clone()),
        LedgerState::Reserved | LedgerState::Calling | LedgerState::Returned(_) => Standing::OutOfStep,
    }
}
