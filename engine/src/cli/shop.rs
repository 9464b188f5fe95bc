//! `care shop`: a simulated shop in front of a running engine, over HTTP.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors::port::clock::Clock;
use anyhow::{Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use schemas::time::{Span, Timestamp};
use serde::Serialize;

use super::live::stop_flag;
use super::{Outcome, Output, Overrides, out, wait_for};
use crate::chat::Shopkeeper;
use crate::clock::SystemClock;
use crate::shop::ShopSettings;
use crate::storefront::{Applied, Came, Course, Habits, Storefront};
use crate::words::Count;

/// The shop closes so many days after it opened, unless it is ended before.
const DAYS: u32 = 365;

/// Options of `care shop`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care keys create --role ingest --name shop --data-dir data
  care serve --http 127.0.0.1:8080 --data-dir data
  care shop --key care_ingest_… --for 60

The shop's platform posts events to the collector, in real time; whoever is in
the shop has a page open which listens to the chat: some ask a question, and
everybody reads the outreach that comes, which changes what they do next. With
chat.token_algorithm = HS256 and the engine's chat.token_secret (settings or
CARE__CHAT__TOKEN_SECRET) pages say who reads them; else all are anonymous, and
no outreach reaches them.

Nobody is real. Ctrl-C closes the shop: open questions are waited for, 30 s at
most. Exit status 1 when an event was rejected or lost, a page failed, or a
question was not answered.")]
pub struct Arguments {
    /// Address of the engine's HTTP server
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    url: String,
    /// Key of role ingest, as the shop's pages bear it
    #[arg(long, value_name = "KEY")]
    key: String,
    /// Address of the engine's metrics: at the end, what was accepted is followed until it is applied
    #[arg(long, value_name = "URL")]
    metrics: Option<String>,
    /// Number of shoppers; about one event a second for each 100,000
    #[arg(long, default_value_t = 300_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    shoppers: u32,
    /// Hours that the shop has been open for; what happened by then is sent first
    #[arg(long, default_value_t = 2, value_name = "H", value_parser = clap::value_parser!(u32).range(0..=168))]
    open_for: u32,
    /// Seconds until it closes; otherwise it stays open until Ctrl-C
    #[arg(long = "for", value_name = "S", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    until: Option<u64>,
    /// How likely whoever opens a page asks something there
    #[arg(long, default_value_t = 0.3, value_name = "SHARE", value_parser = share)]
    asks: f64,
    /// Pages that are open at a time, at most
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pages: u32,
    /// The same seed makes the same shoppers; by the time otherwise, since message ids are those of the seed
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

/// What a run came to.
#[derive(Debug, Serialize)]
struct Summary {
    shoppers: u32,
    wall_s: f64,
    #[serde(flatten)]
    came: Came,
    #[serde(flatten)]
    applied: Option<Applied>,
    /// Events that were accepted and are not applied; `None` where that cannot be known.
    lost: Option<u64>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.load()?.settings;
    let keeper = Shopkeeper::of(&settings.chat);
    if !arguments.url.starts_with("http://") && !arguments.url.starts_with("https://") {
        bail!(
            "--url is {}; legal is http:// or https:// and where the engine's HTTP server listens",
            arguments.url
        );
    }
    let began = SystemClock.boot();
    let (came, applied) = wait_for(visit(arguments, keeper, output))?;
    let wall_s = (SystemClock.boot().saturating_sub(began).as_secs_f64() * 10.0).round() / 10.0;
    let lost = applied.map(|applied| applied.lost());
    let summary = Summary { shoppers: arguments.shoppers, wall_s, came, applied, lost };
    match output {
        Output::Json => out::json(&summary, out)?,
        Output::Text => summary.print(out)?,
    }
    Ok(if summary.is_good() { Outcome::Good } else { Outcome::Bad })
}

async fn visit(
    arguments: &Arguments,
    keeper: Option<Shopkeeper>,
    output: Output,
) -> Result<(Came, Option<Applied>)> {
    let stop = stop_flag();
    let now = SystemClock.now();
    let mut storefront = Storefront::new(arguments.course(keeper, now))?;
    let tally = storefront.tally().clone();
    let shown = Shown::new(output);
    let until = arguments.until.map(|seconds| SystemClock.boot() + Duration::from_secs(seconds));
    while !is_over(until, &stop) {
        storefront.look().await?;
        shown.at(&tally.counted());
    }
    shown.closing();
    let applied = storefront.close().await?;
    shown.finish();
    Ok((tally.came(), applied))
}

fn is_over(until: Option<Duration>, stop: &Arc<AtomicBool>) -> bool {
    stop.load(Ordering::Acquire) || until.is_some_and(|until| SystemClock.boot() >= until)
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| format!("{text} is no number; legal are 0 to 1"))?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(format!("{text} is out of 0 to 1")) }
}

