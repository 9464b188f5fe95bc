//! `care customer ID`: everything that is known of one customer.

mod sections;

use std::io::Write;

use actors::port::store::LedgerEntry;
use anyhow::{Context, Result};
use clap::Args;
use schemas::customer::Customer;
use schemas::decision::Decision;
use schemas::ids::CustomerId;
use schemas::rulebook::Rulebook;
use schemas::time::Timestamp;
use serde_json::{Value, json};

use super::suggest::find_or_suggest;
use super::{DataDir, Outcome, Output, Overrides, look, out};
use crate::app::{self, OpenWorld};
use crate::dump::as_value;
use crate::known::{Found, OfHead, heads, outreach_of};
use crate::model::Registry;

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
    let Found { customer, alias } = find_or_suggest(&world.ports, &arguments.id).await?;
    let id = customer.id().clone();
    let decisions = store.read_decisions(id.clone(), None, arguments.limit).await;
    let outreach = outreach_of(store, &customer, arguments.limit).await?;
    let decisions = decisions.context("failed to read decisions")?;
    let (now, data_dir) = (world.now(), arguments.data.again());
    let heads = heads(&customer, book, now);
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
