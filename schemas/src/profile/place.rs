//! Where a customer lives, as far as that decides language and calendar: locale, zone, country, each with its origin.
//!
//! The chain is the same for both: the context of the latest event that has it, else the traits, else what is usual in the
//! country, else the shop's default. A country without one usual zone (the United States, Brazil, …) gives none.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::day::Day;
use super::folded::{Origin, Sourced};
use crate::time::{Span, Timestamp};

/// Last instant that is folded or read as such: 9999-01-01, inside every calendar that is used here.
pub(super) const LATEST: Timestamp = Timestamp(253_370_764_800_000);

const DAY_MS: i64 = 86_400_000;

/// Locale, zone and country of a customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    zone: Fact,
    locale: Fact,
    country: Option<SmolStr>,
    #[serde(skip)]
    offset: Offset,
}

/// A text and where it is from; empty until something is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Fact {
    value: SmolStr,
    from: Origin,
}

/// The zone's offset from UTC and the interval in which it holds: saves a look-up in the zone database per event.
#[derive(Clone, Copy, Debug)]
struct Offset {
    from: Timestamp,
    until: Timestamp,
    ms: i64,
}

impl Default for Offset {
    /// Holds nowhere.
    fn default() -> Self {
        Self { from: Timestamp(0), until: Timestamp(0), ms: 0 }
    }
}

impl PartialEq for Offset {
    /// A cache makes no two places different.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Place {
    /// Returns the zone; UTC until something is known.
    pub fn zone(&self) -> Sourced<'_> {
        self.zone.or("UTC")
    }

    /// Returns the locale; `en` until something is known.
    pub fn locale(&self) -> Sourced<'_> {
        self.locale.or("en")
    }

    /// Returns the country as the shop wrote it.
    pub fn country(&self) -> Option<&SmolStr> {
        self.country.as_ref()
    }

    /// Takes a zone from `origin`, unless a better origin gave one or the zone database lacks it.
    pub fn set_zone(&mut self, name: &str, origin: Origin) {
        if self.zone.takes(name, origin) && name.len() <= super::said::TEXT_MAX && TimeZone::get(name).is_ok()
        {
            self.zone = Fact { value: SmolStr::new(name), from: origin };
            self.offset = Offset::default();
        }
    }

    /// Takes a locale from `origin`, unless a better origin gave one.
    pub fn set_locale(&mut self, tag: &str, origin: Origin) {
        if self.locale.takes(tag, origin) && tag.len() <= super::said::TEXT_MAX {
            self.locale = Fact { value: SmolStr::new(tag), from: origin };
        }
    }

    /// Takes a country (ISO 3166 code or English name) and what is usual there.
    pub fn set_country(&mut self, country: &str) {
        let country = super::said::bounded(country.trim());
        if country.is_empty() || self.country.as_deref() == Some(&*country) {
            return;
        }
        self.country = Some(SmolStr::new(&*country));
        if let Some(usual) = usual(&country) {
            if !usual.zone.is_empty() {
                self.set_zone(usual.zone, Origin::Country);
            }
            self.set_locale(usual.locale, Origin::Country);
        }
    }

    /// Returns the civil day of an instant in the customer's zone.
    pub fn day(&self, at: Timestamp) -> Day {
        let offset = if self.offset.holds(at) { self.offset } else { Offset::of(self.zone().value, at) };
        Day(((at.0 + offset.ms).div_euclid(DAY_MS)).clamp(0, i64::from(u16::MAX)) as u16)
    }

    /// Returns the instant at which a civil day begins in the customer's zone.
    pub fn day_start(&self, day: Day) -> Timestamp {
        let utc = Timestamp(i64::from(day.0) * DAY_MS);
        // The day begins within 26 hours around its beginning in UTC; offsets change at most once in that time.
        let mut low = utc - Span::hours(26);
        let mut high = utc + Span::hours(26);
        while high.0 - low.0 > 1 {
            let middle = Timestamp(low.0 + (high.0 - low.0) / 2);
            if self.day(middle.max(Timestamp(0))) >= day { high = middle } else { low = middle }
        }
        high.max(Timestamp(0))
    }

    /// Keeps the offset that holds at `now` at hand.
    pub(super) fn settle(&mut self, now: Timestamp) {
        if !self.offset.holds(now) {
            self.offset = Offset::of(self.zone().value, now);
        }
    }

    /// Takes what the other place knows from a better origin, and its country where none is known.
    pub fn merge(&mut self, other: Place) {
        if other.zone.from < self.zone.from {
            self.zone = other.zone;
            self.offset = Offset::default();
        }
        if other.locale.from < self.locale.from {
            self.locale = other.locale;
        }
        self.country = self.country.take().or(other.country);
    }
}

impl Fact {
    fn or<'a>(&'a self, otherwise: &'a str) -> Sourced<'a> {
        let value = if self.value.is_empty() { otherwise } else { self.value.as_str() };
        Sourced { value, from: self.from }
    }

    fn takes(&self, value: &str, origin: Origin) -> bool {
        !value.is_empty() && origin <= self.from && self.value != value
            || self.value == value && origin < self.from
    }
}

