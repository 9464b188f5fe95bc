//! The command line: one file per command. A new one is a file, and an arm in [`Command`] and in [`run`].
//!
//! Commands that read a data folder open it themselves, so they need the engine that uses it stopped; the error says so. Topics and tables
//! are read while engines run. Every answer goes to standard output, everything else to standard error.

mod bar;
mod days;
mod out;
mod suggest;

pub mod ask;
pub mod backup;
pub mod channels;
pub mod check_config;
pub mod customer;
pub mod dead_letters;
pub mod dump;
pub mod evaluate;
pub mod experiment;
pub mod export;
pub mod import;
pub mod keys;
pub mod live;
pub mod migrate;
pub mod models;
pub mod openapi;
pub mod replay;
pub mod restore;
pub mod serve;
pub mod shop;
pub mod simulate;
pub mod token;
pub mod topics;
pub mod train;
pub mod trigger;
pub mod upgrade;
pub mod version;
pub mod why;

use std::future::Future;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::app::OpenWorld;
use crate::observe::{self, Traces};
use crate::settings::{Layers, Loaded, Origin, Settings, environment, load};
use crate::words::Printable;

/// Decides from a shop's events when to speak to a customer first, and tells why.
#[derive(Debug, Parser)]
#[command(name = "care", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

const EXAMPLES: &str = "\
Examples, in a clone of the repository:
  care replay ops/demo-data/shop.jsonl --format segment-jsonl --data-dir data
  care customer shopper-1 --data-dir data
  care why shopper-1 cart-idle --data-dir data
  care trigger lint engine/triggers
  care ask 'Do you deliver to Switzerland?' --knowledge ops/demo-data/knowledge
  care models list --data-dir data

Settings: engine/default.toml documents every key. --config FILE overrides single
keys, CARE__SECTION__KEY in the environment overrides the file, and options
override both. `care check-config` prints what is in force.

Exit status: 0 done, 1 failed or faults found, 2 wrong usage.";

/// What can be done.
#[derive(Debug, Subcommand)]
enum Command {
    /// Plays event files through the engine, and says what became of every row
    Replay(replay::Arguments),
    /// Runs the engine as a service: reads, decides and sends until it is told to stop
    Serve(serve::Arguments),
    /// Opens a simulated shop in front of a running engine: events, pages and questions over HTTP
    Shop(shop::Arguments),
    /// Runs the engine on a simulated shop whose shoppers react to what it sends
    Live(live::Arguments),
    /// Compares ways to choose whom to contact, by what a simulated shop knows
    Experiment(experiment::Arguments),
    /// Writes the events of a simulated shop, and apart from them what is true of its shoppers
    Simulate(simulate::Arguments),
    /// Shows everything that is known of one customer
    Customer(customer::Arguments),
    /// Tells why a trigger did or did not reach a customer, condition by condition
    Why(why::Arguments),
    /// Answers one question as a conversation would, with what it rests on
    Ask(ask::Arguments),
    /// Checks trigger files
    Trigger(trigger::Arguments),
    /// Shows the trained models, and chooses which one answers for a head
    Models(models::Arguments),
    /// Learns a model from event files, and says what it is worth
    Train(train::Arguments),
    /// Judges a model by what customers did behind a date
    Evaluate(evaluate::Arguments),
    /// Lists records that could not be handled and why, and tries them again
    DeadLetters(dead_letters::Arguments),
    /// Makes, lists and revokes the keys of the HTTP server
    Keys(keys::Arguments),
    /// Signs who reads a page of the shop, to try the chat as a customer
    Token(token::Arguments),
    /// Lists what delivers outreach, and opens webhooks again that are disabled
    Channels(channels::Arguments),
    /// Prints the OpenAPI document of the HTTP server
    Openapi(openapi::Arguments),
    /// Makes or updates the tables of the store on CQL servers
    Migrate(migrate::Arguments),
    /// Makes and checks the topics on Kafka, and shows where they stand
    Topics(topics::Arguments),
    /// Copies the data folder as it is at one instant, also while an engine works in it
    Backup(backup::Arguments),
    /// Makes a data folder of a backup
    Restore(restore::Arguments),
    /// Writes the shop of a stopped engine for `care import`
    Export(export::Arguments),
    /// Moves an exported shop into an empty store and log
    Import(import::Arguments),
    /// Shows where the roll-out of a new row codec stands, and brings it to its end
    Upgrade(upgrade::Arguments),
    /// Checks settings and triggers, all faults at once, and prints what is in force
    CheckConfig(check_config::Arguments),
    /// Prints version and build
    Version,
    /// Prints everything that a data folder holds, one line of JSON each, to compare two runs by
    #[command(hide = true)]
    Dump(dump::Arguments),
}

