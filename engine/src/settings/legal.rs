//! What each setting may hold: the closed list of keys with their bounds. `default.toml` says what they mean and why.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};

use config::{Value, ValueKind};
use serde_json::Value as Json;

use crate::{chat, generate, http, knowledge, log, observe, outreach, predict, serve, store};

/// What a key may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Legal {
    /// A whole number within bounds, both included; the unit is for people.
    Count(i64, i64, &'static str),
    /// A number within bounds, both included.
    Share(f64, f64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of these words, or none; in the environment with commas between them.
    SomeOf(&'static [&'static str]),
    /// A path.
    Path,
    /// A path or nothing.
    OptionalPath,
    /// Letters, digits, `.`, `_` and `-`: what Kafka takes for a name.
    Name,
    /// A name or nothing.
    OptionalName,
    /// An ISO 4217 code.
    Currency,
    /// A name of the time zone database.
    Zone,
    /// A language tag.
    Locale,
    /// Filter directives of the log.
    Directives,
    /// An address to listen on.
    Listen,
    /// An address to listen on, or nothing.
    OptionalListen,
    /// Origins of pages.
    Origins,
    /// Addresses of servers.
    Servers,
    /// An address of HTTP without user, query and fragment, or nothing.
    OptionalUrl,
    /// Networks of IP addresses, or none.
    Networks,
    /// A text.
    Text,
    /// A text or nothing.
    OptionalText,
    /// A text or nothing that is never shown.
    Secret,
    /// A name that needs no quotes in CQL.
    Keyspace,
}

/// What is shown in place of a secret.
pub const HIDDEN: &str = "***";

/// Every key that no room has for itself. A `*` stands for a name that the user chooses.
const KEYS: &[(&str, Legal)] = &[
    ("data.dir", Legal::Path),
    ("partition.threads", Legal::Count(0, 1_024, "threads")),
    ("partition.fetch_max", Legal::Count(1, 100_000, "records")),
    ("partition.waiting_max", Legal::Count(1, 1_000_000, "records")),
    ("partition.loading_max", Legal::Count(1, 100_000, "customers")),
    ("partition.dirty_max", Legal::Count(1, 10_000_000, "rows")),
    ("partition.flush_quiet_ms", Legal::Count(0, 60_000, "ms")),
    ("partition.flush_quiet_max_ms", Legal::Count(1, 600_000, "ms")),
    ("partition.flush_urgent_ms", Legal::Count(0, 1_000, "ms")),
    ("partition.group_rows_max", Legal::Count(1, 65_536, "rows")),
    ("partition.groups_max", Legal::Count(1, 1_024, "writes")),
    ("partition.relay_max", Legal::Count(1, 65_536, "records")),
    ("partition.lease_ms", Legal::Count(1_000, 600_000, "ms")),
    ("partition.lease_renew_ms", Legal::Count(100, 300_000, "ms")),
    ("partition.confirm_ms", Legal::Count(10, 60_000, "ms")),
    ("partition.replay_margin_ms", Legal::Count(0, 600_000, "ms")),
    ("partition.retry_ms", Legal::Count(1, 60_000, "ms")),
    ("partition.timer_grid_ms", Legal::Count(10, 60_000, "ms")),
    ("partition.timer_ahead_days", Legal::Count(1, 60, "days")),
    ("partition.drain_ms", Legal::Count(100, 600_000, "ms")),
    ("partition.invalid_run_max", Legal::Count(1, 10_000, "records")),
    ("partition.invalid_max", Legal::Count(1, 10_000, "records")),
    ("customers.live_max", Legal::Count(100, 100_000_000, "customers")),
    ("customers.memory_max_mib", Legal::Count(1, 1_048_576, "MiB")),
    ("customers.idle_s", Legal::Count(1, 86_400, "s")),
    ("dispatcher.window", Legal::Count(1, 100_000, "outreach")),
    ("dispatcher.fetch_max", Legal::Count(1, 100_000, "records")),
    ("dispatcher.call_deadline_ms", Legal::Count(1, 600_000, "ms")),
    ("dispatcher.retry_after_s", Legal::Count(1, 86_400, "s")),
    ("policy.late_days", Legal::Count(0, 3_650, "days")),
    ("policy.future_min", Legal::Count(0, 1_440, "min")),
    ("policy.session_idle_min", Legal::Count(1, 1_440, "min")),
    ("policy.cart_idle_days", Legal::Count(1, 365, "days")),
    ("policy.message_ring", Legal::Count(1, 4_096, "ids")),
    ("policy.base_currency", Legal::Currency),
    ("policy.zone", Legal::Zone),
    ("policy.locale", Legal::Locale),
    ("policy.cap_marketing_day", Legal::Count(0, 128, "")),
    ("policy.cap_marketing_week", Legal::Count(0, 128, "")),
    ("policy.cap_any_day", Legal::Count(0, 128, "")),
    ("policy.control_share", Legal::Share(0.0, 0.5)),
    ("policy.assume_consent", Legal::OneOf(&["none", "marketing"])),
    ("triggers.dir", Legal::OptionalPath),
    ("replay.batch_rows", Legal::Count(1, 100_000, "rows")),
    ("replay.ahead_max", Legal::Count(1, 10_000_000, "events")),
    ("replay.sort_memory_mib", Legal::Count(1, 65_536, "MiB")),
    ("replay.examples_max", Legal::Count(0, 1_000, "rows")),
];

