//! Rows of `sync_msg` (WeCom: 3.3, 3.4): what each says, by whom, and about whom.

use std::collections::BTreeMap;

use bridge_core::message::{Content, Event, InboxName, Media};
use serde_json::Value;

use crate::wechat::Fields;

/// The most of anything that is shown of what we have no kind for.
const SUMMARY: usize = 1000;
/// Lines of a forwarded chat that are shown, and how deep they may nest.
const MERGED: usize = 50;
const DEPTH: usize = 3;

/// "There is something to pull for this account": all that a callback says (WeCom: 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The KF account; empty in pushes of older versions.
    pub open_kf_id: String,
    /// Makes the pull cheaper for ten minutes.
    pub token: Option<String>,
}

/// Who a row is by (WeCom: 3.2, `origin`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// 3: the customer, in WeChat.
    Customer,
    /// 4: the platform.
    System,
    /// 5: a servicer, in the WeCom client.
    Servicer,
    /// Something new.
    Other,
}

/// Who a row is by.
pub fn origin(row: &Value) -> Origin {
    match row["origin"].as_i64() {
        Some(3) => Origin::Customer,
        Some(4) => Origin::System,
        Some(5) => Origin::Servicer,
        _ => Origin::Other,
    }
}

/// The customer a row is about: events tell it inside. `None`: it is about none.
pub fn customer(row: &Value) -> Option<&str> {
    let top = row["external_userid"].as_str();
    let inside = row["event"]["external_userid"].as_str();
    top.or(inside).filter(|id| !id.is_empty())
}

/// The servicer a row is by or about: who said it, has the conversation now, or had it (WeCom: 3.3, 3.4).
pub fn servicer(row: &Value) -> Option<&str> {
    let event = &row["event"];
    [
        &row["servicer_userid"],
        &event["servicer_userid"],
        &event["new_servicer_userid"],
        &event["old_servicer_userid"],
    ]
    .into_iter()
    .find_map(|id| id.as_str().filter(|id| !id.is_empty()))
}

/// The row's own `msgid`, by which a repeat is known.
pub fn message_id(row: &Value) -> Option<&str> {
    row["msgid"].as_str().filter(|id| !id.is_empty())
}

/// When, in Unix seconds.
pub fn sent_at(row: &Value) -> Option<i64> {
    row["send_time"].as_i64()
}

/// The code by which a customer who enters may be greeted once, within 20 s (WeCom: 3.6).
pub fn welcome_code(row: &Value) -> Option<&str> {
    let code = row["event"]["welcome_code"].as_str();
    code.filter(|code| !code.is_empty())
}

/// One more message that may be said after a change of the session (WeCom: 3.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWord {
    /// Names the receiver, once.
    pub code: String,
    /// For how long, in seconds.
    pub seconds: u64,
    /// Whether it may be a menu; else only a text.
    pub menu: bool,
}

/// How long a code serves after the session became this, and whether for a menu, too (WeCom: 3.6).
pub fn last_word(code: &str, ended: bool) -> Option<LastWord> {
    (!code.is_empty()).then(|| LastWord {
        code: code.to_owned(),
        seconds: if ended { 20 } else { 48 * 3600 },
        menu: ended,
    })
}

