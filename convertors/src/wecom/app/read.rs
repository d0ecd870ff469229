//! What an app's callback says: every message type and every event (WeCom: 2.1 to 2.4).

use std::collections::BTreeMap;

use bridge_core::{
    convert::ConvertError,
    message::{Content, Event, ExternalId, InboxName, Media, PeerId, Trigger},
};
use sha1::{Digest, Sha1};

use super::super::Fields;

/// The most of anything that is kept of an event.
const VALUE: usize = 300;
/// Fields of an event that are kept.
const DETAIL: usize = 64;
/// The longest id of a person or a message.
const ID: usize = 128;
/// The longest code of a welcome.
const CODE: usize = 512;
/// How the keys of our own cards begin.
pub(super) const CARD: &str = "kb|";

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A member who uses the app; or an external contact who added or left a member.
    Peer,
    /// The platform, or a member somewhere else.
    Platform,
}

/// What somebody said or did; `None`: it concerns other products ([`super::super::kf`]).
///
/// # Errors
/// [`ConvertError::Malformed`] where something that every such callback has is missing.
pub fn content(fields: &Fields, inbox: &InboxName) -> Result<Option<Content>, ConvertError> {
    let kind = required(fields, "MsgType")?.to_ascii_lowercase();
    let remote = |name: &'static str| Ok(Media::remote(inbox, required(fields, name)?, None));
    let text = |name| fields.get(name).unwrap_or_default().to_owned();
    Ok(Some(match kind.as_str() {
        "text" => Content::text(text("Content")),
        "image" => Content::Image {
            media: remote("MediaId")?,
        },
        "voice" => {
            let mut media = remote("MediaId")?;
            let format = fields.some("Format").unwrap_or("amr").to_ascii_lowercase();
            media.mime = Some(format!("audio/{}", cut(&format, 20)));
            Content::Voice {
                media,
                words: None,
                seconds: None,
            }
        }
        "video" => Content::Video {
            media: remote("MediaId")?,
            thumbnail: fields
                .some("ThumbMediaId")
                .map(|handle| Media::remote(inbox, handle, None)),
            seconds: None,
        },
        // Not documented for apps, but should it come one day, it is a file.
        "file" => Content::File {
            media: Media {
                name: fields.some("FileName").map(str::to_owned),
                ..remote("MediaId")?
            },
        },
        "location" => Content::Location {
            latitude: number(fields, "Location_X")?,
            longitude: number(fields, "Location_Y")?,
            label: text("Label"),
        },
        "link" => Content::Link {
            title: text("Title"),
            description: text("Description"),
            url: text("Url"),
            picture_url: fields.some("PicUrl").map(str::to_owned),
        },
        "event" => return event(fields),
        other => Content::Unsupported {
            what: cut(other, 64),
            summary: summary(fields),
        },
    }))
}

fn event(fields: &Fields) -> Result<Option<Content>, ConvertError> {
    let name = required(fields, "Event")?;
    let key = fields.get("EventKey").unwrap_or_default();
    let event = match name.to_ascii_lowercase().as_str() {
        "kf_msg_or_event" => return Ok(None),
        "subscribe" => Event::Followed { scene: None },
        "unsubscribe" => Event::Unfollowed,
        "enter_agent" => Event::Entered {
            from: String::new(),
            greet: false,
        },
        "click" => Event::MenuClicked { key: cut(key, ID) },
        "change_external_contact" if added(fields) => Event::Added {
            member: PeerId::new(cut(fields.get("UserID").unwrap_or_default(), ID)),
            scene: fields.some("State").map(|state| cut(state, ID)),
            welcome: None,
        },
        "template_card_event" => match tapped(key) {
            Some(choice) => return Ok(Some(choice)),
            None => other(name, fields),
        },
        _ => other(name, fields),
    };
    Ok(Some(Content::Event(event)))
}

/// Whether an external contact added a member, who may have to confirm it (WeCom: 2.4).
fn added(fields: &Fields) -> bool {
    let change = fields.get("ChangeType");
    external_contact(fields).is_some()
        && change.is_some_and(|change| {
            matches!(change, "add_external_contact" | "add_half_external_contact")
        })
}

/// The code by which somebody who has just added a member may be welcomed, once and within 20 s; none where the
/// console's own welcome is set up (WeCom: 2.4).
pub fn welcome_code(fields: &Fields) -> Option<&str> {
    let code = fields.some("WelcomeCode").filter(|_| added(fields))?;
    (code.len() <= CODE).then_some(code)
}

/// A button of a card of ours; others are recorded.
fn tapped(key: &str) -> Option<Content> {
    let (id, label) = key.strip_prefix(CARD)?.split_once('|')?;
    (!id.is_empty() && id.len() <= ID).then(|| Content::Choice {
        id: id.to_owned(),
        label: cut(label, VALUE),
    })
}

fn other(name: &str, fields: &Fields) -> Event {
    Event::Other {
        name: cut(name, 64),
        detail: detail(fields),
    }
}

