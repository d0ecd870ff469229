//! WeCom's error answers: HTTP 200, a code, words, and the hint that every error text ends with (WeCom notes, 4.1 and 5.2).

use serde_json::json;

use crate::call::Answer;
use crate::chance::Chance;

/// A refused call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub code: i64,
    text: String,
}

/// The refusal with the platform's usual words.
pub(super) fn refuse(code: i64) -> Refusal {
    let text = words(code).to_owned();
    Refusal { code, text }
}

/// The refusal with what it is about.
pub(super) fn refuse_with(code: i64, what: &str) -> Refusal {
    let text = format!("{}, {what}", words(code));
    Refusal { code, text }
}

impl Refusal {
    pub fn answer(&self, chance: &Chance, now: i64) -> Answer {
        let (code, text) = (self.code, &self.text);
        let hint = format!("{}{}", now / 1000, chance.hex(12));
        let body = json!({
            "errcode": code,
            "errmsg": format!("{text}, hint: [{hint}], from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e={code}")
        });
        Answer::new(200, "application/json; charset=UTF-8", body.to_string()).with_code(code)
    }
}

fn words(code: i64) -> &'static str {
    match code {
        -1 => "system error",
        40001 => "invalid credential",
        40003 => "invalid user id",
        40004 => "invalid media file type",
        40005 => "invalid type parameter",
        40006 => "invalid media size",
        40007 => "invalid media_id",
        40008 => "invalid message type",
        40013 => "invalid corpid",
        40014 => "invalid access_token",
        40056 => "invalid agentid",
        40058 => "invalid Request Parameter",
        40096 => "invalid external userid",
        40201 | 40204 => "content blocked by the security policy",
        41001 => "access_token missing",
        41002 => "corpid missing",
        41004 => "corpsecret missing",
        41005 => "media data missing",
        41006 => "media_id missing",
        41050 => "invalid or expired code",
        41051 => "the code was used, or the conversation has begun",
        42001 => "access_token expired",
        42014 => "invalid task_id",
        42015 => "the card belongs to another app",
        42052 => "the message is older than 24 hours",
        43001 => "require GET method",
        43002 => "require POST method",
        43004 => "the user is neither activated nor following",
        43012 => "the app has no callback url",
        44001 => "empty media data",
        44004 => "text content is empty",
        45001 => "media size out of limit",
        45002 => "content size out of limit",
        45009 => "api freq out of limit",
        45033 => "api concurrent out of limit",
        46004 | 60111 => "userid not found",
        47001 => "data format error",
        48002 => "api forbidden",
        50001 => "redirect_url not trusted",
        50003 => "app stopped",
        60011 => "no privilege to access/modify contact/party/agent",
        60020 => "not allow to access from your ip",
        81013 => "user & party & tag all invalid",
        82001 => "user & party & tag all empty",
        84061 => "not external contact",
        93000 => "invalid webhook url",
        93004 => "robot disabled",
        93008 => "robot not in the group",
        301002 => "no privilege to access this agent",
        _ => card_words(code),
    }
}

/// What can be wrong with a template card (WeCom notes, 4.1).
fn card_words(code: i64) -> &'static str {
    match code {
        42027 => "horizontal_content_list.keyname missing",
        42028 => "url missing",
        42029 => "media_id missing",
        42030 => "appid missing",
        42031 => "invalid card_type",
        42033 => "title missing",
        42035 => "horizontal_content_list out of range",
        42036 => "vertical_content_list out of range",
        42037 => "option_list out of range",
        42038 => "button text missing",
        42039 => "button key missing",
        42040 => "option id missing",
        42041 => "option text missing",
        42042 => "jump_list out of range",
        42043 => "question_key missing",
        42044 => "card_image.url missing",
        42045 => "card_action missing",
        42046 => "submit_button.key missing",
        42047 => "select_list out of range",
        42049 => "submit_button.text missing",
        42050 => "horizontal_content_list.userid missing",
        42051 => "action_menu keys conflict",
        _ => "error",
    }
}
