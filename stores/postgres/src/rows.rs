//! Forms in which things lie in their rows.

use bridge_core::{
    channel::Dispatch,
    clock::Timestamp,
    conversation::{Contact, Conversation, Phase},
    message::{ContactId, ConversationId, DispatchId, InboxName, PeerId, ThreadKey},
    store::{NewDispatch, StoreError},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::link::damaged;

/// As it is kept. Functions of the database that look into it refuse the character of number nought, which no text needs: it is
/// kept as what stands for an unknown one.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    let written = serde_json::to_string(value).map_err(damaged)?;
    Ok(match written.contains(NOUGHT) {
        true => without_nought(&written),
        false => written,
    })
}

const NOUGHT: &str = "\\u0000";

/// Whoever wrote a backslash and the digits meant those.
fn without_nought(json: &str) -> String {
    let mut kept = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        kept.push_str(before);
        // An escape is two characters of one byte, or with the digits of a number six.
        let (written, after) = match escape.strip_prefix(NOUGHT) {
            Some(after) => ("\\ufffd", after),
            None => escape.split_at_checked(2).unwrap_or((escape, "")),
        };
        kept.push_str(written);
        rest = after;
    }
    kept.push_str(rest);
    kept
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(damaged)
}

/// A conversation: its numbers are the row's, because the body was written before they were given.
pub(crate) fn conversation(id: i64, contact: i64, body: &str) -> Result<Conversation, StoreError> {
    let mut conversation: Conversation = from_json(body)?;
    (conversation.id, conversation.contact) = (ConversationId(id), ContactId(contact));
    Ok(conversation)
}

/// A contact, likewise.
pub(crate) fn contact(id: i64, body: &str) -> Result<Contact, StoreError> {
    let mut contact: Contact = from_json(body)?;
    contact.id = ContactId(id);
    Ok(contact)
}

/// A recipient's lane: inbox, account, and in whose name.
pub(crate) fn lane(inbox: &InboxName, to: &PeerId, sender: Option<&PeerId>) -> String {
    let sender = sender.map_or("", PeerId::as_str);
    format!("{inbox}\u{1f}{to}\u{1f}{sender}")
}

/// The lane of what goes to a contact.
pub(crate) fn contact_lane(thread: &ThreadKey) -> String {
    lane(&thread.inbox, &thread.peer, None)
}

/// A dispatch to be, as its row's body; id and tries are columns.
pub(crate) fn dispatch(new: NewDispatch, conversation: ConversationId, at: Timestamp) -> Dispatch {
    Dispatch {
        id: DispatchId(0),
        trace: new.trace,
        conversation,
        inbox: new.inbox,
        to: new.to,
        sender: new.sender,
        content: new.content,
        attempt: 0,
        created_at: at,
    }
}

/// The column `phase`.
pub(crate) fn phase_number(phase: &Phase) -> i16 {
    match phase {
        Phase::Assisted => 0,
        Phase::Queued(_) => 1,
        Phase::Assigned { .. } => 2,
        Phase::Resolved { .. } => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_kept_but_for_one_character() {
        let kept = |text: &str| from_json::<String>(&to_json(&text).unwrap()).unwrap();
        assert_eq!(kept("a\0b\0"), "a\u{fffd}b\u{fffd}");
        for text in ["\\u0000", "\\\\u0000\\", "\"\\\n\u{1}你\\u0000", ""] {
            assert_eq!(kept(text), text);
        }
        assert_eq!(kept("\\\0\\u0000\0"), "\\\u{fffd}\\u0000\u{fffd}");
    }
}
