//! Whether something the bridge can do without is there: for `/readyz`, `check` and people who look.

/// The state of a cache or a broker.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// Whether it works.
    pub up: bool,
    /// What and where it is; and, where it does not work, why. Never a password.
    pub detail: String,
}

impl Health {
    /// It works; `detail` says how it was found to.
    pub fn up(detail: impl Into<String>) -> Self {
        Self {
            up: true,
            detail: detail.into(),
        }
    }

    /// It does not work; `detail` says why.
    pub fn down(detail: impl Into<String>) -> Self {
        Self {
            up: false,
            detail: detail.into(),
        }
    }
}