impl Offset {
    fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// Looks the zone up; an unknown zone or an instant outside the calendar counts as UTC.
    fn of(zone: &str, at: Timestamp) -> Self {
        let always = Self { from: Timestamp(i64::MIN), until: Timestamp(i64::MAX), ms: 0 };
        let (Ok(zone), Ok(instant)) = (TimeZone::get(zone), jiff::Timestamp::from_millisecond(at.0)) else {
            return always;
        };
        let edge = |instant: jiff::Timestamp| Timestamp(instant.as_millisecond());
        // `preceding` excludes the instant itself, so ask from one millisecond later.
        let after = jiff::Timestamp::from_millisecond(at.0.saturating_add(1)).unwrap_or(instant);
        Self {
            from: zone.preceding(after).next().map_or(always.from, |change| edge(change.timestamp())),
            until: zone.following(instant).next().map_or(always.until, |change| edge(change.timestamp())),
            ms: i64::from(zone.to_offset(instant).seconds()) * 1_000,
        }
    }
}

/// What is usual in a country.
struct Usual {
    /// ISO 3166-1 alpha-2.
    code: &'static str,
    /// English name, as retail files write it.
    name: &'static str,
    /// The zone of nearly all who live there, empty where there is no such zone.
    zone: &'static str,
    /// The locale of most who live there.
    locale: &'static str,
}

const fn usual_in(code: &'static str, name: &'static str, zone: &'static str, locale: &'static str) -> Usual {
    Usual { code, name, zone, locale }
}

/// Countries whose usual zone and locale are taken when nothing better is known.
const COUNTRIES: &[Usual] = &[
    usual_in("AE", "United Arab Emirates", "Asia/Dubai", "ar-AE"),
    usual_in("AR", "Argentina", "America/Argentina/Buenos_Aires", "es-AR"),
    usual_in("AT", "Austria", "Europe/Vienna", "de-AT"),
    usual_in("AU", "Australia", "", "en-AU"),
    usual_in("BE", "Belgium", "Europe/Brussels", "nl-BE"),
    usual_in("BH", "Bahrain", "Asia/Bahrain", "ar-BH"),
    usual_in("BR", "Brazil", "", "pt-BR"),
    usual_in("CA", "Canada", "", "en-CA"),
    usual_in("CH", "Switzerland", "Europe/Zurich", "de-CH"),
    usual_in("CN", "China", "Asia/Shanghai", "zh-CN"),
    usual_in("CY", "Cyprus", "Asia/Nicosia", "el-CY"),
    usual_in("CZ", "Czech Republic", "Europe/Prague", "cs-CZ"),
    usual_in("DE", "Germany", "Europe/Berlin", "de-DE"),
    usual_in("DK", "Denmark", "Europe/Copenhagen", "da-DK"),
    usual_in("ES", "Spain", "Europe/Madrid", "es-ES"),
    usual_in("FI", "Finland", "Europe/Helsinki", "fi-FI"),
    usual_in("FR", "France", "Europe/Paris", "fr-FR"),
    usual_in("GB", "United Kingdom", "Europe/London", "en-GB"),
    usual_in("GR", "Greece", "Europe/Athens", "el-GR"),
    usual_in("HK", "Hong Kong", "Asia/Hong_Kong", "zh-HK"),
    usual_in("IE", "EIRE", "Europe/Dublin", "en-IE"),
    usual_in("IE", "Ireland", "Europe/Dublin", "en-IE"),
    usual_in("IL", "Israel", "Asia/Jerusalem", "he-IL"),
    usual_in("IN", "India", "Asia/Kolkata", "en-IN"),
    usual_in("IR", "Iran", "Asia/Tehran", "fa-IR"),
    usual_in("IS", "Iceland", "Atlantic/Reykjavik", "is-IS"),
    usual_in("IT", "Italy", "Europe/Rome", "it-IT"),
    usual_in("JP", "Japan", "Asia/Tokyo", "ja-JP"),
    usual_in("KR", "Korea", "Asia/Seoul", "ko-KR"),
    usual_in("LB", "Lebanon", "Asia/Beirut", "ar-LB"),
    usual_in("LT", "Lithuania", "Europe/Vilnius", "lt-LT"),
    usual_in("MT", "Malta", "Europe/Malta", "mt-MT"),
    usual_in("MX", "Mexico", "America/Mexico_City", "es-MX"),
    usual_in("NG", "Nigeria", "Africa/Lagos", "en-NG"),
    usual_in("NL", "Netherlands", "Europe/Amsterdam", "nl-NL"),
    usual_in("NO", "Norway", "Europe/Oslo", "nb-NO"),
    usual_in("NZ", "New Zealand", "Pacific/Auckland", "en-NZ"),
    usual_in("PL", "Poland", "Europe/Warsaw", "pl-PL"),
    usual_in("PT", "Portugal", "Europe/Lisbon", "pt-PT"),
    usual_in("SA", "Saudi Arabia", "Asia/Riyadh", "ar-SA"),
    usual_in("SE", "Sweden", "Europe/Stockholm", "sv-SE"),
    usual_in("SG", "Singapore", "Asia/Singapore", "en-SG"),
    usual_in("TH", "Thailand", "Asia/Bangkok", "th-TH"),
    usual_in("TR", "Turkey", "Europe/Istanbul", "tr-TR"),
    usual_in("TW", "Taiwan", "Asia/Taipei", "zh-TW"),
    usual_in("US", "USA", "", "en-US"),
    usual_in("US", "United States", "", "en-US"),
    usual_in("ZA", "RSA", "Africa/Johannesburg", "en-ZA"),
    usual_in("ZA", "South Africa", "Africa/Johannesburg", "en-ZA"),
];

fn usual(country: &str) -> Option<&'static Usual> {
    COUNTRIES
        .iter()
        .find(|usual| usual.code.eq_ignore_ascii_case(country) || usual.name.eq_ignore_ascii_case(country))
}