impl Arguments {
    fn course(&self, keeper: Option<Shopkeeper>, now: Timestamp) -> Course {
        let starts = now - Span::hours(i64::from(self.open_for));
        let seed = self.seed.unwrap_or(starts.0.unsigned_abs());
        Course {
            shop: ShopSettings {
                seed,
                shoppers: self.shoppers,
                days: DAYS,
                starts,
                ..ShopSettings::default()
            },
            url: self.url.clone(),
            key: self.key.clone(),
            metrics: self.metrics.clone(),
            habits: Habits { pages_max: self.pages as usize, asks: self.asks },
            keeper,
        }
    }
}

/// A line on the terminal that says how it goes, where somebody looks.
struct Shown(ProgressBar);

impl Shown {
    fn new(output: Output) -> Self {
        let shown = output == Output::Text && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}")
            .expect("the template is a constant");
        Self(ProgressBar::with_draw_target(None, target).with_style(style))
    }

    fn at(&self, came: &Came) {
        if self.0.is_hidden() {
            return;
        }
        let Came { events, questions, answered, outreach_shown, outreach_seen, .. } = came;
        self.0.tick();
        self.0.set_message(format!(
            "{} accepted · {questions} questions, {answered} answered · {outreach_shown} outreach shown, {outreach_seen} read",
            Count(*events, "event"),
        ));
    }

    fn closing(&self) {
        self.0.set_message("closing: open questions are waited for");
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Summary {
    fn is_good(&self) -> bool {
        let Came { rejected, pages_failed, questions, answered, .. } = &self.came;
        *rejected == 0 && *pages_failed == 0 && answered >= questions && self.lost.unwrap_or(0) == 0
    }

    /// Prints the summary for people.
    fn print(&self, out: &mut dyn Write) -> Result<()> {
        let Came { events, rejected, refused, unanswered_requests, pages, pages_failed, .. } = &self.came;
        let Came { questions, answered, cited, outreach_shown, outreach_seen, .. } = &self.came;
        let ms = |of: Option<f64>| of.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"));
        let [accept, first, whole] = [self.came.accept_ms, self.came.first_words_ms, self.came.answer_ms];
        writeln!(
            out,
            "events     {} accepted in {} s, half of the batches within {}, 99 % within {}",
            events,
            self.wall_s,
            ms(accept.p50),
            ms(accept.p99)
        )?;
        writeln!(
            out,
            "           {rejected} rejected; requests told to come again {refused}, not answered {unanswered_requests}"
        )?;
        writeln!(out, "pages      {pages} opened, {pages_failed} failed")?;
        writeln!(
            out,
            "questions  {questions} asked, {answered} answered ({cited} with citations); first words after {} (99 %: {}), whole after {} (99 %: {})",
            ms(first.p50),
            ms(first.p99),
            ms(whole.p50),
            ms(whole.p99)
        )?;
        writeln!(out, "outreach   {outreach_shown} shown in pages, {outreach_seen} read there")?;
        match (self.applied, self.lost) {
            (Some(Applied { accepted, applied, dead_letters, .. }), Some(lost)) => Ok(writeln!(
                out,
                "engine     {accepted} events accepted, {applied} applied, {dead_letters} dead letters, {lost} lost"
            )?),
            _ => Ok(()),
        }
    }
}
