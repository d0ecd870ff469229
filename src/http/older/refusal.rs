//! How a call is refused: `application/problem+json` (RFC 9457) with a stable `code`. Nothing of what was sent is repeated,
//! and nothing of ours is told.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use bridge_core::{channel::ChannelError, error::Remedy, store::StoreError};
use serde_json::json;

/// Why a call was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No token, or another.
    Unauthorized,
    /// The member is no agent.
    NotAnAgent,
    /// What is meant does not exist.
    NotFound(&'static str),
    /// It is not clear what is meant.
    Ambiguous(Vec<i64>),
    /// It cannot be read.
    Malformed(String),
    /// It is too large.
    TooLarge,
    /// It cannot be made durable now.
    TryAgain,
    /// The platform did not answer as it should.
    Platform(String),
}

impl Refusal {
    fn parts(&self) -> (StatusCode, &'static str, String) {
        let (status, code, detail) = match self {
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "a bearer token is wanted",
            ),
            Self::NotAnAgent => (
                StatusCode::FORBIDDEN,
                "not_an_agent",
                "this member is no agent here",
            ),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "not_found", *what),
            Self::Ambiguous(_) => (
                StatusCode::CONFLICT,
                "ambiguous",
                "the agent has several conversations; say which: conversation",
            ),
            Self::Malformed(what) => (StatusCode::BAD_REQUEST, "malformed", what.as_str()),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "that is too long",
            ),
            Self::TryAgain => (
                StatusCode::SERVICE_UNAVAILABLE,
                "try_again",
                "not now; try again",
            ),
            Self::Platform(what) => (StatusCode::BAD_GATEWAY, "platform", what.as_str()),
        };
        (status, code, detail.to_owned())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().2)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.parts().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, code, detail) = self.parts();
        metrics::counter!("kefu_older_routes_refused_total", "code" => code).increment(1);
        let mut problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "code": code,
            "detail": detail,
        });
        if let Self::Ambiguous(conversations) = self {
            problem["conversations"] = json!(conversations);
        }
        let mut response = HttpResponse::build(status);
        if *self == Self::Unauthorized {
            response.insert_header(("www-authenticate", "Bearer"));
        }
        response
            .content_type("application/problem+json")
            .body(problem.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "a call could not be served");
        Self::TryAgain
    }
}

impl From<ChannelError> for Refusal {
    fn from(error: ChannelError) -> Self {
        tracing::warn!(%error, "the platform did not serve a call");
        match error.remedy {
            Remedy::Never => Self::Platform("the platform refused".to_owned()),
            _ => Self::Platform("the platform did not answer".to_owned()),
        }
    }
}
