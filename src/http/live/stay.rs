//! A visit: the transcript as it grows, from where the visitor left off; and what they say, acknowledged once it is
//! durable. Who is silent for too long is shown out; their page comes back.

use std::{convert::Infallible, mem::Discriminant, pin::pin, sync::Arc, time::Duration};

use bridge_core::{
    chain::Addressed,
    channel::{Delivery, Heard, Line, News, Refusal, Verb, Visit},
    conversation::{Conversation, Phase},
    engine::IngressError,
    message::{AgentName, ConversationId, EntryId, ThreadKey},
    store::{Entry, Part, StoreError},
};
use bytes::Bytes;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{
    House,
    house::Site,
    rooms::Place,
    shown::Shown,
    wire::{Came, Over, Wire},
};

/// Between two pings of ours.
const PING: Duration = Duration::from_secs(25);
/// Nothing heard for so long, not even a pong: nobody is there.
const SILENCE: Duration = Duration::from_secs(70);
/// Between two looks without a bell: a lost notice costs no more than this.
const LOOK: Duration = Duration::from_secs(20);
/// The same where all notices are lost, for a talk that goes on: what another node does is not heard of here.
const LOOK_ALONE: Duration = Duration::from_secs(2);
/// Nobody has said anything for so long: it does not go on.
const LULL: Duration = Duration::from_secs(180);
/// Lines a page begins with, and gets more of at a time.
const SCREEN: usize = 30;
/// Screens that anybody reads in a minute.
const SCREENS: u32 = 60;
/// Lines in one frame.
const BATCH: usize = 30;
/// What cannot be made durable now may be so after this.
const AGAIN: Duration = Duration::from_secs(2);

/// A visit.
pub(super) struct Stay {
    house: Arc<House>,
    site: Site,
    visit: Visit,
    thread: ThreadKey,
    place: Place,
    conversation: Option<ConversationId>,
    /// The last line that was looked at.
    seen: EntryId,
    /// The last line they were told of; notes and events after it are none of theirs.
    told_line: EntryId,
    /// How far they have seen it, by their page's word.
    shown: Shown,
    told: Option<State>,
    spoken_at: Instant,
    looked_at: Instant,
    /// What waits until they have read what is on its way.
    waits: Waits,
}

/// What waits until a slow reader has caught up.
#[derive(Default)]
struct Waits {
    look: bool,
    earlier: Option<EntryId>,
}

/// Who answers, as far as the page shows it.
#[derive(PartialEq, Eq)]
struct State {
    phase: Discriminant<Phase>,
    agent: Option<AgentName>,
    position: Option<u32>,
}

impl Stay {
    pub(super) fn new(house: Arc<House>, site: Site, visit: Visit) -> Self {
        let thread = ThreadKey {
            inbox: site.inbox.clone(),
            peer: visit.peer.clone(),
        };
        Self {
            place: house.rooms.enter(thread.clone()),
            house,
            site,
            visit,
            thread,
            conversation: None,
            seen: EntryId(0),
            told_line: EntryId(0),
            shown: Shown::default(),
            told: None,
            spoken_at: Instant::now(),
            looked_at: Instant::now(),
            waits: Waits::default(),
        }
    }

    pub(super) async fn until_over(mut self, wire: &mut Wire) -> Over {
        let over = match self.stay(wire).await {
            Ok(never) => match never {},
            Err(over) => over,
        };
        if self.shown.again().is_some() {
            self.note_shown().await;
        }
        over
    }

    async fn stay(&mut self, wire: &mut Wire) -> Result<Infallible, Over> {
        self.welcome(wire).await?;
        let bell = self.place.bell();
        let (mut pings, mut looks) = (interval(PING), interval(LOOK));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = Instant::now();
        let closing = self.house.closing.clone();
        let mut closing = pin!(closing.cancelled());
        loop {
            let idle = self.spoken_at + self.site.live().bounds().idle;
            let (patience, again) = (wire.patience(), self.shown.again());
            let (next, alone) = (self.looked_at + LOOK_ALONE, self.is_alone());
            tokio::select! {
                came = wire.next() => {
                    heard_at = Instant::now();
                    match came? {
                        Came::Words(words) => self.hear(wire, &words).await?,
                        Came::Life => self.catch_up(wire).await?,
                    }
                }
                rung = bell.heard() => {
                    // In this order: what was being typed may be among what is new.
                    if rung.typing {
                        self.tell(wire, &News::Typing).await?;
                    }
                    if rung.changed {
                        self.look(wire).await?;
                    }
                }
                _ = looks.tick() => {
                    if self.house.app.engine.parts().clock.now() >= self.visit.until {
                        return Err(Over::Token);
                    }
                    self.look(wire).await?;
                }
                () = sleep_until(next), if alone => self.look(wire).await?,
                _ = pings.tick() => {
                    if heard_at.elapsed() > SILENCE {
                        return Err(Over::Left);
                    }
                    wire.ping().await?;
                }
                () = sleep_until(again.unwrap_or(idle)), if again.is_some() => self.note_shown().await,
                () = sleep_until(idle) => return Err(Over::Idle),
                () = sleep_until(patience.unwrap_or(idle)), if patience.is_some() => return Err(Over::Slow),
                () = &mut closing => return Err(Over::Away),
            }
        }
    }

