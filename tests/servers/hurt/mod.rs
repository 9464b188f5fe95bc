//! Engines and servers that are killed, stalled, cut off, moved and rolled out under load. `ops/test` runs these behind all
//! others, one after the other: what else a machine does would be felt as one more fault.

mod chaos;
mod outage;
mod rebalance;
mod upgrade;
mod zombie;
