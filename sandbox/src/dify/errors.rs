//! Dify's error envelope (Dify notes, 2).

use serde_json::json;

use crate::call::Answer;

/// A refused call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

/// A refusal in the usual envelope.
pub(super) fn refuse(status: u16, code: &str, message: impl Into<String>) -> Refusal {
    Refusal {
        status,
        code: code.to_owned(),
        message: message.into(),
    }
}

/// 400 `invalid_param`
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    refuse(400, "invalid_param", message)
}

impl Refusal {
    pub fn answer(&self) -> Answer {
        let body = json!({"code": self.code, "message": self.message, "status": self.status});
        let answer = Answer::json(self.status, &body).with_code(i64::from(self.status));
        match self.status {
            401 => answer.with_header("www-authenticate", "Bearer realm=\"api\""),
            _ => answer,
        }
    }
}

/// What Dify says with an HTTP status that was ordered.
pub(super) fn ordered(status: u16) -> Refusal {
    let (code, message) = match status {
        400 => (
            "bad_request",
            "The browser (or proxy) sent a request that this server could not understand.",
        ),
        401 => ("unauthorized", "Access token is invalid"),
        403 => ("forbidden", "The app's API service has been disabled."),
        404 => ("not_found", "Conversation Not Exists."),
        413 => ("file_too_large", ""),
        429 => (
            "too_many_requests",
            "Too many requests. Please try again later. The current maximum concurrent requests allowed for the app is 10.",
        ),
        500 => (
            "internal_server_error",
            "Internal Server Error, please contact support.",
        ),
        _ => ("unknown", "unknown error"),
    };
    refuse(status, code, message)
}