/// Returns every key with what it may hold: rooms of several kinds bring their own.
pub fn keys() -> impl Iterator<Item = &'static (&'static str, Legal)> {
    KEYS.iter()
        .chain(log::KEYS)
        .chain(log::kafka::KEYS)
        .chain(store::KEYS)
        .chain(store::cql::settings::KEYS)
        .chain(serve::KEYS)
        .chain(http::KEYS)
        .chain(chat::KEYS)
        .chain(predict::KEYS)
        .chain(outreach::KEYS)
        .chain(generate::KEYS)
        .chain(knowledge::KEYS)
        .chain(observe::KEYS)
}

impl Legal {
    /// Returns what may stand at `path`, `None` when there is no such key.
    pub fn of(path: &str) -> Option<Legal> {
        keys().find(|(key, _)| covers(key, path)).map(|(_, legal)| *legal)
    }

    /// Returns the value as the settings read it.
    ///
    /// Errors: what is wrong with it, in words.
    pub fn check(self, value: &Value) -> Result<Json, String> {
        let refused = || format!("{} is not legal", shown(value));
        match self {
            Legal::Count(min, max, _) => match whole(&value.kind) {
                Some(number) if (min..=max).contains(&number) => Ok(Json::from(number)),
                Some(_) => Err(format!("{} is out of range", shown(value))),
                None => Err(format!("{} is not a whole number", shown(value))),
            },
            Legal::Share(min, max) => match fraction(&value.kind) {
                Some(number) if (min..=max).contains(&number) => Ok(Json::from(number)),
                Some(_) => Err(format!("{} is out of range", shown(value))),
                None => Err(format!("{} is not a number", shown(value))),
            },
            Legal::OptionalPath | Legal::OptionalText => text(value).ok_or_else(refused).map(Json::from),
            Legal::Secret => {
                text(value).map(Json::from).ok_or_else(|| "what stands there is not legal".to_owned())
            }
            Legal::SomeOf(words) => some_of(words, value),
            Legal::OneOf(_)
            | Legal::Path
            | Legal::Name
            | Legal::OptionalName
            | Legal::Currency
            | Legal::Zone
            | Legal::Locale
            | Legal::Directives
            | Legal::Listen
            | Legal::OptionalListen
            | Legal::Origins
            | Legal::Servers
            | Legal::OptionalUrl
            | Legal::Networks
            | Legal::Keyspace
            | Legal::Text => text(value).filter(|text| self.takes(text)).map(Json::from).ok_or_else(refused),
        }
    }

    fn takes(self, text: &str) -> bool {
        match self {
            Legal::OneOf(words) => words.contains(&text),
            Legal::Currency => text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
            Legal::Zone => jiff::tz::TimeZone::get(text).is_ok(),
            Legal::Locale => is_locale(text),
            Legal::Directives => text.parse::<tracing_subscriber::filter::Targets>().is_ok(),
            Legal::Listen => text.parse::<SocketAddr>().is_ok(),
            Legal::OptionalListen => text.is_empty() || text.parse::<SocketAddr>().is_ok(),
            Legal::Origins => text.is_empty() || text == "*" || text.split(',').all(is_origin),
            Legal::Servers => text.split(',').all(is_server),
            Legal::OptionalUrl => text.is_empty() || is_url(text),
            Legal::Networks => outreach::webhook::networks(text).is_ok(),
            Legal::Path | Legal::Text => !text.trim().is_empty(),
            Legal::Keyspace => is_keyspace(text),
            Legal::Name => !text.is_empty() && is_name(text),
            Legal::OptionalName => is_name(text),
            Legal::OptionalPath
            | Legal::OptionalText
            | Legal::Secret
            | Legal::Count(..)
            | Legal::Share(..)
            | Legal::SomeOf(_) => true,
        }
    }
}

