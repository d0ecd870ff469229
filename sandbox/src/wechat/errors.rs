//! WeChat's error answers: code, text, and the `rid` that every error text ends with (WeChat notes, 4 and 5).

use serde_json::json;

use crate::call::Answer;
use crate::chance::Chance;

/// A refused call.
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

/// The refusal with a hint added.
pub(crate) fn refuse_with(code: i64, hint: &str) -> Refusal {
    let text = format!("{} hint: [{hint}]", words(code));
    Refusal { code, text }
}

impl Refusal {
    /// Errors come as `text/plain` more often than not, so these do.
    pub fn answer(&self, chance: &Chance, now: i64) -> Answer {
        let seconds = now / 1000;
        let rid = format!("{seconds:08x}-{}-{}", chance.hex(8), chance.hex(8));
        let body = json!({"errcode": self.code, "errmsg": format!("{} rid: {rid}", self.text)});
        Answer::new(200, "text/plain", body.to_string()).with_code(self.code)
    }
}

fn words(code: i64) -> &'static str {
    match code {
        -1 => "system error",
        40001 => {
            "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"
        }
        40002 => "invalid grant_type",
        40003 => "invalid openid",
        40004 => "invalid media type",
        40005 => "invalid file type",
        40006 => "invalid meida size",
        40007 => "invalid media_id",
        40008 => "invalid message type",
        40009 => "invalid image size",
        40010 => "invalid voice size",
        40011 => "invalid video size",
        40012 => "invalid thumb size",
        40013 => "invalid appid",
        40014 => "invalid access_token",
        40033 => "invalid charset. please check your request, if include \\uxxxx will create fail!",
        40035 => "invalid argument",
        40053 => "invalid action info",
        40125 => "invalid appsecret",
        40164 => "invalid ip, not in whitelist",
        41001 => "access_token missing",
        41002 => "appid missing",
        41004 => "appsecret missing",
        41005 => "media data missing",
        41006 => "media_id missing",
        41009 => "missing openid",
        42001 => "access_token expired",
        43001 => "require GET method",
        43002 => "require POST method",
        43004 => "require subscribe",
        44002 => "empty post data",
        44004 => "empty content",
        45001 => "media size out of limit",
        45002 => "content size out of limit",
        45008 => "article size out of limit",
        45009 => "reach max api daily quota limit",
        45011 => "api minute-quota reach limit  mustslower  retry next minute",
        45015 => "response out of time limit or subscription is canceled",
        45047 => "out of response count limit",
        45072 => "command error",
        45080 => "without interaction in the last 30 seconds",
        45081 => "already in typing status",
        45162 => "unsupported message type",
        47001 => "data format error",
        48001 => "api unauthorized",
        40037 => "invalid template_id",
        40097 => "invalid args",
        40169 => "invalid length for scene, or the data is not json string",
        41030 => "invalid page",
        43101 => "user refuse to accept the msg",
        47003 => "argument invalid!",
        61452 => "invalid kf_account",
        _ => "error",
    }
}
