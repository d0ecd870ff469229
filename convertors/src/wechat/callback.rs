//! What a callback says: every message type and every event of the message push (WeChat: 2.2 to 2.5). Whoever signed it
//! is the platform, so that nothing here refuses: what is too thin to be what it claims is [`Content::Unsupported`].

use std::collections::BTreeMap;

use bridge_core::{
    convert::ConvertError,
    message::{Content, Event, ExternalId, InboxName, Media, Trigger},
};
use sha1::{Digest, Sha1};

use super::{Fields, consent};

/// The longest id of a person or a message that is one; theirs have 28 letters and 20 digits.
const ID: usize = 128;
/// The longest name of a message type or an event that is kept.
const NAME: usize = 64;

/// What somebody said or did.
pub fn content(fields: &Fields, inbox: &InboxName) -> Content {
    known(fields, inbox).unwrap_or_else(|fault| Content::Unsupported {
        what: cut(fields.some("MsgType").unwrap_or("?")),
        summary: format!("{fault} {}", summary(fields)).trim().to_owned(),
    })
}

fn known(fields: &Fields, inbox: &InboxName) -> Result<Content, ConvertError> {
    let kind = required(fields, "MsgType")?.to_ascii_lowercase();
    let media = |handle: &'static str, url: Option<&str>| {
        Ok(Media::remote(
            inbox,
            required(fields, handle)?,
            url.map(str::to_owned),
        ))
    };
    Ok(match kind.as_str() {
        "text" => text(fields)?,
        // Either will do: what one cannot fetch, the other may.
        "image" => Content::Image {
            media: match fields.some("PicUrl") {
                None => media("MediaId", None)?,
                url => Media::remote(
                    inbox,
                    fields.get("MediaId").unwrap_or_default(),
                    url.map(str::to_owned),
                ),
            },
        },
        "voice" => {
            let mut media = media("MediaId", None)?;
            media.mime = fields
                .some("Format")
                .map(|format| format!("audio/{}", format.to_ascii_lowercase()));
            let words = fields.some("Recognition").map(str::to_owned);
            Content::Voice {
                media,
                words,
                seconds: None,
            }
        }
        "video" | "shortvideo" => Content::Video {
            media: media("MediaId", None)?,
            thumbnail: fields
                .some("ThumbMediaId")
                .map(|handle| Media::remote(inbox, handle, None)),
            seconds: None,
        },
        "location" => Content::Location {
            latitude: number(fields, "Location_X")?,
            longitude: number(fields, "Location_Y")?,
            label: fields.get("Label").unwrap_or_default().to_owned(),
        },
        "link" => Content::Link {
            title: fields.get("Title").unwrap_or_default().to_owned(),
            description: fields.get("Description").unwrap_or_default().to_owned(),
            url: fields.get("Url").unwrap_or_default().to_owned(),
            picture_url: None,
        },
        "miniprogrampage" => Content::MiniProgram {
            app_id: fields.get("AppId").unwrap_or_default().to_owned(),
            title: fields.get("Title").unwrap_or_default().to_owned(),
            path: fields.get("PagePath").unwrap_or_default().to_owned(),
            thumbnail: thumbnail(fields, inbox),
        },
        "event" => Content::Event(event(fields)?),
        // The platform announces files but offers no way to fetch them (WeChat: 2.2).
        "file" => Content::Unsupported {
            what: "文件".to_owned(),
            summary: format!(
                "{}（{} 字节）",
                fields.get("Title").unwrap_or_default(),
                fields.get("FileTotalLen").unwrap_or("?")
            ),
        },
        other => Content::Unsupported {
            what: cut(other),
            summary: summary(fields),
        },
    })
}

fn text(fields: &Fields) -> Result<Content, ConvertError> {
    let words = fields
        .get("Content")
        .ok_or_else(|| malformed("Content", "missing"))?
        .to_owned();
    Ok(match fields.some("bizmsgmenuid") {
        Some(id) => Content::Choice {
            id: id.to_owned(),
            label: words,
        },
        None => Content::text(words),
    })
}

fn thumbnail(fields: &Fields, inbox: &InboxName) -> Option<Media> {
    let (handle, url) = (fields.some("ThumbMediaId"), fields.some("ThumbUrl"));
    (handle.is_some() || url.is_some())
        .then(|| Media::remote(inbox, handle.unwrap_or_default(), url.map(str::to_owned)))
}

/// What happened; compared without regard to case, as pushes and documents differ (WeChat: 2.4).
fn event(fields: &Fields) -> Result<Event, ConvertError> {
    let name = required(fields, "Event")?;
    let key = fields.get("EventKey").unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    if let Some(event) = consent::event(&lower, fields) {
        return Ok(event);
    }
    Ok(match lower.as_str() {
        // The prefix is tested, not the presence: an empty EventKey comes with every plain follow, and
        // `last_trade_no_…` after a payment.
        "subscribe" => Event::Followed {
            scene: key.strip_prefix("qrscene_").map(str::to_owned),
        },
        "unsubscribe" => Event::Unfollowed,
        "scan" => Event::Scanned {
            scene: key.to_owned(),
        },
        "click" => Event::MenuClicked {
            key: key.to_owned(),
        },
        "user_enter_tempsession" => Event::Entered {
            from: fields.get("SessionFrom").unwrap_or_default().to_owned(),
            greet: false,
        },
        "user_info_modified" => Event::ProfileChanged,
        "user_authorization_revoke" => Event::ErasureAsked {
            scope: fields.get("RevokeInfo").unwrap_or_default().to_owned(),
        },
        "user_authorization_cancellation" => Event::ErasureAsked {
            scope: "all".to_owned(),
        },
        "templatesendjobfinish" => {
            let status = fields.get("Status").unwrap_or_default();
            Event::DeliveryReport {
                external_id: fields.get("MsgID").unwrap_or_default().to_owned(),
                delivered: status.eq_ignore_ascii_case("success"),
                reason: status.to_owned(),
                used_up: false,
            }
        }
        _ => Event::Other {
            name: cut(name),
            detail: detail(fields),
        },
    })
}