/// Options of every command.
#[derive(Debug, Args)]
struct Global {
    /// Settings above the defaults (TOML)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer for machines: JSON on standard output
    #[arg(long, global = true)]
    json: bool,
}

/// Where a command finds the data.
#[derive(Debug, Args)]
pub struct DataDir {
    /// Folder of log, customers, decisions and ledger [default: data.dir of the settings]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl DataDir {
    /// Returns the option as it was given, for a command that is suggested.
    fn again(&self) -> String {
        self.data_dir.as_ref().map_or(String::new(), |dir| format!(" --data-dir {}", dir.display()))
    }
}

/// Which triggers a command runs or tells of.
#[derive(Debug, Args)]
pub struct TriggerDir {
    /// Folder of trigger files [default: triggers.dir of the settings, else the ready triggers].
    #[arg(long, value_name = "DIR")]
    triggers: Option<PathBuf>,
}

/// For whom a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// How a command ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is wrong.
    Good,
    /// What it looked at has faults; they are told already.
    Bad,
}

/// What lies above the settings of default.toml: file, environment, options.
#[derive(Debug)]
pub struct Overrides {
    config: Option<PathBuf>,
    options: Vec<(&'static str, String)>,
}

impl Overrides {
    /// Adds an option of the command line, if it was given.
    pub fn option(mut self, key: &'static str, value: Option<impl ToString>) -> Self {
        self.options.extend(value.map(|value| (key, value.to_string())));
        self
    }

    /// Adds the options about data and triggers.
    fn folders(self, data: &DataDir, triggers: &TriggerDir) -> Self {
        self.data(data).option("triggers.dir", triggers.triggers.as_ref().map(|path| path.display()))
    }

    /// Adds the option about data.
    fn data(self, data: &DataDir) -> Self {
        self.option("data.dir", data.data_dir.as_ref().map(|path| path.display()))
    }

    /// Reads the settings and starts the log as they say.
    ///
    /// Errors: every fault of every layer.
    pub fn load(self) -> Result<Loaded> {
        let loaded = self.read()?;
        // What a command does is told by its answer, not by traces.
        let of =
            observe::Settings { traces_endpoint: String::new(), ..loaded.settings.observability.clone() };
        observe::start(&of)?;
        Ok(loaded)
    }

    /// Reads the settings and starts log and traces, which end with what is returned: of a command whose work a service does, too.
    ///
    /// Errors: as [`Overrides::load`] · traces cannot be sent as the settings say.
    pub fn load_traced(self) -> Result<(Settings, Traces)> {
        let settings = self.read()?.settings;
        let traces = observe::start(&settings.observability)?;
        Ok((settings, traces))
    }

    /// Reads the settings and starts the log of a service, whose life is told where nothing else is said, and its traces, which end with
    /// what is returned.
    ///
    /// Errors: as [`Overrides::load`] · traces cannot be sent as the settings say.
    pub fn load_for_service(self) -> Result<(Settings, Traces)> {
        let mut loaded = self.read()?;
        if loaded.effective["observability.log"].origin == Origin::Default {
            loaded.settings.observability.log = SERVICE_LOG.to_owned();
        }
        let traces = observe::start(&loaded.settings.observability)?;
        Ok((loaded.settings, traces))
    }

