//! Drives a bot in a unit test without a store or a network: a value in, a value out.

use std::sync::Arc;

use crate::{
    bot::Turn,
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{
        Arrival, ArrivalId, Author, BotName, ContactId, Content, ConversationId, ExternalId,
        InboxName, PeerId, Profile, ThreadKey, Trigger, What,
    },
    routing::Desk,
    texts::{Locale, Texts},
};

/// Thursday 2026-01-01 10:00 in Shanghai.
pub const NOW: Timestamp = Timestamp::from_secs(1_767_232_800);

/// A fresh conversation with a contact called 小周 in the inbox `mall`.
pub fn conversation() -> Conversation {
    let thread = ThreadKey {
        inbox: InboxName::new("mall"),
        peer: PeerId::new("o-zhou"),
    };
    Conversation::open(
        ConversationId(1),
        ContactId(1),
        thread,
        BotName::new("ai"),
        NOW,
    )
}

/// An arrival: the contact says `text`.
pub fn arrival(text: &str) -> Arrival {
    Arrival {
        inbox: InboxName::new("mall"),
        external_id: ExternalId::new("1767232800:1"),
        peer: PeerId::new("o-zhou"),
        author: Author::Contact,
        what: What::Content(Content::text(text)),
        sent_at: NOW,
        received_at: NOW,
        trigger: Some(Trigger::Message),
        profile: None,
    }
}

/// A turn: the contact says `text` in a fresh conversation.
pub fn turn_of_contact(text: &str) -> Turn {
    let contact = Contact::new(
        ContactId(1),
        Profile {
            name: Some("小周".to_owned()),
            avatar_url: None,
        },
    );
    let texts = Arc::new(Texts::new(Locale::Zh));
    Turn::bare(
        ArrivalId(1),
        conversation(),
        contact,
        &arrival(text),
        Arc::new(Desk::default()),
        texts,
        NOW,
    )
}
