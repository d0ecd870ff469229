//! What an agent said or did, as arrivals. Callbacks and the history come to the same arrivals with the same external
//! ids, so that what both tell is taken in once.

use bridge_convertors::tencent_im::body::Element;
use bridge_convertors::tencent_im::callback::C2cModified;
use bridge_convertors::tencent_im::key::MessageKey;
use bridge_core::clock::Timestamp;
use bridge_core::message::{Arrival, Author, Content, Event, ExternalId, PeerId, Profile, What};

use super::TencentIm;

/// From an agent to a stand-in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Between<'a> {
    pub(super) agent: &'a str,
    pub(super) stand_in: &'a str,
}

impl TencentIm {
    /// A message: one arrival for each of its elements that says something. The first has the message's own id, by
    /// which a recall names it; the others have theirs derived from it.
    pub(super) fn spoken(
        &self,
        between: Between<'_>,
        key: MessageKey<'_>,
        body: &[Element<'_>],
        received_at: Timestamp,
    ) -> Vec<Arrival> {
        let id = key.between(between.agent, between.stand_in);
        let numbered = |(number, content)| {
            let id = match number {
                0 => id.clone(),
                _ => format!("{id}#{number}"),
            };
            self.arrival(between, id, seconds(key.time()), received_at, content)
        };
        self.words
            .contents(body)
            .into_iter()
            .enumerate()
            .map(numbered)
            .collect()
    }

    /// The agent is at an answer.
    pub(super) fn typing(
        &self,
        between: Between<'_>,
        key: MessageKey<'_>,
        received_at: Timestamp,
    ) -> Arrival {
        let id = format!("{}:typing", key.between(between.agent, between.stand_in));
        let content = Content::Event(Event::Typing);
        self.arrival(between, id, received_at, received_at, content)
    }

    /// A message was taken back.
    pub(super) fn recalled(
        &self,
        between: Between<'_>,
        key: MessageKey<'_>,
        received_at: Timestamp,
    ) -> Arrival {
        let message = key.between(between.agent, between.stand_in);
        let id = format!("{message}:recalled");
        let content = Content::Recalled {
            external_id: message,
        };
        self.arrival(between, id, received_at, received_at, content)
    }

    /// A message was changed after it was sent: recorded, because what the contact got cannot be changed any more.
    pub(super) fn modified(
        &self,
        between: Between<'_>,
        message: &C2cModified<'_>,
        received_at: Timestamp,
    ) -> Arrival {
        let changed = message.key().between(between.agent, between.stand_in);
        let id = format!("{changed}:modified:{}", message.event_time);
        let words = self
            .words
            .contents(&message.msg_body)
            .iter()
            .find_map(|content| content.words().map(str::to_owned));
        let detail = [
            ("message".to_owned(), changed),
            ("words".to_owned(), words.unwrap_or_default()),
        ]
        .into();
        let event = Event::Other {
            name: "C2C.CallbackAfterModifyMsg".to_owned(),
            detail,
        };
        self.arrival(between, id, received_at, received_at, Content::Event(event))
    }

    /// The agent has read what the contact wrote.
    pub(super) fn read(&self, between: Between<'_>, up_to: u64, received_at: Timestamp) -> Arrival {
        let id = format!("{up_to:010}:read:{}:{}", between.agent, between.stand_in);
        let up_to = i64::try_from(up_to).unwrap_or(i64::MAX);
        self.arrival(
            between,
            id,
            Timestamp::from_secs(up_to),
            received_at,
            Content::Event(Event::Read { up_to }),
        )
    }

    /// Something about an agent that no conversation is part of; its peer is the agent.
    pub(super) fn about(
        &self,
        agent: &str,
        what: &str,
        event: Event,
        event_time: u64,
        received_at: Timestamp,
        profile: Option<Profile>,
    ) -> Arrival {
        let id = format!("{:010}:{what}:{agent}:{event_time}", event_time / 1000);
        let at = Timestamp(i64::try_from(event_time).unwrap_or(i64::MAX));
        let between = Between {
            agent,
            stand_in: agent,
        };
        Arrival {
            profile,
            ..self.arrival(between, id, at, received_at, Content::Event(event))
        }
    }

    fn arrival(
        &self,
        between: Between<'_>,
        external_id: String,
        sent_at: Timestamp,
        received_at: Timestamp,
        content: Content,
    ) -> Arrival {
        Arrival {
            inbox: self.words.inbox.clone(),
            external_id: ExternalId::from(external_id),
            peer: PeerId::new(between.stand_in),
            author: Author::Agent(PeerId::new(between.agent)),
            what: What::Content(content),
            sent_at,
            received_at,
            decoded_at: None,
            trigger: None,
            profile: None,
        }
    }
}

fn seconds(time: u64) -> Timestamp {
    Timestamp::from_secs(i64::try_from(time).unwrap_or(i64::MAX))
}
