//! Rules of the protocol taken away (`ops/chaos --without RULE`), and accidents put in ([`Faults`], `ops/chaos --inject FAULTS`), in builds that
//! show what each rule is for. The product is built without this.

mod faults;

use actors::dispatcher::settings::Rules as DispatcherRules;
use actors::node::NodeRules;
use actors::partition::settings::Rules as OwnerRules;
use anyhow::{Result, bail};
use schemas::customer::rules::{RowRules, SlotRule};
use schemas::rulebook::Rulebook;

pub use faults::Faults;

/// Takes a rule of the row away.
type TakeAway = fn(&mut RowRules);

/// Rules of the row whose lack shows when engines follow each other.
const ROW_RULES: &[(&str, TakeAway)] = &[
    ("high_water_mark", |rules| rules.high_water_mark = false),
    ("slots", |rules| rules.slots = SlotRule::Salted(u64::from(std::process::id()))),
];

/// Takes rules away by name; several with commas between them.
///
/// Errors: there is no rule of a name; the message names all.
pub fn take_away(names: &str, node: &mut NodeRules, book: &mut Rulebook) -> Result<()> {
    for name in names.split(',') {
        let owner = OwnerRules::NAMED.iter().find(|(rule, _)| *rule == name);
        let dispatcher = DispatcherRules::NAMED.iter().find(|(rule, _)| *rule == name);
        let row = ROW_RULES.iter().find(|(rule, _)| *rule == name);
        match (owner, dispatcher, row) {
            (Some((_, take)), _, _) => take(&mut node.partition),
            (_, Some((_, take)), _) => take(&mut node.dispatcher),
            (_, _, Some((_, take))) => take(&mut book.rules),
            (None, None, None) => bail!("there is no rule {name:?}; there are {}", all().join(", ")),
        }
    }
    Ok(())
}

/// Returns the names of all rules.
fn all() -> Vec<&'static str> {
    let owner = OwnerRules::NAMED.iter().map(|(name, _)| *name);
    let dispatcher = DispatcherRules::NAMED.iter().map(|(name, _)| *name);
    owner.chain(dispatcher).chain(ROW_RULES.iter().map(|(name, _)| *name)).collect()
}
