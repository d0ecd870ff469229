//! What a refusal of Dify's means for us (Dify: errors, 2.2 and 16).
//!
//! Dify says the same thing in four shapes: a JSON envelope, an `error` event after HTTP 200, a failed workflow, and
//! whatever a proxy in front of it writes. [`Failure`] is their common form; [`Failure::advice`] is the table.

use std::time::Duration;

use serde_json::Value;

use super::fields::Fields;

/// A request, or a run, that Dify did not carry out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status, or the one that an event names; 0 when there was none.
    pub status: u16,
    /// Dify's fixed word; empty when the answer was not Dify's.
    pub code: String,
    /// For the log: Dify's own text, or the beginning of what a proxy wrote.
    pub message: String,
    /// The field that was refused, where named.
    pub field: String,
    /// Told after the run had begun: the model may have worked, and the question may stand in the conversation.
    pub mid_run: bool,
}

/// What may be done about a [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Class R: ask again, with growing pauses, at most `times` more. `may_have_run`: look into the conversation's
    /// messages first, because asking twice runs the model twice.
    Retry {
        /// How often at most.
        times: u32,
        /// Whether the question may have been answered already.
        may_have_run: bool,
    },
    /// Class N: forget Dify's conversation and ask once more without it.
    Renew,
    /// Streaming was refused: ask again for a blocking answer.
    AskBlocking,
    /// Blocking was refused: ask again for a stream.
    AskStreaming,
    /// Class X: nothing that a repetition mends; the operator must know.
    Operator,
    /// Class U: the visitor's own input was refused (too large, of a kind not taken).
    Visitor,
}

/// How often a passing failure is tried again.
const PATIENCE: u32 = 3;
/// How much of a foreign text is kept for the log.
const QUOTED: usize = 300;

const RETRY: Advice = Advice::Retry {
    times: PATIENCE,
    may_have_run: false,
};
const RETRY_ONCE: Advice = Advice::Retry {
    times: 1,
    may_have_run: false,
};
const LOOK_ONCE: Advice = Advice::Retry {
    times: 1,
    may_have_run: true,
};
const RETRY_UNSURE: Advice = Advice::Retry {
    times: PATIENCE,
    may_have_run: true,
};

/// Code by code, in the order of the protocol notes.
const TABLE: &[(&str, Advice)] = &[
    ("invalid_param", Advice::Operator),
    ("bad_request", Advice::Operator),
    ("app_unavailable", Advice::Operator),
    ("not_chat_app", Advice::Operator),
    ("not_completion_app", Advice::Operator),
    ("not_workflow_app", Advice::Operator),
    ("agent_not_published", Advice::Operator),
    ("conversation_completed", Advice::Renew),
    ("provider_not_initialize", Advice::Operator),
    ("provider_quota_exceeded", Advice::Operator),
    ("model_currently_not_support", Advice::Operator),
    ("completion_request_error", RETRY_ONCE),
    ("no_file_uploaded", Advice::Operator),
    ("too_many_files", Advice::Operator),
    ("filename_not_exists_error", Advice::Operator),
    ("no_audio_uploaded", Advice::Visitor),
    ("provider_not_support_speech_to_text", Advice::Visitor),
    ("speech_to_text_disabled", Advice::Visitor),
    ("unauthorized", Advice::Operator),
    ("forbidden", Advice::Operator),
    ("workflow_version_execution_not_allowed", Advice::Operator),
    ("file_access_denied", Advice::Operator),
    ("file_not_found", Advice::Operator),
    ("end_user_not_found", Advice::Operator),
    ("file_too_large", Advice::Visitor),
    ("audio_too_large", Advice::Visitor),
    ("unsupported_file_type", Advice::Visitor),
    ("unsupported_audio_type", Advice::Visitor),
    ("too_many_requests", RETRY),
    ("rate_limit_error", RETRY),
    ("internal_server_error", RETRY),
    ("unknown", RETRY),
    ("pipeline_run_error", RETRY),
];

impl Failure {
    /// Reads a refused request's body, whatever wrote it.
    pub fn of_response(status: u16, body: &[u8]) -> Self {
        let value: Option<Value> = serde_json::from_slice(body).ok();
        match value.as_ref().filter(|value| value.is_object()) {
            Some(value) => Self {
                status,
                ..Self::of(Fields::of(value))
            },
            None => Self {
                status,
                message: quoted(&String::from_utf8_lossy(body)),
                ..Self::default()
            },
        }
    }

    /// Reads an `error` event, which comes after HTTP 200.
    pub(crate) fn of_event(fields: Fields<'_>) -> Self {
        Self {
            mid_run: true,
            ..Self::of(fields)
        }
    }

    /// A workflow that finished as failed; no code comes with it.
    pub fn of_workflow(error: &str) -> Self {
        Self {
            code: RUN_FAILED.into(),
            message: quoted(error),
            mid_run: true,
            ..Self::default()
        }
    }

    /// The stream ended, or its peer fell silent, before the answer did.
    pub fn cut_off(why: &str) -> Self {
        Self {
            message: quoted(why),
            mid_run: true,
            ..Self::default()
        }
    }

