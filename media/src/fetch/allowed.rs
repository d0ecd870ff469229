//! From which hosts media may be fetched, and which of them may live at a private address.
//!
//! Two lists, because they trust differently. A *pattern* (`*.qpic.cn`) names strangers on the internet: what it matches
//! must resolve to a public address. A *known host* was written into the configuration as an address of ours or of a
//! platform (an inbox's `api_base`, `public_url`): it may be private, because private clouds and the sandbox are.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::is_public;

/// Where media may come from.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    patterns: Vec<Pattern>,
    known: Vec<Host<String>>,
}

/// `qpic.cn` is itself; `*.qpic.cn` is every name below it, and not itself.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exact(Host<String>),
    Below(String),
}

/// Why a URL is not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not http or https.
    #[error("only http and https are fetched, not {0}")]
    Scheme(String),
    /// `http://user:password@host/`.
    #[error("a URL with a user name is not fetched")]
    UserInfo,
    /// Matches no pattern and is no known host.
    #[error("{0} is not among the hosts media may be fetched from (media.fetch_hosts)")]
    Host(String),
    /// Named by its address, which is not public.
    #[error("{0} is not a public address")]
    Address(IpAddr),
}

/// A pattern of the configuration that can match nothing or would match everything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a host pattern")]
pub struct BadPattern(pub String);

impl Allowed {
    /// `patterns` as in `media.fetch_hosts`; `known` are URLs of the configuration whose hosts are always allowed.
    pub fn new(patterns: &[String], known: &[Url]) -> Result<Self, BadPattern> {
        Ok(Self {
            patterns: patterns
                .iter()
                .map(|text| Pattern::parse(text))
                .collect::<Result<_, _>>()?,
            known: known
                .iter()
                .filter_map(Url::host)
                .map(|host| host.to_owned())
                .collect(),
        })
    }

    /// Whether the URL may be asked for at all. A host that is a name still has to resolve to an address that
    /// [`Allowed::may_connect`] accepts.
    pub fn check(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        let host = url
            .host()
            .ok_or_else(|| Refusal::Host(String::new()))?
            .to_owned();
        if self.is_known(&host) {
            return Ok(());
        }
        if !self.patterns.iter().any(|pattern| pattern.matches(&host)) {
            return Err(Refusal::Host(host.to_string()));
        }
        match literal(&host) {
            Some(address) if !is_public(address) => Err(Refusal::Address(address)),
            _ => Ok(()),
        }
    }

    /// Whether a connection for this host name may go to this address.
    pub fn may_connect(&self, name: &str, address: IpAddr) -> bool {
        is_public(address) || Host::parse(name).is_ok_and(|host| self.is_known(&host))
    }

    fn is_known(&self, host: &Host<String>) -> bool {
        self.known.contains(host)
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, BadPattern> {
        let bad = || BadPattern(text.to_owned());
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        match Host::parse(name).map_err(|_| bad())? {
            Host::Domain(name) if name.contains('*') => Err(bad()),
            Host::Domain(name) if below && name.contains('.') => {
                Ok(Self::Below(format!(".{name}")))
            }
            _ if below => Err(bad()),
            host => Ok(Self::Exact(host)),
        }
    }

    fn matches(&self, host: &Host<String>) -> bool {
        match (self, host) {
            (Self::Exact(exact), host) => exact == host,
            (Self::Below(suffix), Host::Domain(name)) => {
                name.len() > suffix.len() && name.ends_with(suffix.as_str())
            }
            (Self::Below(_), _) => false,
        }
    }
}

fn literal(host: &Host<String>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some((*address).into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Allowed {
        let patterns = ["*.qpic.cn", "files.example.com", "10.0.0.9"].map(String::from);
        Allowed::new(
            &patterns,
            &[Url::parse("http://127.0.0.1:8123/tim").unwrap()],
        )
        .unwrap()
    }

    fn check(url: &str) -> Result<(), Refusal> {
        allowed().check(&Url::parse(url).unwrap())
    }

    #[test]
    fn names_below_a_pattern_and_known_hosts_are_allowed() {
        for url in [
            "https://mmbiz.qpic.cn/a",
            "http://A.B.QPIC.CN:8080/",
            "https://files.example.com/x",
            "http://127.0.0.1:9/x",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for url in [
            "https://qpic.cn/",
            "https://evilqpic.cn/",
            "https://qpic.cn.evil.com/",
            "https://mmbiz.qpic.cn@evil.com/",
            "https://x.files.example.com/",
            "http://localhost/",
            "http://[::1]/",
            "http://169.254.169.254/latest",
            "http://2130706433.evil/",
            "file:///etc/passwd",
            "ftp://mmbiz.qpic.cn/",
            "https://u:p@mmbiz.qpic.cn/",
        ] {
            assert!(check(url).is_err(), "{url}");
        }
        // A pattern does not make a private address public; only being known does.
        assert_eq!(
            check("http://10.0.0.9/x"),
            Err(Refusal::Address([10, 0, 0, 9].into()))
        );
    }

    /// Other spellings of 127.0.0.1 are the same host, and no way around.
    #[test]
    fn addresses_are_compared_as_addresses() {
        assert_eq!(check("http://2130706433/x"), Ok(()));
        assert!(
            Allowed::default()
                .check(&Url::parse("http://0x7f.1/").unwrap())
                .is_err()
        );
    }

    #[test]
    fn a_name_of_strangers_may_not_lead_to_a_private_address() {
        assert!(allowed().may_connect("mmbiz.qpic.cn", [1, 1, 1, 1].into()));
        assert!(!allowed().may_connect("mmbiz.qpic.cn", [127, 0, 0, 1].into()));
        let known = Allowed::new(&[], &[Url::parse("https://im.corp.internal/").unwrap()]).unwrap();
        assert!(known.may_connect("im.corp.internal", [10, 0, 0, 1].into()));
    }

    #[test]
    fn patterns_that_match_too_much_or_nothing_are_refused() {
        for text in [
            "*",
            "*.*",
            "*.cn",
            "",
            "a*b.com",
            "*.10.0.0.1",
            "http://x.com",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