    /// Whether a talk goes on of which this node may hear nothing.
    fn is_alone(&self) -> bool {
        self.spoken_at.elapsed() < LULL && !self.house.app.engine.parts().broker.health().up
    }

    async fn tell(&self, wire: &mut Wire, news: &News<'_>) -> Result<(), Over> {
        wire.tell(self.site.live().tell(news)).await
    }

    /// They have read something: what waited for that goes on.
    async fn catch_up(&mut self, wire: &mut Wire) -> Result<(), Over> {
        if wire.is_full() {
            return Ok(());
        }
        if let Some(before) = self.waits.earlier.take() {
            self.screen(wire, Part::Before(before)).await?;
        }
        match std::mem::take(&mut self.waits.look) {
            true => self.look(wire).await,
            false => Ok(()),
        }
    }

    /// Who they are, and what there is: all they missed, or else the last screen.
    async fn welcome(&mut self, wire: &mut Wire) -> Result<(), Over> {
        let now = self.house.app.engine.parts().clock.now();
        let welcome = News::Welcome {
            visit: &self.visit,
            now,
        };
        self.tell(wire, &welcome).await?;
        match self.visit.seen {
            Some(seen) => self.seen = seen,
            None => self.screen(wire, Part::Last).await?,
        }
        Ok(())
    }

    async fn hear(&mut self, wire: &mut Wire, frame: &str) -> Result<(), Over> {
        let now = self.house.app.engine.parts().clock.now();
        match self.site.live().hear(&self.visit, frame, now) {
            Heard::Said { id, delivery } => {
                self.spoken_at = Instant::now();
                self.said(wire, &id, delivery).await
            }
            Heard::Earlier(before) => self.earlier(wire, before).await,
            Heard::Shown(line) => {
                let all = line >= self.told_line;
                let line = if all { self.seen } else { line };
                if self.shown.reach(line) {
                    self.note_shown().await;
                }
                Ok(())
            }
            Heard::Ping => self.tell(wire, &News::Pong).await,
            Heard::Refused { id, why } => self.refuse(wire, &id, why).await,
            Heard::Noise => Err(Over::Noise),
        }
    }

    async fn note_shown(&mut self) {
        if let Some(id) = self.conversation {
            self.shown.note(&self.house, id, &self.thread).await;
        }
    }

    /// They scroll up. Reading far back costs the store something: who asks faster than anybody reads is not answered.
    async fn earlier(&mut self, wire: &mut Wire, before: EntryId) -> Result<(), Over> {
        let who = self.thread.to_string();
        if self
            .house
            .too_fast("earlier", &who, SCREENS)
            .await
            .is_some()
        {
            return Ok(());
        }
        if wire.is_full() {
            self.waits.earlier = Some(before);
            return Ok(());
        }
        self.screen(wire, Part::Before(before)).await
    }