    /// Nobody answered the call: it cannot have done anything.
    pub fn unreachable(why: &str) -> Self {
        Self {
            code: UNREACHABLE.into(),
            message: quoted(why),
            ..Self::default()
        }
    }

    /// The answer had no sense in it.
    pub fn unreadable(why: &str) -> Self {
        Self {
            code: UNREADABLE.into(),
            message: quoted(why),
            ..Self::default()
        }
    }

    /// The run ended well and said nothing.
    pub fn empty() -> Self {
        Self {
            code: EMPTY.into(),
            message: "the answer was empty".into(),
            mid_run: true,
            ..Self::default()
        }
    }

    /// The flow waits for a person's input on Dify's side, which nobody here can give.
    pub fn paused() -> Self {
        Self {
            code: PAUSED.into(),
            message: "the flow waits for a person's input".into(),
            mid_run: true,
            ..Self::default()
        }
    }

    fn of(fields: Fields<'_>) -> Self {
        Self {
            status: fields
                .whole("status")
                .and_then(|n| u16::try_from(n).ok())
                .unwrap_or_default(),
            code: quoted(fields.text("code").unwrap_or_default()),
            message: quoted(
                fields
                    .text("message")
                    .or(fields.text("error"))
                    .unwrap_or_default(),
            ),
            field: quoted(fields.text("params").unwrap_or_default()),
            mid_run: false,
        }
    }

    /// The code, if it is one that is known here; `other` else. For counters, whose labels must be few.
    pub fn known_code(&self) -> &'static str {
        let ours = [
            RUN_FAILED,
            UNREACHABLE,
            UNREADABLE,
            EMPTY,
            PAUSED,
            "not_found",
        ];
        let mut known = TABLE.iter().map(|(code, _)| *code).chain(ours);
        match self.code.as_str() {
            "" => "none",
            code => known.find(|known| *known == code).unwrap_or("other"),
        }
    }

    /// What may be done about it.
    pub fn advice(&self) -> Advice {
        if let Some(exception) = self.exception() {
            return exception;
        }
        TABLE
            .iter()
            .find(|(code, _)| *code == self.code)
            .map_or_else(
                || by_status(self.status, self.mid_run),
                |(_, advice)| *advice,
            )
    }

    /// Codes that mean several things, told apart by the text behind them.
    fn exception(&self) -> Option<Advice> {
        let text = self.message.to_ascii_lowercase();
        match self.code.as_str() {
            // The text may carry the framework's "did you mean": only its beginning counts.
            "not_found" if text.starts_with("conversation not exists") => Some(Advice::Renew),
            "not_found" => Some(Advice::Operator),
            "invalid_param" if self.names_conversation(&text) => Some(Advice::Renew),
            "invalid_param" | "bad_request" if text.contains("blocking") => {
                Some(Advice::AskStreaming)
            }
            "invalid_param" | "bad_request" if text.contains("streaming") => {
                Some(Advice::AskBlocking)
            }
            "invalid_param" if self.mid_run && text.starts_with("run failed") => Some(RETRY_ONCE),
            "forbidden" if text.contains("rate limit") => Some(RETRY),
            "rate_limit_error" if text.contains("quota") => Some(Advice::Operator),
            "" if matches!(self.status, 406 | 415) => Some(Advice::AskBlocking),
            RUN_FAILED => Some(RETRY_ONCE),
            UNREACHABLE => Some(RETRY),
            // Perhaps lost between Dify's worker and its API (Dify: traps 12), perhaps really nothing.
            EMPTY => Some(LOOK_ONCE),
            UNREADABLE | PAUSED => Some(Advice::Operator),
            _ => None,
        }
    }

    fn names_conversation(&self, text: &str) -> bool {
        self.field == "conversation_id" || text.contains("conversation_id must be a valid uuid")
    }
}

// Our own words for what Dify gives none.
const RUN_FAILED: &str = "run_failed";
const UNREACHABLE: &str = "unreachable";
const UNREADABLE: &str = "unreadable";
const EMPTY: &str = "empty_answer";
const PAUSED: &str = "workflow_paused";

/// For answers that are not Dify's, and codes that are newer than the table.
fn by_status(status: u16, mid_run: bool) -> Advice {
    match status {
        // Nothing was heard, or a proxy lost patience: the run may have gone on behind it.
        0 | 408 | 502 | 503 | 504 | 520..=527 => RETRY_UNSURE,
        429 => RETRY,
        500..=599 if mid_run => RETRY_ONCE,
        500..=599 => RETRY,
        413 => Advice::Visitor,
        _ => Advice::Operator,
    }
}

/// `Retry-After` as seconds; a date, a negative or an absurd value reads as none. Never longer than ten minutes.
pub fn retry_after(header: &str) -> Option<Duration> {
    let seconds: u64 = header.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(600)))
}

