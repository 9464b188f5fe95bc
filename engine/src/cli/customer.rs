//! `care customer ID`: everything that is known of one customer.

mod heads;
mod sections;

pub(super) use sections::stage;

use heads::OfHead;

use std::io::Write;

use actors::port::store::{LedgerEntry, LedgerState};
use anyhow::{Context, Result};
use clap::Args;
use schemas::customer::Customer;
use schemas::decision::{Decision, OutcomeStatus};
use schemas::ids::CustomerId;
use schemas::rulebook::Rulebook;
use schemas::time::Timestamp;
use serde_json::{Value, json};

use super::lookup::{self, Found};
use super::{DataDir, Outcome, Output, Overrides, look, out};
use crate::app::{self, OpenWorld};
use crate::dump::as_value;
use crate::model::Registry;
use crate::words::Instant;

/// Options of `care customer`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care customer shopper-1 --data-dir data
  care customer anon:visitor-4 --data-dir data --json

The id is a userId as the shop sends it, or anon: and an anonymousId. An id that
became an alias leads to its user.")]
pub struct Arguments {
    /// Customer id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    data: DataDir,
    /// Decisions and outreach shown, the newest ones
    #[arg(long, default_value_t = 10, value_name = "N")]
    limit: usize,
}

/// What is shown of a customer.
struct Shown {
    customer: Customer,
    alias: Option<CustomerId>,
    /// Newest first.
    decisions: Vec<Decision>,
    /// Newest first.
    outreach: Vec<LedgerEntry>,
    /// What is known of its risk.
    heads: Vec<OfHead>,
    /// Models that may have said so.
    models: Registry,
    /// Log time of the folder.
    now: Timestamp,
    /// The option that names the folder, as it was given.
    data_dir: String,
}

/// Entries of one customer's ledger that are looked at for the newest.
const LEDGER_MAX: usize = 10_000;

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.data(&arguments.data).load()?.settings;
    let book = app::rulebook(&settings)?;
    let models = settings.predictor.registry(&settings.data.dir);
    let shown = look(&settings, async |world: &OpenWorld| read(world, (&book, models), arguments).await)?;
    match output {
        Output::Json => out::json(&shown.json()?, out)?,
        Output::Text => sections::print(&shown, out)?,
    }
    Ok(Outcome::Good)
}

async fn read(
    world: &OpenWorld,
    (book, models): (&Rulebook, Registry),
    arguments: &Arguments,
) -> Result<Shown> {
    let store = &world.ports.store;
    let Found { customer, alias } = lookup::find(&world.ports, &arguments.id).await?;
    let id = customer.id().clone();
    let decisions = store.read_decisions(id.clone(), None, arguments.limit).await;
    let mut outreach = Vec::new();
    for origin in customer.merged().iter().chain([&id]) {
        let of_origin = store.scan_ledger(Some(origin.clone()), LEDGER_MAX).await;
        outreach.extend(of_origin.context("failed to read the ledger")?);
    }
    outreach.sort_by_key(|entry| std::cmp::Reverse((entry.outreach.at, entry.outreach.id)));
    outreach.truncate(arguments.limit);
    let decisions = decisions.context("failed to read decisions")?;
    let (now, data_dir) = (world.now(), arguments.data.again());
    let heads = heads::of(&customer, book, now);
    Ok(Shown { customer, alias, decisions, outreach, heads, models, now, data_dir })
}

impl Shown {
    fn json(&self) -> Result<Value> {
        let customer = &self.customer;
        let mut value = as_value(customer)?;
        value["asked_as"] = json!(self.alias);
        value["merged"] = json!(customer.merged());
        value["erased"] = json!(customer.is_tombstone());
        value["heads"] = as_value(&self.heads)?;
        value["next_due"] = json!(customer.next_due());
        value["decisions"] = as_value(&self.decisions)?;
        value["outreach"] = as_value(&self.outreach)?;
        Ok(value)
    }
}

/// Returns in words what became of an outreach.
pub(super) fn state_of(entry: &LedgerEntry) -> String {
    let status = |status: &OutcomeStatus| match status {
        OutcomeStatus::Delivered => "delivered".to_owned(),
        OutcomeStatus::Withheld(reason) => format!("withheld: {}", reason.as_str()),
        OutcomeStatus::Failed => "refused by the channel".to_owned(),
        OutcomeStatus::RetryAt(at) => format!("to be tried again from {}", Instant(*at)),
    };
    match &entry.state {
        LedgerState::Reserved => "reserved".to_owned(),
        LedgerState::Calling => "being called; whether it arrived is unknown".to_owned(),
        LedgerState::Returned(of) | LedgerState::Done(of) => status(of),
    }
}
