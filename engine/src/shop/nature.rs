//! What a shopper is like: drawn once, never told by an event, written into the truth.

use super::chance::Chance;
use schemas::conversation::words::Language;

/// Where shoppers live: zone, hours ahead of UTC in winter, locale. Summer time moves the rhythm by an hour and is left out.
const WESTERN: [(&str, i64, &str); 4] = [
    ("Europe/London", 0, "en-GB"),
    ("Europe/Berlin", 1, "en-DE"),
    ("Europe/Dublin", 0, "en-IE"),
    ("America/New_York", -5, "en-US"),
];
const CHINESE: (&str, i64, &str) = ("Asia/Shanghai", 8, "zh-CN");

/// How many read Chinese.
const READS_CHINESE: f64 = 0.4;

const HOUR_MS: i64 = 3_600_000;

/// A shopper's nature.
#[derive(Clone, Debug)]
pub struct Nature {
    /// Visits per day while the shopper is with the shop.
    pub visits_per_day: f64,
    /// Fondness of the shop, standard normal: more purchases, a longer stay.
    pub loyalty: f64,
    /// How much a dear cart deters, in [0, 1].
    pub price_sensitivity: f64,
    /// How much trouble is borne, in [0, 1].
    pub patience: f64,
    /// How much being written to annoys, in [0, 1].
    pub annoyance: f64,
    /// How well a message works when its time has come, in [0, 1].
    pub persuadable: f64,
    /// Hazard of leaving for good.
    ///
    /// Units: per day.
    pub leaving_per_day: f64,
    /// Time between two steps of a checkout.
    ///
    /// Units: milliseconds.
    pub pace_ms: i64,
    /// What the shopper reads and writes.
    pub language: Language,
    /// IANA name of the time zone.
    pub zone: &'static str,
    /// BCP 47 tag.
    pub locale: &'static str,
    /// How far ahead of UTC the shopper lives.
    pub east_ms: i64,
    /// What the shopper answers when asked whether to be written to; `None` is no answer.
    pub agrees: Option<bool>,
}

impl Nature {
    /// Draws a nature.
    pub fn draw(chance: &mut Chance) -> Self {
        let language = if chance.happens(READS_CHINESE) { Language::Chinese } else { Language::English };
        let (zone, hours, locale) = match language {
            Language::Chinese => CHINESE,
            Language::English => *chance.pick(&WESTERN),
        };
        let loyalty = chance.normal();
        let answer = chance.uniform();
        Self {
            // Mean 0.12 a day, 3.6 a month: a few come daily, most rarely.
            visits_per_day: (0.12 * (0.8 * chance.normal() - 0.32 + 0.25 * loyalty).exp()).min(3.0),
            loyalty,
            price_sensitivity: bell(chance),
            patience: bell(chance),
            annoyance: bell(chance).min(chance.uniform()),
            persuadable: bell(chance),
            // Median 1 / 170 days.
            leaving_per_day: (0.006 * (0.7 * chance.normal() - 0.6 * loyalty).exp()).min(0.2),
            pace_ms: chance.between(15_000.0, 60_000.0) as i64,
            language,
            zone,
            locale,
            east_ms: hours * HOUR_MS,
            // 62 in 100 agree, 23 refuse, 15 say nothing.
            agrees: if answer < 0.62 {
                Some(true)
            } else if answer < 0.85 {
                Some(false)
            } else {
                None
            },
        }
    }
}

/// Draws from [0, 1] with most in the middle.
fn bell(chance: &mut Chance) -> f64 {
    (chance.uniform() + chance.uniform()) / 2.0
}
