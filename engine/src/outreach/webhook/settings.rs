//! What section `channels.NAME` says of a webhook; `default.toml` says what each key means.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::Url;

use super::guard::{Guard, Scheme};
use super::sign::Secrets;
use crate::settings::Secret;

/// The keys of a webhook.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Where it posts to.
    pub url: &'a str,
    /// What signs.
    pub secrets: &'a Secret,
    /// Networks that are no public ones and may be called, with commas between them.
    pub networks: &'a str,
    /// Bound of a connection's making.
    pub connect: Duration,
    /// Bound of a call.
    pub total: Duration,
    /// Calls at once.
    pub in_flight_max: usize,
}

impl Settings<'_> {
    /// Errors: the first text that is no network.
    pub(super) fn networks(&self) -> Result<Vec<IpNet>, String> {
        networks(self.networks)
    }
}

/// Returns networks written with commas between them; an address stands for itself.
///
/// Errors: the first text that is none.
pub fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let network = |word: &str| word.parse().or_else(|_| word.parse::<IpAddr>().map(IpNet::from)).ok();
    words.map(|word| network(word).ok_or_else(|| format!("{word:?} is no network"))).collect()
}

/// Returns the address that an URL names by itself, in whatever form it is written.
pub(super) fn host_address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Returns what is missing or contradicts itself in the section of a webhook, without its path and without anything of a secret.
pub fn contradictions(name: &str, settings: &Settings<'_>, call_deadline: Duration) -> Vec<String> {
    let mut found = Vec::new();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !name.bytes().all(is_name) {
        found.push("the name of a channel of kind webhook holds letters, digits, _ and - only".to_owned());
    }
    match Url::parse(settings.url) {
        Err(_) => found.push("url is needed where kind is webhook: https://HOST/PATH".to_owned()),
        Ok(url) => found.extend(contradictions_of_address(&url, settings)),
    }
    if let Err(problem) = Secrets::parse(settings.secrets) {
        found.push(format!("secrets {problem}"));
    }
    if settings.connect > settings.total {
        found.push(format!("connect_ms has to be at most total_ms ({})", settings.total.as_millis()));
    }
    if settings.total >= call_deadline {
        let deadline = call_deadline.as_millis();
        found.push(format!("total_ms has to be below dispatcher.call_deadline_ms ({deadline})"));
    }
    found
}

fn contradictions_of_address(url: &Url, settings: &Settings<'_>) -> Option<String> {
    let networks = settings.networks().ok()?;
    let scheme = if url.scheme() == "https" { Scheme::Https } else { Scheme::Http };
    if scheme == Scheme::Http && networks.is_empty() {
        return Some("url has to be https: without TLS, what is sent goes to no networks but those that networks names".to_owned());
    }
    Guard::new(scheme, networks).check(host_address(url)?).err().map(|refused| format!("url: {refused}"))
}
