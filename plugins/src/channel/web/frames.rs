//! The frames of a visitor's socket: JSON, one object each, told apart by `t`. Reading is lenient towards fields that a
//! newer page may send, and strict towards everything else.

use bridge_core::{
    channel::{News, Refusal},
    message::EntryId,
    texts::Locale,
};
use serde_json::{Value, json};

use super::{config::Config, lines};

/// What a page sends.
#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(super) enum Frame {
    /// The first one.
    Hello {
        /// Kept from the last visit.
        #[serde(default)]
        token: Option<String>,
        /// The last line seen.
        #[serde(default)]
        after: Option<EntryId>,
    },
    /// Something is said.
    Say(Say),
    /// Lines before this one are wanted.
    Earlier {
        /// The first line there is.
        before: EntryId,
    },
    /// The page has shown the lines up to this one to somebody who looks at it.
    Shown {
        /// The last line shown.
        line: EntryId,
    },
    /// Are you there?
    Ping,
}

/// Something a visitor says.
#[derive(Debug, PartialEq, serde::Deserialize)]
pub(super) struct Say {
    /// Their own id for it: the second, `-`, something random. The same id is the same message.
    pub(super) id: String,
    /// What.
    #[serde(flatten)]
    pub(super) what: Words,
    /// Where they come from: a page's address, or `agent:NAME`. Said with the first message of a visit.
    #[serde(default)]
    pub(super) from: Option<String>,
    /// What they want to be called.
    #[serde(default)]
    pub(super) name: Option<String>,
}

/// What a visitor says.
#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Words {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// Something uploaded before.
    Upload {
        /// What the upload was answered with.
        ticket: String,
        /// The length of a recording.
        #[serde(default)]
        seconds: Option<u32>,
    },
    /// A choice tapped in a menu.
    Choice {
        /// The item's id.
        choice: String,
        /// The item's label.
        label: String,
    },
}

impl Frame {
    pub(super) fn read(frame: &str) -> Option<Self> {
        serde_json::from_str(frame).ok()
    }
}

/// What a page is told.
pub(super) fn tell(config: &Config, public_url: &str, locale: Locale, news: &News<'_>) -> String {
    let shown = |shown: &[bridge_core::channel::Line]| -> Vec<Value> {
        shown
            .iter()
            .map(|line| lines::json(line, public_url, locale))
            .collect()
    };
    match news {
        News::Welcome { visit, now } => json!({
            "t": "welcome",
            "token": visit.token,
            "is_new": visit.is_new,
            "now": now,
            "title": config.title,
            "greeting": config.greeting,
            "limits": {
                "text": config.text_bytes,
                "upload": config.upload_size.0,
                "voice": config.voice_seconds,
                "types": config.upload_types,
            },
        }),
        News::Lines(lines) => json!({ "t": "lines", "lines": shown(lines) }),
        News::Earlier { lines, more } => {
            json!({ "t": "earlier", "lines": shown(lines), "more": more })
        }
        News::Taken { id, trace } => json!({ "t": "taken", "id": id, "trace": trace }),
        News::Refused { id, why } => refused(id, *why),
        News::State {
            phase,
            agent,
            position,
        } => json!({ "t": "state", "phase": phase.name(), "agent": agent, "position": position }),
        News::Typing => json!({ "t": "typing" }),
        News::Pong => json!({ "t": "pong" }),
    }
    .to_string()
}

fn refused(id: &str, why: Refusal) -> Value {
    let (why, after) = match why {
        Refusal::TooFast { after } => ("too_fast", Some(after)),
        Refusal::Busy { after } => ("busy", Some(after)),
        Refusal::TooLong => ("too_long", None),
        Refusal::Malformed => ("malformed", None),
        Refusal::Stale => ("stale", None),
        Refusal::Ticket => ("ticket", None),
    };
    let after = after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    json!({ "t": "refused", "id": id, "why": why, "after": after })
}