    fn read(self) -> Result<Loaded> {
        let layers =
            Layers { file: self.config.as_deref(), environment: environment(), options: self.options };
        Ok(load(&layers)?)
    }
}

/// Runs a command.
pub fn run(cli: Cli) -> Result<Outcome> {
    let Cli { command, global } = cli;
    let output = if global.json { Output::Json } else { Output::Text };
    let overrides = Overrides { config: global.config, options: Vec::new() };
    let stdout = io::BufWriter::new(io::stdout().lock());
    let mut out: Box<dyn Write> = match (output, &command) {
        (Output::Json, _) | (_, Command::Dump(_)) => Box::new(stdout),
        (Output::Text, _) => Box::new(Printable::new(stdout)),
    };
    let outcome = match command {
        Command::Replay(arguments) => replay::run(&arguments, overrides, output, &mut out),
        Command::Serve(arguments) => serve::run(&arguments, overrides, output, &mut out),
        Command::Shop(arguments) => shop::run(&arguments, overrides, output, &mut out),
        Command::Live(arguments) => live::run(&arguments, overrides, output, &mut out),
        Command::Experiment(arguments) => experiment::run(&arguments, overrides, output, &mut out),
        Command::Simulate(arguments) => simulate::run(&arguments, output, &mut out),
        Command::Customer(arguments) => customer::run(&arguments, overrides, output, &mut out),
        Command::Why(arguments) => why::run(&arguments, overrides, output, &mut out),
        Command::Ask(arguments) => ask::run(&arguments, overrides, output, &mut out),
        Command::Trigger(arguments) => trigger::run(&arguments, overrides, output, &mut out),
        Command::Models(arguments) => models::run(&arguments, overrides, output, &mut out),
        Command::Train(arguments) => train::run(&arguments, overrides, output, &mut out),
        Command::Evaluate(arguments) => evaluate::run(&arguments, overrides, output, &mut out),
        Command::DeadLetters(arguments) => dead_letters::run(&arguments, overrides, output, &mut out),
        Command::Keys(arguments) => keys::run(&arguments, overrides, output, &mut out),
        Command::Token(arguments) => token::run(&arguments, overrides, output, &mut out),
        Command::Channels(arguments) => channels::run(&arguments, overrides, output, &mut out),
        Command::Openapi(arguments) => openapi::run(&arguments, output, &mut out),
        Command::Migrate(arguments) => migrate::run(&arguments, overrides, output, &mut out),
        Command::Topics(arguments) => topics::run(&arguments, overrides, output, &mut out),
        Command::Backup(arguments) => backup::run(&arguments, overrides, output, &mut out),
        Command::Restore(arguments) => restore::run(&arguments, overrides, output, &mut out),
        Command::Export(arguments) => export::run(&arguments, overrides, output, &mut out),
        Command::Import(arguments) => import::run(&arguments, overrides, output, &mut out),
        Command::Upgrade(arguments) => upgrade::run(&arguments, overrides, output, &mut out),
        Command::CheckConfig(arguments) => check_config::run(&arguments, overrides, output, &mut out),
        Command::Version => version::run(output, &mut out),
        Command::Dump(arguments) => dump::run(&arguments, overrides, &mut out),
    };
    out.flush()?;
    outcome
}

/// What a service logs where nothing is set: its life, and what has to be looked at; not every delivery, and no libraries' lives.
const SERVICE_LOG: &str = "info,care::outreach=warn,actix_server=warn,scylla=warn";

/// Returns true when a command failed only because nobody reads its output any more.
pub fn reader_is_gone(error: &anyhow::Error) -> bool {
    let broken = |cause: &io::Error| cause.kind() == ErrorKind::BrokenPipe;
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(broken)
}

/// Runs what waits for the ports, on this thread.
fn wait_for<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    actix::System::new().block_on(future)
}

/// Opens the world of the settings to look at it, and leaves it again.
fn look<T>(settings: &Settings, look: impl AsyncFnOnce(&OpenWorld) -> Result<T>) -> Result<T> {
    wait_for(async {
        let world = OpenWorld::to_look(settings).await?;
        let found = look(&world).await;
        world.leave().await;
        found
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_sound_and_every_command_has_help() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        for sub in command.get_subcommands() {
            assert!(sub.get_about().is_some(), "{} has no help", sub.get_name());
        }
    }
}
