//! Events: what a customer does that is not speech, and what the platform reports (WeChat notes, 2.4 and 2.5).

use serde_json::{Map, Value};

use super::allowance::Trigger;
use super::fields::Fields;
use crate::content::Content;
use crate::settings::Format;

/// An event of the official account.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "variants and fields carry the platform's own names, explained in its documentation"
)]
#[non_exhaustive]
pub enum Event {
    /// Follows; with the scene of a parametric QR code.
    Subscribe { scene: Option<String> },
    /// Follows after a payment (`last_trade_no_…`, which is no scene).
    SubscribeAfterPayment { trade: String },
    /// Unfollows.
    Unsubscribe,
    /// A follower scans a parametric QR code.
    Scan { scene: String },
    /// Where the customer is.
    Location {
        latitude: f64,
        longitude: f64,
        precision: f64,
    },
    /// A menu button with a key.
    Click { key: String },
    /// A menu button with a page.
    View { url: String },
    /// A menu button with a mini program's page.
    ViewMiniProgram { page: String },
    /// A menu button that scans; `waits` shows "received" first.
    ScanCode {
        key: String,
        result: String,
        waits: bool,
    },
    /// A menu button that takes pictures (`pic_sysphoto`, `pic_photo_or_album`, `pic_weixin`).
    Pictures {
        name: String,
        key: String,
        md5s: Vec<String>,
    },
    /// A menu button that picks a place.
    PickLocation {
        key: String,
        latitude: f64,
        longitude: f64,
        label: String,
    },
    /// A mini program's user opens the service chat.
    EnterSession { session_from: String },
    /// Tencent's own service tool: an agent picks up.
    KfCreate { account: String },
    /// The session ends.
    KfClose { account: String, close_type: String },
    /// The session goes to another agent.
    KfSwitch { from: String, to: String },
    /// A template message was delivered or not.
    TemplateFinish { message: u64, status: String },
    /// A mass message was delivered.
    MassFinish { message: u64, status: String },
    /// The customer answered the question for subscription messages: template and `accept` or `reject`.
    SubscriptionPopup { answers: Vec<(String, String)> },
    /// The customer changed such an answer in the settings.
    SubscriptionChange { answers: Vec<(String, String)> },
    /// A subscription message was delivered or not.
    SubscriptionSent {
        template: String,
        message: u64,
        code: i64,
        status: String,
    },
    /// `user_info_modified`, `user_authorization_revoke`, `user_authorization_cancellation`.
    Authorization {
        name: String,
        openid: String,
        app_id: String,
        revoked: String,
    },
    /// The result of a media check.
    MediaCheck {
        app_id: String,
        trace_id: String,
        suggest: String,
    },
    /// The console's debug button.
    Debug { text: String },
    /// Anything else; arrays repeat their element.
    Raw {
        name: String,
        fields: Map<String, Value>,
    },
}

