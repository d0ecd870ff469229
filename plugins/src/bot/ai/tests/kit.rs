//! What the assistant is built with in tests: a clock that a test moves to the next sleeper, and a media library in
//! memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use bridge_core::{
    bot::{BotError, ChatBot, Effect, Turn, async_trait},
    cache::MemoryCache,
    clock::{Clock, Timestamp},
    error::Remedy,
    media::{KeptMedia, MediaError, MediaLibrary, Rendition},
    message::{Content, Media, MediaSource},
    plugin::{Plugin, Tools},
    testkit::NOW,
    texts::Locale,
};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    super::{Ai, Args},
    peer::Peer,
};

/// A clock that knows who sleeps until when, so that a test moves it exactly when somebody waits for it.
pub(super) struct Sleepers {
    now: watch::Sender<Timestamp>,
    until: watch::Sender<BTreeMap<Timestamp, usize>>,
}

impl Sleepers {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            now: watch::Sender::new(NOW),
            until: watch::Sender::default(),
        })
    }

    /// Waits until somebody sleeps for at most `span`, and wakes them; how long they slept.
    pub(super) async fn wake_within(&self, span: Duration) -> Duration {
        let begun = self.now();
        let next = |until: &BTreeMap<Timestamp, usize>| {
            let (first, _) = until.range(begun + Duration::from_millis(1)..).next()?;
            (*first <= begun + span).then_some(*first)
        };
        let mut watched = self.until.subscribe();
        let first = watched
            .wait_for(|until| next(until).is_some())
            .await
            .unwrap();
        let first = next(&first).unwrap();
        self.now.send_replace(first);
        first.since(begun)
    }

    /// Waits until so many sleep for exactly `span`.
    pub(super) async fn sleeping_for(&self, span: Duration, sleepers: usize) {
        let moment = self.now() + span;
        let mut watched = self.until.subscribe();
        let enough = |until: &BTreeMap<Timestamp, usize>| until.get(&moment) >= Some(&sleepers);
        watched.wait_for(enough).await.unwrap();
    }

    /// How many sleep for exactly `span`.
    pub(super) fn sleepers_for(&self, span: Duration) -> usize {
        let moment = self.now() + span;
        self.until
            .borrow()
            .get(&moment)
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = *now + by);
    }
}

#[async_trait]
impl Clock for Sleepers {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, moment: Timestamp) {
        let _sleeping = Sleeping::new(self, moment);
        let mut now = self.now.subscribe();
        let _ = now.wait_for(|now| *now >= moment).await;
    }
}

struct Sleeping<'a> {
    clock: &'a Sleepers,
    moment: Timestamp,
}

impl<'a> Sleeping<'a> {
    fn new(clock: &'a Sleepers, moment: Timestamp) -> Self {
        clock
            .until
            .send_modify(|until| *until.entry(moment).or_default() += 1);
        Self { clock, moment }
    }
}

impl Drop for Sleeping<'_> {
    fn drop(&mut self) {
        self.clock.until.send_modify(|until| {
            if let Some(count) = until.get_mut(&self.moment) {
                *count -= 1;
                if *count == 0 {
                    until.remove(&self.moment);
                }
            }
        });
    }
}

/// Media in memory. Remote media are there when their handle or URL was put in before.
#[derive(Default)]
pub(super) struct Shelf {
    bytes: Mutex<HashMap<String, Bytes>>,
}

impl Shelf {
    pub(super) fn with(self, handle: &str, bytes: &'static [u8]) -> Self {
        self.bytes
            .lock()
            .unwrap()
            .insert(handle.to_owned(), Bytes::from_static(bytes));
        self
    }
}

fn kept(hash: &str, size: usize, name: &str) -> KeptMedia {
    KeptMedia {
        hash: hash.to_owned(),
        mime: "image/png".to_owned(),
        size: size as u64,
        name: name.to_owned(),
        dimensions: None,
    }
}

#[async_trait]
impl MediaLibrary for Shelf {
    async fn keep(&self, media: &Media) -> Result<KeptMedia, MediaError> {
        let key = match &media.source {
            MediaSource::Kept { hash } => hash.clone(),
            MediaSource::Remote { handle, url, .. } if handle.is_empty() => {
                url.clone().unwrap_or_default()
            }
            MediaSource::Remote { handle, .. } => handle.clone(),
        };
        let bytes = self.bytes.lock().unwrap().get(&key).cloned();
        match bytes {
            Some(bytes) => Ok(kept(&key, bytes.len(), "p.png")),
            None => Err(MediaError::new(Remedy::Never, "not on the shelf")),
        }
    }

