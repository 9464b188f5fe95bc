//! Version 2 of the row: before heads had schedules. Read only.
//!
//! Parts that are shared with today's row have not changed since.

use serde::Deserialize;

use crate::customer::outbox::Outbox;
use crate::customer::row::{Customer, Rare};
use crate::customer::scoring::Asking;
use crate::ids::{CustomerId, Position};
use crate::profile::Profile;
use crate::time::Timestamp;
use crate::trigger::TriggerState;

/// The row.
#[derive(Deserialize)]
pub(super) struct Row {
    id: CustomerId,
    high_water: Option<Position>,
    heard: Position,
    clock: Timestamp,
    indexed: Option<Timestamp>,
    profile: Profile,
    outbox: Outbox,
    asking: Asking,
    rare: Option<Box<Rare>>,
    triggers: TriggerState,
}

impl From<Row> for Customer {
    fn from(row: Row) -> Self {
        Customer {
            id: row.id,
            high_water: row.high_water,
            heard: row.heard,
            clock: row.clock,
            indexed: row.indexed,
            profile: row.profile,
            outbox: row.outbox,
            asking: row.asking,
            rescore: None,
            rare: row.rare,
            triggers: row.triggers,
            thread: None,
        }
    }
}
