//! Why a medium did not get here, and whether it ever will.

use bridge_core::channel::ChannelError;
use bridge_core::error::Remedy;
use bridge_core::media::MediaError;

use crate::fetch::FetchError;

/// Why a medium could not be brought here, and whether trying again may help.
#[derive(Debug)]
pub struct Failure {
    error: MediaError,
    /// The platform itself said that it is not there: no setting of ours and no later attempt changes that.
    is_final: bool,
}

impl Failure {
    /// We do not do that; with other settings we might.
    pub fn refused(detail: impl Into<String>) -> Self {
        Self {
            error: MediaError::new(Remedy::Never, detail),
            is_final: false,
        }
    }

    /// It may work later: the network, a busy platform.
    pub fn passing(detail: impl Into<String>) -> Self {
        Self {
            error: MediaError::new(Remedy::retry_secs(5), detail),
            is_final: false,
        }
    }

    /// Whether nobody needs to ask again, ever.
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// Why, for logs; no secrets.
    pub fn detail(&self) -> &str {
        &self.error.detail
    }

    /// Two ways, both failed: as hopeful as the more hopeful one.
    pub fn and(self, second: Self) -> Self {
        let detail = format!("{}; {}", self.error.detail, second.error.detail);
        let hope = |failure: &Self| matches!(failure.error.remedy, Remedy::Retry { .. });
        let remedy = if hope(&self) {
            self.error.remedy
        } else {
            second.error.remedy
        };
        Self {
            error: MediaError::new(remedy, detail),
            is_final: self.is_final && second.is_final,
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let remedy = if error.is_passing() {
            Remedy::retry_secs(5)
        } else {
            Remedy::Never
        };
        let is_final = matches!(error, FetchError::Status(_)) && !error.is_passing();
        Self {
            error: MediaError::new(remedy, error.to_string()),
            is_final,
        }
    }
}

impl From<ChannelError> for Failure {
    fn from(error: ChannelError) -> Self {
        use bridge_core::channel::ChannelErrorKind::Refused;
        let remedy = match error.remedy {
            // Fetching changes nothing at the platform: what may have happened may happen again.
            Remedy::Unknown => Remedy::retry_secs(5),
            other => other,
        };
        let is_final = remedy == Remedy::Never && error.kind == Refused;
        Self {
            error: MediaError::new(remedy, error.to_string()),
            is_final,
        }
    }
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        Self {
            error,
            is_final: false,
        }
    }
}

impl From<Failure> for MediaError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}