    async fn open(&self, kept: &KeptMedia) -> Result<Bytes, MediaError> {
        Ok(self.bytes.lock().unwrap()[&kept.hash].clone())
    }

    async fn put(&self, bytes: Bytes, name: Option<&str>) -> Result<KeptMedia, MediaError> {
        let hash = format!("hash-of-{}", String::from_utf8_lossy(&bytes));
        let size = bytes.len();
        self.bytes.lock().unwrap().insert(hash.clone(), bytes);
        Ok(kept(&hash, size, name.unwrap_or_default()))
    }

    fn url(&self, kept: &KeptMedia) -> String {
        kept.hash.clone()
    }

    async fn rendition(
        &self,
        _: &KeptMedia,
        _: Rendition,
    ) -> Result<Option<KeptMedia>, MediaError> {
        Ok(None)
    }
}

/// The key in all tests: it must never be seen but in its header.
pub(super) const KEY: &str = "app-very-secret";

/// An assistant, its Dify and its clock.
pub(super) struct Kit {
    pub(super) ai: Arc<Ai>,
    pub(super) peer: Peer,
    pub(super) clock: Arc<Sleepers>,
}

impl Kit {
    pub(super) async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// With more settings.
    pub(super) async fn with(settings: Value) -> Self {
        Self::over(settings, Shelf::default()).await
    }

    pub(super) async fn over(settings: Value, shelf: Shelf) -> Self {
        let peer = Peer::start().await;
        let clock = Sleepers::new();
        let ai = build(&peer.base, settings, clock.clone(), shelf);
        Self {
            ai: Arc::new(ai),
            peer,
            clock,
        }
    }

    pub(super) async fn answer(&self, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        self.ai.answer(Args {}, turn).await
    }

    /// What the contact is told when asking `words`.
    pub(super) async fn told(&self, words: &str) -> Vec<String> {
        told(&self.answer(&Turn::of_contact(words)).await.unwrap())
    }

    /// Asks on the side.
    pub(super) fn asks(
        &self,
        turn: Turn,
    ) -> tokio::task::JoinHandle<Result<Vec<Effect>, BotError>> {
        let ai = self.ai.clone();
        tokio::spawn(async move { ai.answer(Args {}, &turn).await })
    }
}

pub(super) fn build(base: &str, settings: Value, clock: Arc<Sleepers>, shelf: Shelf) -> Ai {
    let mut config = json!({"api_base": base, "api_key": KEY});
    let settings = settings.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(settings);
    let tools = tools(clock, shelf);
    Ai::build(serde_json::from_value(config).unwrap(), &tools).unwrap()
}

pub(super) fn tools(clock: Arc<Sleepers>, shelf: Shelf) -> Tools {
    Tools {
        name: "ai".into(),
        clock: clock.clone(),
        cache: Arc::new(MemoryCache::new(clock)),
        media: Arc::new(shelf),
        locale: Locale::Zh,
        public_url: "http://bridge.test".to_owned(),
        keys: bridge_core::plugin::Keyring::new([7; 32]),
    }
}

/// What effects tell the contact, as words; other contents by their kind.
pub(super) fn told(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::TellContact(Content::Text(text)) => Some(text.text.clone()),
            Effect::TellContact(other) => Some(format!("{:?}", other.kind())),
            _ => None,
        })
        .collect()
}

/// The memory that effects leave.
pub(super) fn remembered(effects: &[Effect]) -> Option<Value> {
    effects.iter().find_map(|effect| match effect {
        Effect::Remember { bot, value } if bot.as_str() == "ai" => Some(value.clone()),
        _ => None,
    })
}

/// The note of the effect that asks for a person.
pub(super) fn routed(effects: &[Effect]) -> Option<String> {
    effects.iter().find_map(|effect| match effect {
        Effect::Route { note, .. } => Some(note.clone().unwrap_or_default()),
        _ => None,
    })
}

/// A turn of a conversation that remembers `memory`.
pub(super) fn turn_with(words: &str, memory: Option<Value>) -> Turn {
    let mut turn = Turn::of_contact(words);
    if let Some(memory) = memory {
        turn.conversation.memory.insert("ai".into(), memory);
    }
    turn
}
