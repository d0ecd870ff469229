//! Tencent IM's error answers: HTTP 200 with `ActionStatus` `FAIL` (Tencent IM: error codes, 10).

use serde_json::{Value, json};

use crate::call::Answer;

/// A refused command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub code: i64,
    pub text: String,
}

/// The refusal with the platform's usual words.
pub(crate) fn refuse(code: i64) -> Refusal {
    let text = words(code).to_owned();
    Refusal { code, text }
}

impl From<(i64, String)> for Refusal {
    fn from((code, text): (i64, String)) -> Self {
        Self { code, text }
    }
}

impl Refusal {
    pub fn answer(&self) -> Answer {
        let body = json!({"ActionStatus": "FAIL", "ErrorCode": self.code, "ErrorInfo": self.text});
        Answer::json(200, &body).with_code(self.code)
    }
}

/// A success with further fields.
pub(crate) fn done(fields: Value) -> Answer {
    let mut body = json!({"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": ""});
    if let (Some(body), Value::Object(fields)) = (body.as_object_mut(), fields) {
        body.extend(fields);
    }
    Answer::json(200, &body).with_code(0)
}

fn words(code: i64) -> &'static str {
    match code {
        60002 => "http parse error",
        60003 => "http body is not valid json",
        60004 => "invalid identifier",
        60005 => "invalid usersig",
        60006 => "invalid sdkappid",
        60007 => "command frequency limit exceeded",
        60008 => "service timeout or request format error",
        60009 => "request resource error",
        60010 => "request needs app admin privilege",
        60012 => "sdkappid is missing",
        70001 => "usersig expired",
        70002 => "usersig is empty",
        70003 | 70005 => "usersig is invalid",
        70009 => "usersig verification failed: the key does not match",
        70013 => "usersig identifier does not match",
        70014 => "usersig sdkappid does not match",
        70107 => "requested userid does not exist",
        70206 => "too many accounts in one request",
        70402 => "parameter is invalid",
        71000 => "accounts of this edition cannot be deleted",
        20003 => "sender or receiver is invalid or not imported",
        20016 => "the recall time limit is over",
        20022 => "the message to recall does not exist",
        20023 => "the message was recalled already",
        40601 => "a profile value is too long",
        90001 => "json parse failed",
        90003 => "To_Account is missing or not a string",
        90005 => "MsgRandom is missing or not an integer",
        90008 => "From_Account is invalid",
        90011 => "more than 500 accounts",
        90012 => "To_Account is not registered",
        90026 => "MsgLifeTime is longer than 7 days",
        90031 => "SyncOtherMachine is not an integer",
        90044 => "MsgLifeTime is not an integer",
        90048 => "the requested account does not exist",
        90054 => "MsgKey is invalid",
        93000 => "the message packet is too long",
        _ => "error",
    }
}
