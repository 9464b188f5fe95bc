//! What stands on the command line of `care train`, read: durations, days, snapshots, features, settings of the learning.

use std::str::FromStr;

use anyhow::{Result, anyhow, bail};
use jiff::civil::Date;
use jiff::{SpanRelativeTo, Unit};
use schemas::feature;
use schemas::score::Head;
use schemas::time::{Span, Timestamp};

use crate::cli::days::Days;
use crate::learn::FitSettings;

/// Dates of one training at most: each is one look at every customer.
const DATES_MAX: usize = 1_000;

/// When rows are taken.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Snapshots {
    /// Whenever the engine would ask.
    Asks,
    /// At dates that far apart.
    Every(Span),
    /// At the beginning of these days.
    Dates(Vec<Date>),
}

impl FromStr for Snapshots {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "asks" {
            return Ok(Snapshots::Asks);
        }
        if let Some(gap) = text.strip_prefix("every:") {
            let gap = duration(gap)?;
            return if gap >= Span::days(1) {
                Ok(Snapshots::Every(gap))
            } else {
                Err("every:P1D is the least".to_owned())
            };
        }
        let dates: Result<Vec<Date>, _> = text.split(',').map(str::parse).collect();
        dates.map(Snapshots::Dates).map_err(|_| {
            format!("{text:?} is none of asks, every:P7D and dates such as 2010-06-01,2010-09-01")
        })
    }
}

impl Snapshots {
    /// Returns the instants at which every customer is looked at.
    ///
    /// Errors: a rhythm without beginning or end; too many dates; a day outside the calendar.
    pub(super) fn dates(
        &self,
        (from, until): (Option<Timestamp>, Option<Timestamp>),
        days: &Days,
    ) -> Result<Vec<Timestamp>> {
        match self {
            Snapshots::Asks => Ok(Vec::new()),
            Snapshots::Dates(dates) => dates.iter().map(|date| days.midnight(*date)).collect(),
            Snapshots::Every(gap) => {
                let (Some(from), Some(until)) = (from, until) else {
                    bail!("--snapshots every:… wants --from and --until: days between which rows are taken")
                };
                let count = (until - from).0.max(0) / gap.0;
                if count as usize >= DATES_MAX {
                    bail!(
                        "--snapshots makes {count} dates between --from and --until; legal are up to {DATES_MAX}"
                    );
                }
                let date = |n: i64| from + Span(gap.0 * n);
                Ok((0..=count).map(date).take_while(|date| *date < until).collect())
            }
        }
    }
}

/// Reads an ISO 8601 duration of at least a second; a day is 24 hours.
pub(super) fn duration(text: &str) -> Result<Span, String> {
    let wrong = || format!("{text:?} is no ISO 8601 duration such as P90D or PT24H");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err("years and months have no fixed length; use days, such as P90D".to_owned());
    }
    let total = span.total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours())).map_err(|_| wrong())?;
    if total >= 1_000.0 { Ok(Span(total as i64)) } else { Err("at least PT1S is legal".to_owned()) }
}

/// Returns the features that are wanted: those of `only`, else those of the head, but for those of `without`; none stands for all of the
/// head.
///
/// Errors: a name that no feature has.
pub(super) fn features(head: Head, only: &[String], without: &[String]) -> Result<Vec<String>> {
    known("--only", only)?;
    known("--without", without)?;
    if only.is_empty() && without.is_empty() {
        return Ok(Vec::new());
    }
    let of_head = feature::TABLE.iter().filter(|feature| feature.heads.contains(head));
    let of_head = of_head.map(|feature| feature.name.to_owned());
    let wanted: Vec<String> = if only.is_empty() { of_head.collect() } else { only.to_vec() };
    Ok(wanted.into_iter().filter(|name| !without.contains(name)).collect())
}

/// Checks that names are names of features.
fn known(option: &str, given: &[String]) -> Result<()> {
    let Some(unknown) = given.iter().find(|name| feature::place(name).is_none()) else { return Ok(()) };
    let names = feature::TABLE.iter().map(|feature| feature.name);
    let nearest = names.max_by(|a, b| strsim::jaro(a, unknown).total_cmp(&strsim::jaro(b, unknown)));
    bail!("{option} {unknown} names no feature; the nearest is {}", nearest.unwrap_or_default());
}

/// Reads `key=value` settings of the learning, values as TOML has them; text may stand without quotes.
///
/// Errors: a setting that does not exist, or a value that is not legal.
pub(super) fn fitting(set: &[String]) -> Result<FitSettings> {
    let mut text = String::new();
    for pair in set {
        let (key, value) = pair.split_once('=').ok_or_else(|| anyhow!("--set {pair} is no KEY=VALUE"))?;
        let bare = value.starts_with(|first: char| first.is_ascii_alphabetic());
        let value = if bare { format!("{value:?}") } else { value.to_owned() };
        text.push_str(&format!("{key} = {value}\n"));
    }
    toml::from_str(&text).map_err(|error| anyhow!("--set: {}", error.message()))
}