fn cut(name: &str) -> String {
    name.chars().take(NAME).collect()
}

/// Fields beyond the envelope, as text; repeated ones joined.
fn detail(fields: &Fields) -> BTreeMap<String, String> {
    const ENVELOPE: [&str; 7] = [
        "ToUserName",
        "FromUserName",
        "CreateTime",
        "MsgType",
        "Event",
        "Encrypt",
        "MsgId",
    ];
    let mut detail: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in fields.iter().filter(|(name, _)| !ENVELOPE.contains(name)) {
        let entry = detail.entry(name.to_owned()).or_default();
        if !entry.is_empty() {
            entry.push_str(", ");
        }
        entry.push_str(value);
    }
    detail
}

/// What can be said of it in 200 characters, for agents and logs.
pub fn summary(fields: &Fields) -> String {
    let event = fields.some("Event").map(|name| format!("Event={name}"));
    let rest = detail(fields)
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"));
    let parts: Vec<String> = event.into_iter().chain(rest).collect();
    parts.join(" ").chars().take(200).collect()
}

/// Events about the account itself: their sender is a system id (WeChat: 2.4, 2.5).
const OF_THE_ACCOUNT: [&str; 13] = [
    "masssendjobfinish",
    "publishjobfinish",
    "wxa_media_check",
    "weapp_audit_success",
    "weapp_audit_fail",
    "weapp_audit_delay",
    "qualification_verify_success",
    "qualification_verify_fail",
    "naming_verify_success",
    "naming_verify_fail",
    "annual_renew",
    "verify_expired",
    "component_verify_ticket",
];

/// Events about consent: the sender is a system id, the person is `OpenID`, which is missing at times (WeChat: 2.5).
const OF_CONSENT: [&str; 3] = [
    "user_info_modified",
    "user_authorization_revoke",
    "user_authorization_cancellation",
];

/// Whose doing it is; `None` where it is nobody's: an event about the account, one about a person who is not named.
/// A contact must never be made of a system's id.
pub fn peer(fields: &Fields) -> Option<&str> {
    let event = fields.get("Event").map(str::to_ascii_lowercase);
    let event = event.as_deref().unwrap_or_default();
    let person = if OF_THE_ACCOUNT.contains(&event) {
        None
    } else if OF_CONSENT.contains(&event) {
        fields.some("OpenID")
    } else {
        fields
            .some("OpenID")
            .or_else(|| fields.some("FromUserName"))
    };
    person.filter(|id| id.len() <= ID)
}

/// When it happened, in Unix seconds, if it says so.
pub fn create_time(fields: &Fields) -> Option<i64> {
    fields.some("CreateTime")?.trim().parse().ok()
}

/// What makes a redelivery the same: never `MsgId` or sender and second alone, which eat messages (WeChat: 1.8).
/// Begins with the time it was sent at: [`create_time`], or what a redelivery repeats as well.
pub fn external_id(fields: &Fields, sent_at: i64) -> ExternalId {
    let from = fields.get("FromUserName").unwrap_or_default();
    if let Some(id) = fields.some("MsgId")
        && fields.some("Event").is_none()
        && id.len() + from.len() <= ID
    {
        return ExternalId::from(format!("{sent_at}:{id}:{from}"));
    }
    // Everything that tells two events of one second apart is in the document itself.
    let mut hash = Sha1::new();
    for (name, value) in fields.iter() {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(value.as_bytes());
        hash.update([0]);
    }
    let digest: String = hash
        .finalize()
        .iter()
        .take(10)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let from = if from.len() <= ID { from } else { "" };
    ExternalId::from(format!("{sent_at}:e:{from}:{digest}"))
}

/// The allowance it opens (WeChat: send windows, 4.3). A tap on a message menu counts as a menu click.
pub fn trigger(fields: &Fields) -> Option<Trigger> {
    let kind = fields.get("MsgType")?;
    if !kind.eq_ignore_ascii_case("event") {
        return Some(if fields.some("bizmsgmenuid").is_some() {
            Trigger::Click
        } else {
            Trigger::Message
        });
    }
    match fields.get("Event")?.to_ascii_lowercase().as_str() {
        "click" | "scancode_push" | "scancode_waitmsg" => Some(Trigger::Click),
        "subscribe" => Some(Trigger::Follow),
        "scan" => Some(Trigger::Scan),
        "user_enter_tempsession" => Some(Trigger::Enter),
        _ => None,
    }
}

fn required<'a>(fields: &'a Fields, name: &'static str) -> Result<&'a str, ConvertError> {
    fields.some(name).ok_or_else(|| malformed(name, "missing"))
}

fn number(fields: &Fields, name: &'static str) -> Result<f64, ConvertError> {
    let value: Option<f64> = fields.get(name).and_then(|value| value.trim().parse().ok());
    value
        .filter(|value| value.is_finite())
        .ok_or_else(|| malformed(name, "not a number"))
}

fn malformed(what: &'static str, detail: &str) -> ConvertError {
    ConvertError::Malformed {
        what,
        detail: detail.to_owned(),
    }
}
