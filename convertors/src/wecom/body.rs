//! What the messages of apps and of KF have in common: `msgtype` and the object of the same name, and media by the handle
//! that the platform gave them (WeCom: 3.5, 4.1).

use bridge_core::{
    convert::ConvertError,
    message::{Content, InboxName, Media, MediaSource},
};
use serde_json::{Value, json};

pub(super) fn of(kind: &str, body: Value) -> Value {
    json!({ "msgtype": kind, kind: body })
}

pub(super) fn words(text: &str) -> Value {
    of("text", json!({ "content": text }))
}

/// The platform's own handle, where the bytes were uploaded for this inbox.
pub(super) fn handle(media: &Media, inbox: &InboxName) -> Option<String> {
    match &media.source {
        MediaSource::Remote {
            inbox: at, handle, ..
        } if at == inbox && !handle.is_empty() => Some(handle.clone()),
        _ => None,
    }
}

/// Something the platform cannot show, as words with where to find it.
pub(super) fn linked(what: &str, media: &Media, content: &Content) -> Result<Value, ConvertError> {
    match &media.source {
        MediaSource::Remote { url: Some(url), .. } => Ok(words(&format!("[{what}] {url}"))),
        _ => Err(ConvertError::unspeakable(
            content,
            "its bytes are not at the platform",
        )),
    }
}
