//! What a callback says: every message type and every event of the message push (WeChat: 2.2 to 2.5).

use std::collections::BTreeMap;

use bridge_core::{
    convert::ConvertError,
    message::{Content, Event, ExternalId, InboxName, Media, Trigger},
};
use sha1::{Digest, Sha1};

use super::{Fields, consent};

/// What somebody said or did.
pub fn content(fields: &Fields, inbox: &InboxName) -> Result<Content, ConvertError> {
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
        "image" => {
            let handle = fields.some("MediaId").unwrap_or_default();
            Content::Image {
                media: Media::remote(inbox, handle, fields.some("PicUrl").map(str::to_owned)),
            }
        }
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
            what: other.to_owned(),
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
            name: name.to_owned(),
            detail: detail(fields),
        },
    })
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

fn summary(fields: &Fields) -> String {
    let parts: Vec<String> = detail(fields)
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parts.join(" ").chars().take(200).collect()
}

/// Whose doing it is. In events about consent the sender is a system id and the person is `OpenID` (WeChat: 2.5).
pub fn peer(fields: &Fields) -> Result<&str, ConvertError> {
    fields
        .some("OpenID")
        .map_or_else(|| required(fields, "FromUserName"), Ok)
}

/// When it happened, in Unix seconds.
pub fn create_time(fields: &Fields) -> Result<i64, ConvertError> {
    required(fields, "CreateTime")?
        .trim()
        .parse()
        .map_err(|_| malformed("CreateTime", "not a number of seconds"))
}

/// What makes a redelivery the same: never `MsgId` or sender and second alone, which eat messages (WeChat: 1.8).
/// Begins with the time.
pub fn external_id(fields: &Fields) -> Result<ExternalId, ConvertError> {
    let (time, from) = (create_time(fields)?, required(fields, "FromUserName")?);
    if let Some(id) = fields.some("MsgId")
        && fields.some("Event").is_none()
    {
        return Ok(ExternalId::from(format!("{time}:{id}:{from}")));
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
    Ok(ExternalId::from(format!("{time}:e:{from}:{digest}")))
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
