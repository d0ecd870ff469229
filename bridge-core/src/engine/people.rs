//! Asks platforms who a contact is, off the turns. Losing a question costs little: the contact's next message asks again.

use std::{sync::Arc, time::Duration};

use super::{Engine, Side};
use crate::{
    channel::ChannelErrorKind,
    message::{Arrival, Author, Content, Event, ExternalId, Profile, ThreadKey, What},
};

/// Questions that may wait; more are dropped.
pub(super) const QUESTIONS: usize = 1024;
/// Questions at once.
const AT_ONCE: usize = 8;
/// How long an answer holds: who is bound to what changes rarely.
const KNOWN: Duration = Duration::from_secs(24 * 3600);
/// How long a failure keeps us from asking again.
const FAILED: Duration = Duration::from_secs(120);
/// The longest a platform may take.
const PATIENCE: Duration = Duration::from_secs(15);

impl Engine {
    /// Asks who this contact is, sooner or later.
    pub(super) fn wonder(&self, thread: &ThreadKey) {
        // A full queue drops it: their next message asks again.
        let _ = self.wondered.0.try_send(thread.clone());
    }

    pub(super) async fn ask_people(self: Arc<Self>) {
        let Some(mut questions) = self.wondered.1.lock().take() else {
            return;
        };
        let mut side = Side::new(AT_ONCE);
        loop {
            if side.room() == 0 {
                side.one_done().await;
            }
            let thread = tokio::select! {
                () = self.stop.cancelled() => break,
                thread = questions.recv() => thread,
            };
            let Some(thread) = thread else { break };
            let inbox = thread.inbox.to_string();
            if side.full().contains(&inbox) {
                // It hangs: others are asked meanwhile.
                continue;
            }
            let engine = self.clone();
            side.start(&inbox, async move { engine.ask_person(thread).await });
        }
        side.finish().await;
    }

    async fn ask_person(&self, thread: ThreadKey) {
        let parts = &self.parts;
        let key = format!("person:{}:{}", thread.inbox, thread.peer);
        // Held by whoever asks first, on any node; a cache out of reach means that it is asked.
        let first = parts.cache.add(&key, 1, FAILED).await;
        if first.is_ok_and(|count| count > 1) {
            return;
        }
        let Some(channel) = parts.channels.get(&thread.inbox) else {
            return;
        };
        let Some(people) = channel.people() else {
            return;
        };
        let asked = tokio::select! {
            () = self.stop.cancelled() => return,
            asked = tokio::time::timeout(PATIENCE, people.person(&thread.peer)) => asked,
        };
        let profile = match asked {
            Ok(Ok(profile)) => profile,
            Ok(Err(error)) if error.kind == ChannelErrorKind::Configuration => {
                tracing::warn!(inbox = %thread.inbox, %error, "the platform does not tell who contacts are");
                return;
            }
            Ok(Err(error)) => return tracing::debug!(%error, "who a contact is remains unknown"),
            Err(_) => return tracing::debug!("who a contact is remains unknown: no answer"),
        };
        if profile != Profile::default()
            && let Err(error) = self.accept(vec![self.told(&thread, profile)]).await
        {
            return tracing::debug!(%error, "who a contact is was not kept");
        }
        let _ = parts.cache.put(&key, "1000000", KNOWN).await;
    }

    fn told(&self, thread: &ThreadKey, profile: Profile) -> Arrival {
        let now = self.parts.clock.now();
        Arrival {
            inbox: thread.inbox.clone(),
            external_id: ExternalId::from(self.cue_key("person", now)),
            peer: thread.peer.clone(),
            author: Author::Contact,
            what: What::Content(Content::Event(Event::ProfileChanged)),
            sent_at: now,
            received_at: now,
            decoded_at: None,
            trigger: None,
            profile: Some(profile),
        }
    }
}
