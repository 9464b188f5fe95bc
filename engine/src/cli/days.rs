//! Days of the command line: where one begins depends on whose files are read.

use anyhow::{Context, Result};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemas::time::Timestamp;

use crate::replay::Format;

/// Where days begin.
pub struct Days {
    /// Zone of the shop.
    pub zone: TimeZone,
}

impl Days {
    /// Returns the days of the shop whose files these are: its own, where the format is that of one shop, else those of UTC.
    pub fn of(format: Format) -> Self {
        Self { zone: format.home().map_or(TimeZone::UTC, |home| home.zone()) }
    }

    /// Returns the first instant of a day.
    ///
    /// Errors: it lies outside the calendar.
    pub fn midnight(&self, date: Date) -> Result<Timestamp> {
        let midnight = self.zone.to_timestamp(date.at(0, 0, 0, 0));
        let midnight = midnight.with_context(|| format!("{date} lies outside the calendar"))?;
        Ok(Timestamp(midnight.as_millisecond()))
    }

    /// Returns the first instant of a day that may not be given.
    pub fn opt(&self, date: Option<Date>) -> Result<Option<Timestamp>> {
        date.map(|date| self.midnight(date)).transpose()
    }
}
