//! Commands of the server API: how one is called, and what its answer says.
//!
//! A command is a type; it names its path and the type of its answer. HTTP says 200 even to a
//! refusal, so [`answer`] looks at `ErrorCode` before anything else. (Tencent IM, 1, 3 and 4.)

mod account;
mod message;

pub use self::account::{
    AccountCheck, AccountChecked, AccountImport, CheckItem, CheckedAccount, MAX_STATUS_ACCOUNTS,
    Online, OnlineStatus, PortraitSet, QueryOnlineStatus,
};
pub use self::message::{
    AdminGetRoamMsg, AdminMsgWithdraw, FLAG_RECALLED, FORBID_CALLBACKS, RoamedMessage, RoamedPage,
    SendMsg, Sent,
};

use serde::{Deserialize, Serialize};

use super::lenient::{self, Text};

/// One command: its body serialises, its path and its answer are known.
pub trait Command: Serialize {
    /// What follows `/v4/`.
    const PATH: &'static str;
    /// What the answer says besides its result.
    type Answer<'a>: Deserialize<'a>;
}

/// An answer that says nothing but whether it went well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Nothing {}

/// The service said no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `ErrorCode`; [`super::error_table`] says what to do about it.
    pub code: i64,
    /// `ErrorInfo`, at most 200 characters of it.
    pub info: String,
}

/// Why there is no answer to work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The service said no.
    #[error("refused with {}: {}", .0.code, .0.info)]
    Refused(Refusal),
    /// What came is no answer of this service.
    #[error("an unreadable answer")]
    Unreadable,
}

/// Where `command` is called: `base` is a scheme and a host, `random` a fresh number for each call.
pub fn url(
    base: &str,
    path: &str,
    sdk_app_id: u64,
    identifier: &str,
    usersig: &str,
    random: u32,
) -> String {
    let base = base.trim_end_matches('/');
    let identifier = Escaped(identifier);
    // A UserSig's alphabet is legal in a query as it is. (1.1, "Escaping".)
    format!(
        "{base}/v4/{path}?sdkappid={sdk_app_id}&identifier={identifier}&usersig={usersig}&random={random}&contenttype=json"
    )
}

/// Reads an answer: the result first, then what the command gives.
pub fn answer<'a, C: Command>(body: &'a [u8]) -> Result<C::Answer<'a>, AnswerError> {
    let outcome: Outcome<'a> = serde_json::from_slice(body).map_err(|_| AnswerError::Unreadable)?;
    let code = match (outcome.error_code, &*outcome.action_status) {
        (Some(0), "FAIL") | (None, "FAIL") => -1, // contradicts itself: no success to rely on
        (Some(code), _) => code,
        (None, "OK") => 0,
        (None, _) => return Err(AnswerError::Unreadable),
    };
    if code != 0 {
        let info = outcome.error_info.chars().take(200).collect();
        return Err(AnswerError::Refused(Refusal { code, info }));
    }
    serde_json::from_slice(body).map_err(|_| AnswerError::Unreadable)
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Outcome<'a> {
    #[serde(borrow)]
    action_status: Text<'a>,
    #[serde(deserialize_with = "lenient::maybe_number")]
    error_code: Option<i64>,
    #[serde(borrow)]
    error_info: Text<'a>,
}

/// A query value: what is not unreserved is percent-encoded.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write;
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    f.write_char(char::from(byte))?;
                }
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}
