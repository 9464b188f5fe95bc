//! Day, night and weekdays: a clock that runs fast in the evening and hardly at night.
//!
//! Waiting times are drawn in hours of this clock, so that a hazard that is constant on it follows the rhythm, and the probability of
//! something within a span of real time stays a closed form. Means over a week are those of a common clock.

use schemas::time::Timestamp;

/// How busy a local hour is, from midnight on; only proportions count.
const HOURS: [f64; 24] = [
    0.45, 0.25, 0.15, 0.10, 0.10, 0.15, 0.35, 0.65, 0.90, 1.10, 1.20, 1.20, 1.25, 1.20, 1.15, 1.15, 1.20,
    1.25, 1.35, 1.60, 1.85, 1.90, 1.50, 0.90,
];

/// How busy a day is, from Monday on.
const WEEKDAYS: [f64; 7] = [1.05, 1.02, 1.00, 1.00, 0.95, 0.95, 1.03];

/// Day of the week of 1 January 1970, a Thursday, from Monday on.
const EPOCH_WEEKDAY: usize = 3;

const WEEK_HOURS: usize = 168;
const HOUR_MS: f64 = 3_600_000.0;

/// The clock.
#[derive(Clone, Debug)]
pub struct Rhythm {
    /// Its reading at the begin of each local hour of a week from Thursday on, and at the week's end.
    readings: Vec<f64>,
}

impl Default for Rhythm {
    fn default() -> Self {
        let weight = |hour: usize| HOURS[hour % 24] * WEEKDAYS[(hour / 24 + EPOCH_WEEKDAY) % 7];
        let scale = WEEK_HOURS as f64 / (0..WEEK_HOURS).map(weight).sum::<f64>();
        let mut readings = vec![0.0];
        readings.extend((0..WEEK_HOURS).scan(0.0, |sum, hour| {
            *sum += weight(hour) * scale;
            Some(*sum)
        }));
        Self { readings }
    }
}

impl Rhythm {
    /// Returns the clock's reading at an instant for who lives `east_ms` ahead of UTC.
    ///
    /// Units: hours of the clock.
    pub fn reading(&self, at: Timestamp, east_ms: i64) -> f64 {
        let hours = (at.0 + east_ms) as f64 / HOUR_MS;
        let week = (hours / WEEK_HOURS as f64).floor();
        let within = hours - week * WEEK_HOURS as f64;
        let hour = (within as usize).min(WEEK_HOURS - 1);
        let (begin, end) = (self.readings[hour], self.readings[hour + 1]);
        week * WEEK_HOURS as f64 + begin + (end - begin) * (within - hour as f64)
    }

    /// Returns the instant of a reading.
    pub fn instant(&self, reading: f64, east_ms: i64) -> Timestamp {
        let week = (reading / WEEK_HOURS as f64).floor();
        let within = reading - week * WEEK_HOURS as f64;
        let hour = self.readings.partition_point(|begin| *begin <= within).clamp(1, WEEK_HOURS) - 1;
        let (begin, end) = (self.readings[hour], self.readings[hour + 1]);
        let hours = week * WEEK_HOURS as f64 + hour as f64 + (within - begin) / (end - begin);
        Timestamp((hours * HOUR_MS).round() as i64 - east_ms)
    }

    /// Returns the instant that lies `hours` of the clock after another.
    pub fn after(&self, at: Timestamp, hours: f64, east_ms: i64) -> Timestamp {
        self.instant(self.reading(at, east_ms) + hours, east_ms).max(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_comes_back_from_its_reading() {
        let rhythm = Rhythm::default();
        for hour in 0..400 {
            let at = Timestamp(1_772_409_600_000 + hour * 1_234_567);
            let back = rhythm.instant(rhythm.reading(at, 3_600_000), 3_600_000);
            assert!((back.0 - at.0).abs() <= 1, "{at} {back}");
        }
    }

    #[test]
    fn a_week_is_a_week_and_an_evening_is_longer_than_a_night() {
        let rhythm = Rhythm::default();
        let monday = Timestamp(1_772_409_600_000);
        let hours = |from: i64, to: i64| {
            let at = |hour| rhythm.reading(Timestamp(monday.0 + hour * 3_600_000), 0);
            at(to) - at(from)
        };
        assert!((hours(0, 168) - 168.0).abs() < 1e-6);
        assert!(hours(19, 22) > 6.0 * hours(2, 5));
    }
}
