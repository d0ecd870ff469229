//! Why a channel could not do something, and what may be done about it.

use std::fmt;

use super::Bilingual;
use crate::error::Remedy;

/// Why a channel could not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ChannelError {
    /// What kind of failure.
    pub kind: ChannelErrorKind,
    /// What may be done about it.
    pub remedy: Remedy,
    /// The platform's own code, where it gave one.
    pub code: Option<i64>,
    /// For logs: no secrets.
    pub detail: String,
    /// For the agent whose message it was, where there is more to say than "not delivered".
    pub advice: Option<Bilingual>,
}

/// What kind of failure; decides what a callback is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelErrorKind {
    /// A signature, a key or an account id does not fit: 401, nothing is stored.
    Forged,
    /// It cannot be read: 400.
    Malformed,
    /// It is too large: 413.
    TooLarge,
    /// The platform refused.
    Refused,
    /// The network, or no answer in time.
    Network,
    /// Our own configuration or the operator's account: somebody must act.
    Configuration,
    /// Nothing was sent yet: so many a second are allowed, and those are used up. It is no failed try.
    Busy,
}

impl fmt::Display for ChannelErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forged => "forged",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::Network => "network",
            Self::Configuration => "configuration",
            Self::Busy => "busy",
        })
    }
}

impl ChannelError {
    /// A failure without code or advice.
    pub fn new(kind: ChannelErrorKind, remedy: Remedy, detail: impl Into<String>) -> Self {
        Self {
            kind,
            remedy,
            code: None,
            detail: detail.into(),
            advice: None,
        }
    }

    /// A callback that is not the platform's.
    pub fn forged(detail: impl Into<String>) -> Self {
        Self::new(ChannelErrorKind::Forged, Remedy::Never, detail)
    }

    /// A callback that cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ChannelErrorKind::Malformed, Remedy::Never, detail)
    }

    /// The platform refused, by this code of its own.
    pub fn refused(code: i64, remedy: Remedy, detail: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            ..Self::new(ChannelErrorKind::Refused, remedy, detail)
        }
    }

    /// The network failed: whether it may have been sent is said by `remedy`.
    pub fn network(remedy: Remedy, detail: impl Into<String>) -> Self {
        Self::new(ChannelErrorKind::Network, remedy, detail)
    }

    /// Adds what an agent should read.
    pub fn advise(mut self, zh: impl Into<String>, en: impl Into<String>) -> Self {
        self.advice = Some(Bilingual::new(zh, en));
        self
    }
}