/// An event's own fields; repeated ones joined. Codes by which whoever reads them could act are left out.
fn detail(fields: &Fields) -> BTreeMap<String, String> {
    const KNOWN: [&str; 8] = [
        "ToUserName",
        "FromUserName",
        "CreateTime",
        "MsgType",
        "AgentID",
        "WelcomeCode",
        "ResponseCode",
        "Token",
    ];
    let mut detail: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in fields.iter() {
        if KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known)) || value.is_empty() {
            continue;
        }
        if let Some(known) = detail.get_mut(name) {
            if known.len() + value.len() < VALUE {
                known.push(',');
                known.push_str(value);
            }
        } else if detail.len() < DETAIL {
            detail.insert(cut(name, ID), cut(value, VALUE));
        }
    }
    detail
}

fn summary(fields: &Fields) -> String {
    let words = detail(fields).into_iter();
    let words: Vec<String> = words
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    cut(&words.join("; "), 1000)
}

/// Whom it is about: the external contact of a customer-contact event, else whoever sent it; `sys` is the platform.
///
/// # Errors
/// [`ConvertError::Malformed`] where nobody is named.
pub fn peer(fields: &Fields) -> Result<String, ConvertError> {
    if let Some(contact) = external_contact(fields) {
        return bounded("ExternalUserID", contact);
    }
    match fields.some("FromUserName") {
        Some(from) => bounded("FromUserName", from),
        // Some events have no sender at all.
        None if is_event(fields) => Ok("sys".to_owned()),
        None => Err(malformed("FromUserName", "is missing")),
    }
}

/// Who did it.
pub fn by(fields: &Fields) -> By {
    let changed = fields.get("ChangeType").unwrap_or_default();
    match external_contact(fields) {
        // What the external contact does themselves; the rest is done by members.
        Some(_) => match changed {
            "add_external_contact"
            | "add_half_external_contact"
            | "del_follow_user"
            | "msg_audit_approved" => By::Peer,
            _ => By::Platform,
        },
        None if fields.some("FromUserName").is_none_or(|from| from == "sys") => By::Platform,
        None => By::Peer,
    }
}

/// The external contact a customer-contact event is about (WeCom: 2.4).
pub fn external_contact(fields: &Fields) -> Option<&str> {
    let event = fields.get("Event")?;
    event
        .eq_ignore_ascii_case("change_external_contact")
        .then(|| fields.some("ExternalUserID"))
        .flatten()
}

/// When, in Unix seconds.
///
/// # Errors
/// [`ConvertError::Malformed`] where it is no number.
pub fn created(fields: &Fields) -> Result<i64, ConvertError> {
    let time = required(fields, "CreateTime")?.trim().parse().ok();
    time.filter(|time| (0..=253_402_300_799).contains(time))
        .ok_or_else(|| malformed("CreateTime", "is no time"))
}

/// The same for what is delivered again. Events have no id: two of the same second differ in what they say.
///
/// # Errors
/// As [`created`].
pub fn external_id(fields: &Fields) -> Result<ExternalId, ConvertError> {
    let time = created(fields)?;
    let id = match fields.some("MsgId").filter(|_| !is_event(fields)) {
        Some(id) => bounded("MsgId", id)?,
        None => format!("event:{}", digest(fields)),
    };
    Ok(ExternalId::from(format!("{time}:{id}")))
}

fn digest(fields: &Fields) -> String {
    let mut hash = Sha1::new();
    for (name, value) in fields.iter() {
        for part in [name, value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    let digest = hash.finalize();
    digest
        .iter()
        .take(10)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Which allowance it opens.
pub fn trigger(fields: &Fields) -> Option<Trigger> {
    if !is_event(fields) {
        return Some(Trigger::Message);
    }
    match fields.get("Event")?.to_ascii_lowercase().as_str() {
        "subscribe" => Some(Trigger::Follow),
        "click" | "template_card_event" => Some(Trigger::Click),
        "enter_agent" => Some(Trigger::Enter),
        _ => None,
    }
}

fn is_event(fields: &Fields) -> bool {
    let kind = fields.get("MsgType");
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("event"))
}

fn required<'a>(fields: &'a Fields, name: &'static str) -> Result<&'a str, ConvertError> {
    fields
        .some(name)
        .ok_or_else(|| malformed(name, "is missing"))
}

fn bounded(name: &'static str, value: &str) -> Result<String, ConvertError> {
    match value.len() {
        0..=ID => Ok(value.to_owned()),
        _ => Err(malformed(name, "is too long")),
    }
}

fn number(fields: &Fields, name: &'static str) -> Result<f64, ConvertError> {
    let number: Option<f64> = required(fields, name)?.trim().parse().ok();
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| malformed(name, "is no number"))
}

fn malformed(what: &'static str, detail: &str) -> ConvertError {
    ConvertError::Malformed {
        what,
        detail: detail.to_owned(),
    }
}

/// At most so many bytes, no character cut in two.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
