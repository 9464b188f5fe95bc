//! `care experiment`: compares ways to choose whom to contact, by what a simulated shop knows and no real one does.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Outcome, Output, Overrides, out, wait_for};
use crate::settings::Settings;
use crate::shop::ShopSettings;
use crate::simulate::experiment::lesson;
use crate::simulate::experiment::spread::Spread;
use crate::simulate::experiment::targeting::{self, Policy, Report};

/// Options of `care experiment`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care experiment
  care experiment targeting --seeds 5 --shoppers 10000 --days 7 --json
  care experiment lesson --seeds 10 --shoppers 10000 --days 30

targeting: for every seed the same shop is run twice through the engine: once
carts are contacted whose predicted risk of being left is at or above the
threshold, once as many by chance on the same occasions. The shop knows what
each contact changed. Exit status 1 when risk is not better with 95 % certainty.
lesson: for every seed a model is learnt from the shop without outreach, with
outreach, and with outreach that it does not know of; all judge the same carts.
Exit status 1 unless the second agrees with the first and the third does not.
ops/docs/experiments.md says how to read the figures.")]
pub struct Arguments {
    /// What is compared
    #[arg(value_enum, default_value = "targeting")]
    what: What,
    /// Number of shops, each with a seed of its own
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=1_000))]
    seeds: u64,
    /// Shoppers of each
    #[arg(long, default_value_t = 20_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    shoppers: u32,
    /// Days that each is open
    #[arg(long, default_value_t = 7, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=90))]
    days: u32,
    /// Least predicted risk that is contacted
    #[arg(long, default_value_t = 0.88, value_name = "P", value_parser = share)]
    threshold: f64,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Outreach by risk with outreach by chance
    Targeting,
    /// What models learn from a shop with and without outreach
    Lesson,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.load()?.settings;
    match arguments.what {
        What::Targeting => targeting(arguments, &settings, output, out),
        What::Lesson => lesson(arguments, &settings, output, out),
    }
}

fn lesson(
    arguments: &Arguments,
    settings: &Settings,
    output: Output,
    out: &mut dyn Write,
) -> Result<Outcome> {
    let report = lesson::Report::of(arguments.each(|shop| lesson::seed(settings, shop))?);
    match output {
        Output::Json => out::json(&report, out)?,
        Output::Text => print_lesson(&report, out)?,
    }
    Ok(if report.is_as_it_should_be() { Outcome::Good } else { Outcome::Bad })
}

fn print_lesson(report: &lesson::Report, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "{:>5}{:>11}{:>9}{:>12}{:>10}{:>9}",
        "seed", "questions", "came", "no outreach", "weighed", "naive"
    )?;
    for seed in &report.seeds {
        let lesson::Seed { seed, questions, came, without, weighed, naive } = *seed;
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let [came, without, weighed, naive] = [came, without, weighed, naive].map(percent);
        writeln!(out, "{seed:>5}{questions:>11}{came:>9}{without:>12}{weighed:>10}{naive:>9}")?;
    }
    let points = |spread: &Spread| {
        let by = |value: f64| 100.0 * value;
        words(&Spread { mean: by(spread.mean), interval: spread.interval.map(|ends| ends.map(by)) })
    };
    writeln!(out)?;
    writeln!(out, "points of risk, weighed less no outreach: {}", points(&report.weighed_difference))?;
    Ok(writeln!(out, "points of risk, naive less no outreach:   {}", points(&report.naive_difference))?)
}

impl Arguments {
    /// Returns what `run` makes of the shop of every seed; on the terminal a bar shows how far it is.
    fn each<T>(&self, run: impl Fn(ShopSettings) -> Result<T>) -> Result<Vec<T>> {
        let bar = bar(self.seeds);
        let ran = (1..=self.seeds).map(|seed| {
            let ran = run(self.shop(seed));
            bar.inc(1);
            ran
        });
        let ran = ran.collect();
        bar.finish_and_clear();
        ran
    }

    fn shop(&self, seed: u64) -> ShopSettings {
        ShopSettings { seed, shoppers: self.shoppers, days: self.days, ..ShopSettings::default() }
    }
}

fn targeting(
    arguments: &Arguments,
    settings: &Settings,
    output: Output,
    out: &mut dyn Write,
) -> Result<Outcome> {
    let seed = |shop| wait_for(targeting::seed(settings, shop, arguments.threshold));
    let report = Report::of(arguments.each(seed)?);
    match output {
        Output::Json => out::json(&report, out)?,
        Output::Text => print(&report, out)?,
    }
    Ok(if report.gain_difference.is_above_nothing() { Outcome::Good } else { Outcome::Bad })
}

fn print(report: &Report, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{:>5}   {:^31}   {:^31}", "", "by risk", "by chance")?;
    let heads = format!("{:>9}{:>14}{:>8}", "contacts", "gain per 100", "orders");
    writeln!(out, "{:>5}   {heads}   {heads}", "seed")?;
    for seed in &report.seeds {
        writeln!(out, "{:>5}   {}   {}", seed.seed, columns(&seed.risk), columns(&seed.chance))?;
    }
    writeln!(out)?;
    writeln!(out, "gain per 100 contacts, by risk less by chance: {}", words(&report.gain_difference))?;
    Ok(writeln!(out, "orders of the shop, by risk less by chance:    {}", words(&report.orders_difference))?)
}

fn columns(policy: &Policy) -> String {
    format!("{:>9}{:>14.2}{:>8}", policy.contacts, policy.gain_per_100(), policy.orders)
}

fn words(spread: &Spread) -> String {
    match spread.interval {
        Some([low, high]) => format!("{:+.2}, 95 % interval {low:+.2} to {high:+.2}", spread.mean),
        None => format!("{:+.2}", spread.mean),
    }
}

fn bar(seeds: u64) -> ProgressBar {
    let shown = io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} shops  {elapsed}, {eta} to go")
        .expect("the template is a constant");
    ProgressBar::with_draw_target(Some(seeds), target).with_style(style)
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        Ok(_) | Err(_) => Err("legal is a number from 0 to 1".to_owned()),
    }
}