impl fmt::Display for Legal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Legal::Count(min, max, "") => write!(f, "{min} to {max}"),
            Legal::Count(min, max, unit) => write!(f, "{min} to {max} {unit}"),
            Legal::Share(min, max) => write!(f, "{min} to {max}"),
            Legal::OneOf(words) => write!(f, "one of {}", words.join(", ")),
            Legal::SomeOf(words) => write!(f, "a list of {}", words.join(", ")),
            Legal::Path => f.write_str("a path"),
            Legal::OptionalPath => f.write_str("a path, or empty"),
            Legal::Name => f.write_str("letters, digits, dots, hyphens and underscores"),
            Legal::OptionalName => f.write_str("letters, digits, dots, hyphens and underscores, or empty"),
            Legal::Currency => f.write_str("three capital letters (ISO 4217)"),
            Legal::Zone => f.write_str("an IANA time zone"),
            Legal::Locale => f.write_str("a language tag (BCP 47)"),
            Legal::Directives => f.write_str("a level or directives (tracing)"),
            Legal::Listen => f.write_str("IP:PORT"),
            Legal::OptionalListen => f.write_str("IP:PORT, or empty"),
            Legal::Origins => {
                f.write_str("*, or SCHEME://HOST[:PORT], several with commas between them, or empty")
            }
            Legal::Servers => f.write_str("HOST:PORT, several with commas between them"),
            Legal::OptionalUrl => {
                f.write_str("http:// or https:// with a host, without user, query and fragment, or empty")
            }
            Legal::Networks => f.write_str(
                "networks such as 10.0.0.0/8 or fd00::/8, several with commas between them, or empty",
            ),
            Legal::Text => f.write_str("a text"),
            Legal::OptionalText => f.write_str("a text, or empty"),
            Legal::Secret => f.write_str("a text, or empty; never shown"),
            Legal::Keyspace => f.write_str("a small letter, then small letters, digits and _, at most 48"),
        }
    }
}

/// Returns true when `key`, in which `*` stands for any one name, is `path`.
fn covers(key: &str, path: &str) -> bool {
    let (mut key, mut path) = (key.split('.'), path.split('.'));
    loop {
        match (key.next(), path.next()) {
            (None, None) => return true,
            (Some(want), Some(have)) if want == have || want == "*" && !have.is_empty() => {}
            (Some(_) | None, _) => return false,
        }
    }
}

/// Returns a whole number; text counts as one, because the environment holds nothing else.
fn whole(kind: &ValueKind) -> Option<i64> {
    match kind {
        ValueKind::I64(number) => Some(*number),
        ValueKind::U64(number) => i64::try_from(*number).ok(),
        ValueKind::String(text) => text.trim().parse().ok(),
        ValueKind::Nil
        | ValueKind::Boolean(_)
        | ValueKind::I128(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_)
        | ValueKind::Table(_)
        | ValueKind::Array(_) => None,
    }
}

fn fraction(kind: &ValueKind) -> Option<f64> {
    match kind {
        ValueKind::Float(number) => Some(*number),
        ValueKind::String(text) => text.trim().parse().ok(),
        other => whole(other).map(|number| number as f64),
    }
}

/// Returns the words of a list; a word that is not among them is named.
fn some_of(words: &[&str], value: &Value) -> Result<Json, String> {
    let said: Vec<&str> = match &value.kind {
        ValueKind::Array(values) => {
            let texts: Option<Vec<&str>> = values.iter().map(text).collect();
            texts.ok_or_else(|| "a list of something else than words is not legal".to_owned())?
        }
        ValueKind::String(text) => text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect(),
        _ => return Err(format!("{} is not a list", shown(value))),
    };
    match said.iter().find(|word| !words.contains(word)) {
        Some(word) => Err(format!("{word:?} is not legal")),
        None => Ok(Json::from(said)),
    }
}

fn text(value: &Value) -> Option<&str> {
    if let ValueKind::String(text) = &value.kind { Some(text) } else { None }
}

/// Returns a value as an error shows it: quoted and short.
fn shown(value: &Value) -> String {
    const CHARACTERS_MAX: usize = 60;
    let whole = match &value.kind {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Table(_) => "a section".to_owned(),
        ValueKind::Array(_) => "a list".to_owned(),
        other => other.to_string(),
    };
    match whole.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None => whole,
    }
}

/// Returns true for a name or an address with a port; an address of IPv6 stands in brackets.
fn is_server(text: &str) -> bool {
    let Some((host, port)) = text.trim().rsplit_once(':') else { return false };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    };
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Returns true for an origin as browsers write it: scheme and host in small letters, no path.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.trim().split_once("://") else { return false };
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        Some(_) | None => host,
    };
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._[]:".contains(&byte);
    matches!(scheme, "http" | "https") && !host.is_empty() && host.bytes().all(is_part)
}

/// Returns true for an address of HTTP that keeps nothing private: users, queries and fragments end in logs.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or(rest));
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"@?#\\\"<>".contains(&byte);
    host.is_some_and(|host| !host.is_empty() && !host.starts_with(':')) && text.bytes().all(is_plain)
}

fn is_keyspace(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= 48 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(is_part)
}

/// Returns true for what may stand in the name of a topic or group; an empty text is one.
fn is_name(text: &str) -> bool {
    const BYTES_MAX: usize = 200;
    text.len() <= BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(is_part)
}