impl Event {
    pub(crate) fn fields(&self, format: Format) -> Fields {
        match self {
            Self::Subscribe { scene: None } => keyed("subscribe", ""),
            Self::Subscribe { scene: Some(scene) } => {
                keyed("subscribe", &format!("qrscene_{scene}")).text("Ticket", ticket(scene))
            }
            Self::SubscribeAfterPayment { trade } => {
                keyed("subscribe", &format!("last_trade_no_{trade}"))
            }
            Self::Unsubscribe => keyed("unsubscribe", ""),
            Self::Scan { scene } => keyed("SCAN", scene).text("Ticket", ticket(scene)),
            Self::Location {
                latitude,
                longitude,
                precision,
            } => event("LOCATION")
                .number("Latitude", format!("{latitude:.6}"))
                .number("Longitude", format!("{longitude:.6}"))
                .number("Precision", format!("{precision:.6}")),
            Self::Click { key } => keyed("CLICK", key),
            Self::View { url } => keyed("VIEW", url).number("MenuId", MENU),
            Self::ViewMiniProgram { page } => {
                keyed("view_miniprogram", page).number("MenuId", MENU)
            }
            Self::ScanCode { key, result, waits } => scanned(key, result, *waits),
            Self::Pictures { name, key, md5s } => pictures(name, key, md5s),
            Self::PickLocation {
                key,
                latitude,
                longitude,
                label,
            } => picked(key, *latitude, *longitude, label),
            Self::EnterSession { session_from } => {
                event("user_enter_tempsession").text("SessionFrom", session_from)
            }
            Self::KfCreate { account } => event("kf_create_session").text("KfAccount", account),
            Self::KfClose {
                account,
                close_type,
            } => event("kf_close_session")
                .text("KfAccount", account)
                .text("CloseType", close_type),
            Self::KfSwitch { from, to } => event("kf_switch_session")
                .text("FromKfAccount", from)
                .text("ToKfAccount", to),
            Self::TemplateFinish { message, status } => {
                finished("TEMPLATESENDJOBFINISH", *message, status)
            }
            Self::MassFinish { message, status } => {
                let finished = finished("MASSSENDJOBFINISH", *message, status);
                [
                    ("TotalCount", 1),
                    ("FilterCount", 1),
                    ("SentCount", 1),
                    ("ErrorCount", 0),
                ]
                .into_iter()
                .fold(finished, |fields, (name, count)| fields.number(name, count))
            }
            Self::SubscriptionPopup { answers } => {
                let lists = lists(answers, Some(format));
                wrapped("popup", lists, format)
            }
            Self::SubscriptionChange { answers } => wrapped("change", lists(answers, None), format),
            Self::SubscriptionSent {
                template,
                message,
                code,
                status,
            } => {
                let list = Fields::new()
                    .text("TemplateId", template)
                    .number("MsgID", message)
                    .number("ErrorCode", code)
                    .text("ErrorStatus", status);
                wrapped("sent", Fields::new().group("List", list), format)
            }
            Self::Authorization {
                name,
                openid,
                app_id,
                revoked,
            } => event(name)
                .text("OpenID", openid)
                .text("AppID", app_id)
                .text("RevokeInfo", revoked),
            Self::MediaCheck {
                app_id,
                trace_id,
                suggest,
            } => checked(app_id, trace_id, suggest),
            Self::Debug { text } => event("debug_demo").text("debug_str", text),
            Self::Raw { name, fields } => event(name).and(Fields::from_json(fields)),
        }
    }

    /// What the platform calls it.
    pub fn name(&self) -> &str {
        match self {
            Self::Subscribe { .. } | Self::SubscribeAfterPayment { .. } => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::Scan { .. } => "SCAN",
            Self::Location { .. } => "LOCATION",
            Self::Click { .. } => "CLICK",
            Self::View { .. } => "VIEW",
            Self::ViewMiniProgram { .. } => "view_miniprogram",
            Self::ScanCode { waits: true, .. } => "scancode_waitmsg",
            Self::ScanCode { waits: false, .. } => "scancode_push",
            Self::Pictures { name, .. }
            | Self::Authorization { name, .. }
            | Self::Raw { name, .. } => name,
            Self::PickLocation { .. } => "location_select",
            Self::EnterSession { .. } => "user_enter_tempsession",
            Self::KfCreate { .. } => "kf_create_session",
            Self::KfClose { .. } => "kf_close_session",
            Self::KfSwitch { .. } => "kf_switch_session",
            Self::TemplateFinish { .. } => "TEMPLATESENDJOBFINISH",
            Self::MassFinish { .. } => "MASSSENDJOBFINISH",
            Self::SubscriptionPopup { .. } => "subscribe_msg_popup_event",
            Self::SubscriptionChange { .. } => "subscribe_msg_change_event",
            Self::SubscriptionSent { .. } => "subscribe_msg_sent_event",
            Self::MediaCheck { .. } => "wxa_media_check",
            Self::Debug { .. } => "debug_demo",
        }
    }

    pub(crate) fn trigger(&self) -> Trigger {
        match self {
            Self::Subscribe { .. }
            | Self::SubscribeAfterPayment { .. }
            | Self::Scan { .. }
            | Self::Click { .. }
            | Self::ScanCode { .. } => Trigger::Moment,
            Self::EnterSession { .. } => Trigger::Enter,
            _ => Trigger::None,
        }
    }

    /// What it makes of the customer's following, if it changes that.
    pub(crate) fn following(&self) -> Option<bool> {
        match self {
            Self::Subscribe { .. } | Self::SubscribeAfterPayment { .. } => Some(true),
            Self::Unsubscribe => Some(false),
            _ => None,
        }
    }

