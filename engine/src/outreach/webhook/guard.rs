//! Which addresses a webhook may connect to. Asked for every connection, after the name was looked up: what a name or a redirect leads
//! to today is what counts, not what it led to when somebody checked it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Networks of IPv4 that lead nowhere in public.
///
/// Source: IANA's registry of special-purpose addresses; multicast and reserved space.
const NOT_PUBLIC_4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// What is public of IPv6.
const PUBLIC_6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// And within it what is not: protocols, Teredo, documentation, 6to4, documentation.
const NOT_PUBLIC_6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Where translators of IPv6 keep addresses of IPv4 (RFC 6052).
const TRANSLATED: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn v4(address: [u8; 4], length: u8) -> Ipv4Net {
    let [a, b, c, d] = address;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(address: [u16; 8], length: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = address;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length)
}

/// How what is sent is protected on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// By TLS: it may go to public addresses.
    Https,
    /// Not at all: it goes to networks that are named, and nowhere else.
    Http,
}

/// Says which addresses are connected to.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    scheme: Scheme,
    named: Vec<IpNet>,
}

/// No address of a name may be connected to.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is in no network that may be called: public ones by https, others where the setting networks names them"
)]
pub(super) struct Refused(String);

impl Guard {
    pub(super) fn new(scheme: Scheme, named: Vec<IpNet>) -> Self {
        Self { scheme, named }
    }

    /// Returns whether an address may be connected to.
    pub(super) fn lets(&self, address: IpAddr) -> bool {
        let inner = inner(address);
        let is_named = self.named.iter().any(|net| net.contains(&address) || net.contains(&inner));
        is_named || self.scheme == Scheme::Https && is_public(inner)
    }

    /// Errors: the address may not be connected to.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), Refused> {
        if self.lets(address) { Ok(()) } else { Err(Refused(address.to_string())) }
    }

    /// Returns those of a name's addresses that may be connected to.
    ///
    /// Errors: there is none.
    fn choose(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
        let refused = found.iter().map(|one| one.ip().to_string()).collect::<Vec<_>>().join(", ");
        let chosen: Vec<SocketAddr> = found.into_iter().filter(|one| self.lets(one.ip())).collect();
        if chosen.is_empty() { Err(Refused(format!("{name} ({refused})"))) } else { Ok(chosen) }
    }
}

impl Resolve for Guard {
    /// What is returned is what is connected to: nobody looks the name up again.
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let chosen = guard.choose(name.as_str(), found)?;
            Ok(Box::new(chosen.into_iter()) as Addrs)
        })
    }
}

/// Returns the address of IPv4 that one of IPv6 stands for, else the address itself.
fn inner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if TRANSLATED.contains(&v6) => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        canonical => canonical,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !NOT_PUBLIC_4.iter().any(|net| net.contains(&v4)),
        IpAddr::V6(v6) => PUBLIC_6.contains(&v6) && !NOT_PUBLIC_6.iter().any(|net| net.contains(&v6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(scheme: Scheme, named: &str) -> Guard {
        let named = named.split(',').filter(|net| !net.is_empty());
        Guard::new(scheme, named.map(|net| net.parse().expect("a network")).collect())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn what_is_not_public_is_refused_in_every_form() {
        let https = guard(Scheme::Https, "");
        for refused in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "2002:0808:0808::",
            "3fff::1",
            "100::1",
            "4000::1",
        ] {
            assert!(!https.lets(ip(refused)), "{refused}");
        }
        for public in [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2606:4700::1",
        ] {
            assert!(https.lets(ip(public)), "{public}");
        }
    }

    #[test]
    fn networks_are_named_to_be_called_and_without_tls_there_are_no_others() {
        let https = guard(Scheme::Https, "10.0.0.0/8,fd00::/8");
        for (address, expected) in [
            ("10.9.9.9", true),
            ("::ffff:10.9.9.9", true),
            ("fd12::1", true),
            ("192.168.1.1", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(https.lets(ip(address)), expected, "{address}");
        }
        let http = guard(Scheme::Http, "10.0.0.0/8");
        assert_eq!((http.lets(ip("10.9.9.9")), http.lets(ip("8.8.8.8"))), (true, false));
    }

    #[test]
    fn of_a_names_addresses_those_in_public_are_chosen_and_a_name_without_any_is_refused() {
        let https = guard(Scheme::Https, "");
        let found = |all: &[&str]| all.iter().map(|one| SocketAddr::new(ip(one), 0)).collect::<Vec<_>>();
        let chosen = https.choose("shop", found(&["10.0.0.1", "8.8.8.8", "::1"])).expect("one is public");
        assert_eq!(chosen, found(&["8.8.8.8"]));
        let refused = https.choose("shop", found(&["10.0.0.1", "::1"])).expect_err("none is").to_string();
        assert!(refused.contains("shop (10.0.0.1, ::1)"), "{refused}");
    }
}