    /// Walks the way of every callback; the page hears of it when it is durable.
    async fn said(&mut self, wire: &mut Wire, id: &str, delivery: Bytes) -> Result<(), Over> {
        let few = self.site.live().bounds().messages_per_minute;
        let who = self.thread.to_string();
        if let Some(after) = self.house.too_fast("say", &who, few).await {
            return self.refuse(wire, id, Refusal::TooFast { after }).await;
        }
        let engine = &self.house.app.engine;
        let addressed = Addressed {
            inbox: self.site.inbox.clone(),
            delivery: Delivery {
                verb: Verb::Post,
                query: String::new(),
                body: delivery,
                received_at: engine.parts().clock.now(),
            },
        };
        match engine.take(addressed).await {
            Ok((_, ids)) => {
                let trace = ids.last().copied().flatten();
                self.tell(wire, &News::Taken { id, trace }).await?;
                if self.conversation.is_none() {
                    self.house.rooms.begun(&self.thread);
                }
                Ok(())
            }
            Err(IngressError::Refused(error)) => {
                tracing::warn!(%error, inbox = %self.site.inbox, "a visitor's message was not taken");
                self.refuse(wire, id, Refusal::Malformed).await
            }
            Err(error) => {
                tracing::warn!(%error, inbox = %self.site.inbox, "a visitor's message cannot be taken now");
                self.refuse(wire, id, Refusal::Busy { after: AGAIN }).await
            }
        }
    }

    async fn refuse(&self, wire: &mut Wire, id: &str, why: Refusal) -> Result<(), Over> {
        self.tell(wire, &News::Refused { id, why }).await
    }

    /// The last lines, or the last before one.
    async fn screen(&mut self, wire: &mut Wire, part: Part) -> Result<(), Over> {
        let entries = self.read(part, SCREEN).await.unwrap_or_default();
        let more = entries.len() == SCREEN;
        if let (Part::Last, Some(last)) = (part, entries.last()) {
            self.seen = last.id;
        }
        let parts = self.house.app.engine.parts();
        let lines = self.house.shelf.lines(parts, entries).await;
        self.tells(&lines);
        let earlier = News::Earlier {
            lines: &lines,
            more,
        };
        self.tell(wire, &earlier).await
    }

    /// Shows what there is beyond what they have seen, and who answers now.
    async fn look(&mut self, wire: &mut Wire) -> Result<(), Over> {
        self.looked_at = Instant::now();
        loop {
            if wire.is_full() {
                self.waits.look = true;
                break;
            }
            let entries = self.read(Part::After(self.seen), BATCH).await;
            let entries = entries.unwrap_or_default();
            let Some(last) = entries.last() else { break };
            self.seen = last.id;
            self.spoken_at = Instant::now();
            let is_all = entries.len() < BATCH;
            let parts = self.house.app.engine.parts();
            let lines = self.house.shelf.lines(parts, entries).await;
            self.tells(&lines);
            if !lines.is_empty() {
                self.tell(wire, &News::Lines(&lines)).await?;
            }
            if is_all {
                break;
            }
        }
        self.tell_state(wire).await
    }

    fn tells(&mut self, lines: &[Line]) {
        let last = lines.last().map_or(self.told_line, |line| line.entry.id);
        self.told_line = self.told_line.max(last);
    }

    /// A part of their transcript; `None`: there is none yet, or it cannot be read now and is looked at again.
    async fn read(&mut self, part: Part, limit: usize) -> Option<Vec<Entry>> {
        let read = async {
            let store = &self.house.app.store;
            if self.conversation.is_none() {
                self.conversation = store.find(&self.thread).await?;
                if let Some(id) = self.conversation {
                    self.place.follow(id);
                }
            }
            match self.conversation {
                Some(id) => store.lines(id, part, limit).await.map(Some),
                None => Ok(None),
            }
        };
        read.await.unwrap_or_else(|error: StoreError| {
            tracing::debug!(%error, "a visitor's transcript cannot be read now");
            None
        })
    }

    async fn tell_state(&mut self, wire: &mut Wire) -> Result<(), Over> {
        let Some(id) = self.conversation else {
            return Ok(());
        };
        let Ok(Some((conversation, _))) = self.house.app.store.conversation(id).await else {
            return Ok(());
        };
        let state = State::of(&conversation);
        if self.told.as_ref() == Some(&state) {
            return Ok(());
        }
        let agents = &self.house.app.engine.parts().agents;
        let agent = conversation.agent().map(|name| {
            agents
                .get(name)
                .map_or(name.as_str(), |agent| agent.display_name.as_str())
        });
        let news = News::State {
            phase: &conversation.phase,
            agent,
            position: state.position,
        };
        self.tell(wire, &news).await?;
        self.told = Some(state);
        Ok(())
    }
}

impl State {
    fn of(conversation: &Conversation) -> Self {
        let position = match conversation.phase {
            Phase::Queued(_) => conversation.told_position.map(|told| told.position),
            _ => None,
        };
        Self {
            phase: std::mem::discriminant(&conversation.phase),
            agent: conversation.agent().cloned(),
            position,
        }
    }
}