    pub(crate) fn content(&self) -> Content {
        let (key, text) = match self {
            Self::Subscribe { scene: None } => (None, "关注了公众号".to_owned()),
            Self::Subscribe { scene: Some(scene) } => {
                (Some(scene.clone()), format!("扫码关注了公众号（{scene}）"))
            }
            Self::SubscribeAfterPayment { .. } => (None, "支付后关注了公众号".to_owned()),
            Self::Unsubscribe => (None, "取消了关注".to_owned()),
            Self::Scan { scene } => (Some(scene.clone()), format!("扫描了二维码（{scene}）")),
            Self::Location { .. } => (None, "上报了位置".to_owned()),
            Self::Click { key } => (Some(key.clone()), format!("点击了菜单（{key}）")),
            Self::View { url } => (Some(url.clone()), format!("打开了 {url}")),
            Self::EnterSession { session_from } => (
                Some(session_from.clone()),
                format!("进入了客服会话（{session_from}）"),
            ),
            Self::SubscriptionPopup { answers } => (None, answered("弹窗", answers)),
            Self::SubscriptionChange { answers } => (None, answered("设置", answers)),
            other => (None, format!("事件 {}", other.name())),
        };
        Content::Event {
            event: self.name().to_owned(),
            key,
            text,
        }
    }
}

fn event(name: &str) -> Fields {
    Fields::new().text("MsgType", "event").text("Event", name)
}

fn keyed(name: &str, key: &str) -> Fields {
    event(name).text("EventKey", key)
}

fn scanned(key: &str, result: &str, waits: bool) -> Fields {
    let name = match waits {
        true => "scancode_waitmsg",
        false => "scancode_push",
    };
    let info = Fields::new()
        .text("ScanType", "qrcode")
        .text("ScanResult", result);
    keyed(name, key).group("ScanCodeInfo", info)
}

fn pictures(name: &str, key: &str, md5s: &[String]) -> Fields {
    let list = md5s.iter().fold(Fields::new(), |list, md5| {
        list.group("item", Fields::new().text("PicMd5Sum", md5))
    });
    let info = Fields::new()
        .number("Count", md5s.len())
        .group("PicList", list);
    keyed(name, key).group("SendPicsInfo", info)
}

fn picked(key: &str, latitude: f64, longitude: f64, label: &str) -> Fields {
    let info = Fields::new()
        .text("Location_X", latitude.to_string())
        .text("Location_Y", longitude.to_string())
        .text("Scale", "15")
        .text("Label", label)
        .text("Poiname", "");
    keyed("location_select", key).group("SendLocationInfo", info)
}

fn finished(name: &str, message: u64, status: &str) -> Fields {
    event(name).number("MsgID", message).text("Status", status)
}

fn checked(app_id: &str, trace_id: &str, suggest: &str) -> Fields {
    let result = Fields::new().text("suggest", suggest).number("label", 100);
    event("wxa_media_check")
        .text("appid", app_id)
        .text("trace_id", trace_id)
        .number("version", 2)
        .group("result", result)
}

fn answered(place: &str, answers: &[(String, String)]) -> String {
    let allowed = answers.iter().any(|(_, said)| said == "accept");
    let word = if allowed { "允许" } else { "拒绝" };
    format!("在{place}里{word}了订阅消息")
}

/// The published menu's id.
const MENU: u64 = 430_127_001;

/// A QR code's ticket, the same for the same scene.
pub(crate) fn ticket(scene: &str) -> String {
    format!("gQ{}", super::crypto::sign(&["ticket", scene]))
}

/// `popup` in which format: mini programs, whose callbacks are JSON here, have the scene 0, pages of official accounts 1.
fn lists(answers: &[(String, String)], popup: Option<Format>) -> Fields {
    answers
        .iter()
        .fold(Fields::new(), |lists, (template, answer)| {
            let list = Fields::new()
                .text("TemplateId", template)
                .text("SubscribeStatusString", answer);
            let list = match popup {
                Some(Format::Xml) => list.number("PopupScene", 1),
                Some(Format::Json) => list.text("PopupScene", "0"),
                None => list,
            };
            lists.group("List", list)
        })
}

/// XML wraps the lists in an element; JSON has them at the top (WeChat notes, 2.5). `what`: `popup`, `change` or `sent`.
fn wrapped(what: &str, lists: Fields, format: Format) -> Fields {
    let event = event(&format!("subscribe_msg_{what}_event"));
    match format {
        Format::Xml => {
            let (first, rest) = what.split_at(1);
            let wrapper = format!("SubscribeMsg{}{rest}Event", first.to_uppercase());
            event.group(&wrapper, lists)
        }
        Format::Json => event.and(lists),
    }
}

#[cfg(test)]
mod tests;