/// The code in a row that tells of a change of the session.
pub fn row_last_word(row: &Value) -> Option<LastWord> {
    let event = &row["event"];
    last_word(event["msg_code"].as_str()?, event["change_type"] == 3)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// What a row says. Every row says something: what has no kind is told by its name and what can be read of it.
pub fn content(row: &Value, inbox: &InboxName) -> Content {
    let kind = row["msgtype"].as_str().unwrap_or_default();
    let body = &row[kind];
    let media = || Media::remote(inbox, text(body, "media_id"), None);
    match kind {
        "text" => match body["menu_id"].as_str().filter(|id| !id.is_empty()) {
            Some(id) => Content::Choice {
                id: id.to_owned(),
                label: text(body, "content"),
            },
            None => Content::text(text(body, "content")),
        },
        "image" => Content::Image { media: media() },
        "voice" => Content::Voice {
            media: media(),
            words: None,
            seconds: None,
        },
        "video" => Content::Video {
            media: media(),
            thumbnail: None,
            seconds: None,
        },
        "file" => Content::File { media: media() },
        "location" => location(body),
        "link" => Content::Link {
            title: text(body, "title"),
            description: text(body, "desc"),
            url: text(body, "url"),
            picture_url: body["pic_url"].as_str().map(str::to_owned),
        },
        "miniprogram" => Content::MiniProgram {
            app_id: text(body, "appid"),
            title: text(body, "title"),
            path: text(body, "pagepath"),
            thumbnail: body["thumb_media_id"]
                .as_str()
                .filter(|id| !id.is_empty())
                .map(|id| Media::remote(inbox, id, None)),
        },
        "event" => event(body),
        other => Content::Unsupported {
            what: bounded(other, 64),
            summary: bounded(&summary(other, body, DEPTH), SUMMARY),
        },
    }
}

fn location(body: &Value) -> Content {
    let (name, address) = (text(body, "name"), text(body, "address"));
    let label = [name, address]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    Content::Location {
        latitude: body["latitude"].as_f64().unwrap_or_default(),
        longitude: body["longitude"].as_f64().unwrap_or_default(),
        label,
    }
}

fn event(body: &Value) -> Content {
    let name = body["event_type"].as_str().unwrap_or_default();
    Content::Event(match name {
        "enter_session" => Event::Entered {
            from: scene(body),
            greet: !text(body, "welcome_code").is_empty(),
        },
        "user_recall_msg" => {
            return Content::Recalled {
                external_id: text(body, "recall_msgid"),
            };
        }
        "msg_send_fail" => {
            let (zh, _) = send_failure(body["fail_type"].as_i64().unwrap_or_default());
            Event::DeliveryReport {
                external_id: text(body, "fail_msgid"),
                delivered: false,
                reason: zh.to_owned(),
                // 48 hours over, the session closed, the five used up: the contact has to write first.
                used_up: matches!(body["fail_type"].as_i64(), Some(4..=6)),
            }
        }
        "session_status_change" => match body["change_type"].as_i64() {
            // Taken from the pool, passed on by a colleague, come back to.
            Some(1 | 2 | 4) => Event::Taken,
            Some(3) => Event::Ended,
            _ => other(name, body),
        },
        "servicer_status_change" => Event::Presence {
            // 1 or 2 here, 0 or 1 in the list (WeCom: 3.4, 3.8).
            online: body["status"].as_i64() == Some(1),
        },
        _ => other(name, body),
    })
}

fn other(name: &str, body: &Value) -> Event {
    Event::Other {
        name: bounded(name, 64),
        detail: detail(body),
    }
}

/// What the link said about itself: its parameter, else its scene.
fn scene(body: &Value) -> String {
    let parameter = text(body, "scene_param");
    match parameter.is_empty() {
        true => text(body, "scene"),
        false => percent_decoded(&parameter),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                digit(high).zip(digit(low))
            }
            _ => None,
        };
        match escaped.and_then(|(high, low)| u8::try_from(high << 4 | low).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An event's plain fields as text; codes that could be used by whoever reads them are left out.
fn detail(body: &Value) -> BTreeMap<String, String> {
    let fields = body.as_object().into_iter().flatten();
    fields
        .filter(|(name, _)| !["event_type", "msg_code", "welcome_code"].contains(&name.as_str()))
        .take(32)
        .filter_map(|(name, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(yes) => yes.to_string(),
                _ => return None,
            };
            Some((bounded(name, 64), bounded(&value, 256)))
        })
        .collect()
}

/// What can be read of something we have no kind for.
fn summary(kind: &str, body: &Value, depth: usize) -> String {
    let join = |parts: &[String]| {
        let parts = parts.iter().filter(|part| !part.is_empty());
        parts.cloned().collect::<Vec<_>>().join(" · ")
    };
    match kind {
        "business_card" => format!("名片：{}", text(body, "userid")),
        "channels_shop_product" => join(&[
            format!("商品：{}", text(body, "title")),
            price(&body["sales_price"]),
            text(body, "shop_nickname"),
        ]),
        "channels_shop_order" => join(&[
            format!("订单：{}", text(body, "order_id")),
            text(body, "product_titles"),
            text(body, "price_wording"),
            text(body, "state"),
            text(body, "shop_nickname"),
        ]),
        "channels" => {
            let what = match body["sub_type"].as_i64() {
                Some(1) => "视频号动态",
                Some(2) => "视频号直播",
                Some(3) => "视频号名片",
                _ => "视频号",
            };
            join(&[what.to_owned(), text(body, "nickname"), text(body, "title")])
        }
        "merged_msg" => merged(body, depth),
        "msgmenu" => join(&[text(body, "head_content"), text(body, "tail_content")]),
        "note" => "笔记".to_owned(),
        "meeting" => "会议".to_owned(),
        "schedule" | "calendar" => "日程".to_owned(),
        _ if body.is_null() => String::new(),
        _ => body.to_string(),
    }
}

/// Cents, as a string or a number (WeCom: 3.3).
fn price(value: &Value) -> String {
    let cents = value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    cents.map_or(String::new(), |cents| {
        format!("¥{}.{:02}", cents / 100, cents.rem_euclid(100))
    })
}

/// A forwarded chat, a line each. Its parts are JSON in strings, and may nest.
fn merged(body: &Value, depth: usize) -> String {
    let mut lines = vec![text(body, "title")];
    let items = body["item"].as_array().into_iter().flatten();
    for item in items.take(MERGED) {
        let inner: Value = item["msg_content"]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let kind = inner["msgtype"].as_str().unwrap_or_default();
        let said = match (kind, depth) {
            ("text", _) => text(&inner["text"], "content"),
            (_, 0) | ("image" | "voice" | "video" | "file", _) => format!("[{kind}]"),
            _ => summary(kind, &inner[kind], depth - 1),
        };
        lines.push(format!("{}：{said}", text(item, "sender_name")));
    }
    lines.join("\n")
}

fn bounded(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

/// What `msg_send_fail` means (WeCom: 3.4), in Chinese and English.
pub fn send_failure(kind: i64) -> (&'static str, &'static str) {
    match kind {
        1 => ("客服账号已被删除", "the KF account was deleted"),
        2 => ("应用已关闭", "the app was closed"),
        4 => (
            "客户超过 48 小时未发言",
            "the contact has not written for 48 hours",
        ),
        5 => ("会话已结束", "the session has ended"),
        6 => ("已超过 5 条消息", "more than five messages"),
        7 | 9 => ("未绑定视频号", "no channels account is bound"),
        8 => ("企业未认证", "the corp is not verified"),
        10 => ("客户拒收消息", "the contact refuses messages"),
        11 => (
            "企业没有成员登录企业微信",
            "no member of the corp is logged in",
        ),
        12 => (
            "客服组件禁止发送这种消息",
            "the component forbids this kind of message",
        ),
        13 => ("触发安全限制", "a security limit was met"),
        _ => ("未知原因", "for an unknown reason"),
    }
}

/// The hint in an app's callback, if it is one.
pub fn hint(fields: &Fields) -> Option<Hint> {
    let event = fields.get("Event").unwrap_or_default();
    event.eq_ignore_ascii_case("kf_msg_or_event").then(|| Hint {
        open_kf_id: fields.get("OpenKfId").unwrap_or_default().to_owned(),
        token: fields.some("Token").map(str::to_owned),
    })
}
