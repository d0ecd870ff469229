//! Two nodes, one store, and a cache that may be away.

use std::{collections::BTreeMap, sync::Arc};

use super::super::*;
use crate::{
    bot::Catalogue,
    broker::Embedded,
    clock::{Clock as _, TestClock},
    conversation::Move,
    engine::{EngineParts, EngineSettings},
    message::{Arrival, Author, BotName, ExternalId, InboxName, PeerId, Trigger, What, WorkerId},
    routing::{Strategy, WorkingHours},
    store::{Claim, Intake, MemoryStore, Verdict},
    testkit::{self, FickleCache},
    texts::{Locale, Texts},
};

/// An engine whose loops do not run: commits are made by hand.
pub(super) struct Bench {
    pub(super) engine: Arc<Engine>,
    pub(super) cache: Arc<FickleCache>,
    pub(super) clock: Arc<TestClock>,
    pub(super) written: mpsc::Receiver<Write>,
    pub(super) arrivals: i64,
    pub(super) id: ConversationId,
}

/// What an engine is made of, alone with its clock and its cache.
pub(in crate::engine) fn parts(clock: Arc<TestClock>, cache: Arc<dyn Cache>) -> EngineParts {
    EngineParts {
        store: Arc::new(MemoryStore::new(clock.clone())),
        cache,
        broker: Arc::new(Embedded),
        clock: clock.clone(),
        media: testkit::tools_at(clock).media,
        channels: Arc::new(BTreeMap::new()),
        catalogue: Arc::new(Catalogue::default()),
        guards: Vec::new(),
        agents: BTreeMap::new(),
        strategy: Strategy::default(),
        hours: WorkingHours::default(),
        on_duty: Vec::new(),
        texts: Arc::new(Texts::new(Locale::Zh)),
        settings: EngineSettings {
            context_messages: 3,
            context_bytes: 4000,
            ..EngineSettings::default()
        },
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        let clock = Arc::new(TestClock::default());
        let cache = FickleCache::new(clock.clone());
        let engine = Engine::new(parts(clock.clone(), cache.clone()));
        let written = engine.ring.as_ref().unwrap().written.lock().take().unwrap();
        Self {
            engine,
            cache,
            clock,
            written,
            arrivals: 0,
            id: ConversationId(0),
        }
    }

    pub(super) fn ring(&self) -> &Ring {
        self.engine.ring.as_ref().unwrap()
    }

    pub(super) async fn claim(&mut self) -> Claim {
        self.arrivals += 1;
        self.clock.advance(Duration::from_millis(10));
        let now = self.clock.now();
        let arrival = Arrival {
            inbox: InboxName::new("mall"),
            external_id: ExternalId::new(self.arrivals.to_string()),
            peer: PeerId::new("o-zhou"),
            author: Author::Contact,
            what: What::Content(Content::text("")),
            sent_at: now,
            received_at: now,
            decoded_at: None,
            trigger: Some(Trigger::Message),
            profile: None,
        };
        let intake = Intake {
            arrivals: vec![arrival],
            cursor: None,
            entry: BotName::new("ai"),
        };
        let store = &self.engine.parts.store;
        store.accept(intake).await.unwrap();
        let claim = store
            .claim(&WorkerId::new("w"), Duration::from_secs(9))
            .await;
        let claim = claim.unwrap().unwrap();
        self.id = claim.conversation.id;
        claim
    }

    /// A turn that says this; what it was written into the cache as waits.
    pub(super) async fn turn(&mut self, said: &[&str], moved: Option<Move>) {
        let claim = self.claim().await;
        let mut changes = Changes::none(claim.conversation.clone());
        if let Some(moved) = moved {
            // What is not legal now is no move.
            let _ = changes.conversation.apply(moved, self.clock.now());
        }
        for words in said {
            let author = match words.starts_with('*') {
                true => EntryAuthor::Note,
                false => EntryAuthor::Contact,
            };
            changes.entries.push(NewEntry {
                trace: claim.arrivals[0].id,
                author,
                content: Content::text(*words),
                at: self.clock.now(),
            });
        }
        let verdict = Verdict::Turned {
            by: None,
            note: None,
        };
        changes.done.push((claim.arrivals[0].id, verdict));
        let words = Words::of(&mut changes);
        let (id, over) = (claim.conversation.id, is_over(&changes.conversation));
        self.engine
            .parts
            .store
            .commit(claim, changes)
            .await
            .unwrap();
        self.ring().committed(id, words.as_ref(), over);
    }

    /// The writes that wait.
    pub(super) fn waiting(&mut self) -> Vec<Write> {
        let mut all = Vec::new();
        while let Ok(write) = self.written.try_recv() {
            all.push(write);
        }
        all
    }

    pub(super) async fn make(&self, write: Write) {
        // While the cache is away nothing is written.
        let _ = self.ring().make(&*self.cache, &write).await;
    }

    pub(super) async fn make_all(&mut self) {
        for write in self.waiting() {
            self.make(write).await;
        }
    }

    pub(super) async fn conversation(&self) -> Conversation {
        let store = &self.engine.parts.store;
        let found = store.conversation(self.id).await.unwrap();
        found.unwrap().0
    }

    pub(super) async fn context(&self, wanted: usize) -> Vec<String> {
        let conversation = self.conversation().await;
        let lines = self.engine.context(&conversation, wanted).await.unwrap();
        let words = lines.iter().map(|line| line.content.words().unwrap());
        words.map(str::to_owned).collect()
    }

    /// What the cache alone would say.
    pub(super) async fn cached(&self, wanted: usize) -> Result<usize, Missing> {
        let conversation = self.conversation().await;
        let read = self.ring().read(&*self.cache, &conversation, wanted);
        read.await.map(|lines| lines.len())
    }
}