fn quoted(text: &str) -> String {
    text.chars().take(QUOTED).collect()
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.status, self.code.as_str()) {
            (0, "") => write!(f, "{}", self.message),
            (status, "") => write!(f, "HTTP {status}: {}", self.message),
            (0, code) => write!(f, "{code}: {}", self.message),
            (status, code) => write!(f, "HTTP {status} {code}: {}", self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Failure {
        Failure::of_response(status, body.as_bytes())
    }

    #[test]
    fn a_conversation_that_dify_forgot_is_renewed() {
        for body in [
            r#"{"code":"not_found","message":"Conversation Not Exists.","status":404}"#,
            r#"{"code":"not_found","message":"Conversation Not Exists. You have requested this URI [/v1/chat-messages] but did you mean …"}"#,
        ] {
            assert_eq!(read(404, body).advice(), Advice::Renew);
        }
        let completed = r#"{"code":"conversation_completed","message":"ended"}"#;
        assert_eq!(read(400, completed).advice(), Advice::Renew);
        let malformed = r#"{"code": "invalid_param", "message": "not-a-uuid is not a valid uuid.", "params": "conversation_id"}"#;
        assert_eq!(read(400, malformed).advice(), Advice::Renew);
        let other = r#"{"code":"not_found","message":"Message Not Exists.","status":404}"#;
        assert_eq!(read(404, other).advice(), Advice::Operator);
    }

    #[test]
    fn a_page_that_is_not_difys_is_judged_by_its_status() {
        let html = "<!doctype html><title>404 Not Found</title>";
        assert_eq!(read(404, html).advice(), Advice::Operator);
        assert_eq!(read(429, "error code: 1015").advice(), RETRY);
        assert_eq!(read(504, "<html>gateway time-out").advice(), RETRY_UNSURE);
        assert_eq!(read(524, "").advice(), RETRY_UNSURE);
        assert_eq!(read(500, "[]").advice(), RETRY);
    }

    #[test]
    fn a_refused_mode_names_the_other_one() {
        let agent = r#"{"code": "invalid_param", "message": "Agent Chat App does not support blocking mode", "status": 400}"#;
        assert_eq!(read(400, agent).advice(), Advice::AskStreaming);
        let gateway = r#"{"code":"bad_request","message":"streaming is disabled here"}"#;
        assert_eq!(read(400, gateway).advice(), Advice::AskBlocking);
        assert_eq!(read(406, "Not Acceptable").advice(), Advice::AskBlocking);
    }

    #[test]
    fn a_run_that_failed_is_tried_once_more_and_a_wrong_key_never() {
        assert_eq!(Failure::of_workflow("boom").advice(), RETRY_ONCE);
        let key =
            r#"{"code": "unauthorized", "message": "Access token is invalid", "status": 401}"#;
        assert_eq!(read(401, key).advice(), Advice::Operator);
        let cut = Failure::cut_off("reset by peer");
        assert_eq!(cut.advice(), RETRY_UNSURE);
    }

    #[test]
    fn a_plan_that_is_used_up_is_not_a_rate() {
        let rate = r#"{"code":"rate_limit_error","message":"slow down"}"#;
        let quota = r#"{"code":"rate_limit_error","message":"Quota exceeded for workspace"}"#;
        assert_eq!(read(429, rate).advice(), RETRY);
        assert_eq!(read(429, quota).advice(), Advice::Operator);
        let plan = r#"{"code":"forbidden","message":"knowledge base rate limit reached"}"#;
        assert_eq!(read(403, plan).advice(), RETRY);
    }

    #[test]
    fn recorded_refusals_mean_what_they_meant() {
        let cases = [
            ("10-errors-bad-key.txt", 401, Advice::Operator),
            (
                "10-errors-malformed-conversation-id.txt",
                400,
                Advice::Renew,
            ),
            ("10-errors-missing-user.txt", 400, Advice::Operator),
            ("10-errors-query-empty.txt", 400, Advice::Operator),
            ("10-errors-unknown-conversation.txt", 404, Advice::Renew),
            ("10-errors-unknown-path.txt", 404, Advice::Operator),
            ("14-agent-blocking.txt", 400, Advice::AskStreaming),
            ("18-files-upload-image-11MB.txt", 413, Advice::Visitor),
            (
                "20-conversations-chat-on-deleted-streaming.txt",
                404,
                Advice::Renew,
            ),
            ("05-model-error-blocking.txt", 400, RETRY_ONCE),
        ];
        for (file, status, advice) in cases {
            let recorded = &crate::dify::fixtures::read(file)[0];
            assert_eq!(recorded.status, status, "{file}");
            let failure = Failure::of_response(recorded.status, &recorded.body);
            assert_eq!(failure.advice(), advice, "{file}");
        }
    }

    #[test]
    fn no_code_stands_twice() {
        for (at, (code, _)) in TABLE.iter().enumerate() {
            assert!(
                TABLE[at + 1..].iter().all(|(other, _)| other != code),
                "{code}"
            );
        }
    }

    #[test]
    fn retry_after_is_believed_within_reason() {
        assert_eq!(retry_after(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("86400"), Some(Duration::from_secs(600)));
        assert_eq!(retry_after("-1"), None);
        assert_eq!(retry_after("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }

    #[test]
    fn long_foreign_texts_are_quoted_in_part() {
        assert_eq!(
            read(502, &"长".repeat(10_000)).message.chars().count(),
            QUOTED
        );
    }
}
