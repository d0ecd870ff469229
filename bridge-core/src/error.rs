//! What may be done about a failure. Every seam has its own error type; all of them answer one question the same
//! way: does trying again help? The engine reads only [`Remedy`].

use std::time::Duration;

/// What may be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Trying again cannot help: the request itself is refused.
    Never,
    /// It certainly did not happen, and may work after this time.
    Retry {
        /// How long to wait at least.
        after: Duration,
    },
    /// It may have happened: a time-out or a cut after the request left. The inbox's setting decides.
    Unknown,
    /// The recipient's allowance is used up: wait until the contact writes again.
    Hold,
}

impl Remedy {
    /// A retry after `seconds`.
    pub const fn retry_secs(seconds: u64) -> Self {
        Self::Retry {
            after: Duration::from_secs(seconds),
        }
    }
}
