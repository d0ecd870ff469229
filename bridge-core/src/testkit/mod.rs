//! Drives a bot in a unit test without a store or a network: a value in, a value out.
//!
//! ```ignore
//! let turn = testkit::turn_of_agent("system", "#天气 北京");
//! let effects = testkit::answer(&weather, &turn).await?;
//! assert_eq!(testkit::words(&effects), ["北京：晴"]);
//! ```

mod drive;
#[cfg(feature = "engine")]
mod fickle;
mod strangers;

use std::{collections::BTreeMap, sync::Arc};

#[cfg(feature = "engine")]
pub use drive::tools;
pub use drive::{answer, tools_at, words};
#[cfg(feature = "engine")]
pub use fickle::{FickleCache, Mood};
#[doc(hidden)]
pub use strangers::exercise;

use crate::{
    bot::Turn,
    clock::Timestamp,
    conversation::{Contact, Conversation, Phase, Waiting},
    message::{
        AgentName, Arrival, ArrivalId, Author, BotName, ContactId, Content, ConversationId,
        ExternalId, InboxName, PeerId, Profile, ThreadKey, Trigger, What,
    },
    routing::{Agent, Desk},
    store::WaitingRow,
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
        decoded_at: None,
        trigger: Some(Trigger::Message),
        profile: None,
    }
}

/// A desk with two agents: `system` (默认客服, 售前) and `lin` (小林, 售后), two seats each, both free and always at work.
pub fn desk() -> Desk {
    let agent = |name: &str, display_name: &str, skill: &str| Agent {
        name: AgentName::new(name),
        display_name: display_name.to_owned(),
        inbox: InboxName::new("desk"),
        account: PeerId::new(format!("agent_{name}")),
        capacity: 2,
        weight: 1,
        skills: vec![skill.to_owned()],
        default: name == "system",
    };
    let agents = [
        agent("system", "默认客服", "售前"),
        agent("lin", "小林", "售后"),
    ];
    Desk {
        agents: agents
            .into_iter()
            .map(|agent| (agent.name.clone(), agent))
            .collect::<BTreeMap<_, _>>()
            .into(),
        ..Desk::default()
    }
}

/// A turn: the agent `name`, one of [`desk`], says `text` in a conversation that is theirs.
pub fn turn_of_agent(name: &str, text: &str) -> Turn {
    let mut turn = turn_of_contact(text);
    let name = AgentName::new(name);
    turn.author = Author::Agent(PeerId::new(format!("agent_{name}")));
    turn.conversation.phase = Phase::Assigned {
        agent: name.clone(),
        since: NOW,
    };
    turn.agent = Some(name);
    turn
}

/// A turn: the contact says `text` while waiting for an agent, alone in the queue.
pub fn turn_of_waiting(text: &str) -> Turn {
    let mut turn = turn_of_contact(text);
    let waiting = Waiting {
        since: NOW,
        priority: 5,
        skill: None,
        agent: None,
    };
    turn.conversation.phase = Phase::Queued(waiting.clone());
    let row = WaitingRow {
        conversation: turn.conversation.id,
        thread: turn.conversation.thread.clone(),
        episode: turn.conversation.episode,
        waiting,
        dedicated: None,
    };
    let mut desk = desk();
    Arc::make_mut(&mut desk.waiting).push(row);
    turn.desk = Arc::new(desk);
    turn
}

/// A turn: the contact says `text` in a fresh conversation.
pub fn turn_of_contact(text: &str) -> Turn {
    let contact = Contact::new(
        ContactId(1),
        Profile {
            name: Some("小周".to_owned()),
            ..Profile::default()
        },
    );
    let texts = Arc::new(Texts::new(Locale::Zh));
    Turn::bare(
        ArrivalId(1),
        conversation(),
        contact,
        &arrival(text),
        Arc::new(desk()),
        texts,
        NOW,
    )
}
