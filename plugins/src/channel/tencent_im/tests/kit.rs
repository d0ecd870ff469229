//! What the channel is built with in tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bridge_core::bot::async_trait;
use bridge_core::cache::{Cache, MemoryCache};
use bridge_core::channel::{Channel, Dispatch, Persona};
use bridge_core::clock::{TestClock, Timestamp};
use bridge_core::error::Remedy;
use bridge_core::media::{KeptMedia, MediaError, MediaLibrary, Rendition};
use bridge_core::message::{
    ArrivalId, Content, ConversationId, DispatchId, InboxName, Media, MediaSource, PeerId,
};
use bridge_core::plugin::{Plugin, Tools, read_config};
use bridge_core::texts::Locale;
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::TencentIm;
use super::peer::{NOW, Peer, SDK_APP_ID, SECRET};

pub(super) const STAND_IN: &str = "kefu_0123456789abcdef0123456789";
pub(super) const TOKEN: &str = "kefu-token-001";

pub(super) struct Kit {
    pub(super) channel: TencentIm,
    pub(super) peer: Peer,
    pub(super) clock: Arc<TestClock>,
    pub(super) cache: Arc<dyn Cache>,
    pub(super) shelf: Arc<Shelf>,
}

/// The section of the configuration, with `more` in it.
pub(super) fn section(api_base: &str, more: Value) -> Value {
    let mut section = json!({
        "sdk_app_id": SDK_APP_ID, "secret_key": SECRET, "admin": "administrator",
        "callback_token": TOKEN, "api_base": api_base
    });
    for (key, value) in more.as_object().unwrap() {
        section[key] = value.clone();
    }
    section
}

pub(super) async fn kit() -> Kit {
    kit_with(json!({})).await
}

pub(super) async fn kit_with(more: Value) -> Kit {
    let peer = Peer::start().await;
    let clock = Arc::new(TestClock::new(Timestamp::from_secs(NOW as i64)));
    let cache: Arc<dyn Cache> = Arc::new(MemoryCache::new(clock.clone()));
    let shelf = Arc::new(Shelf::default());
    let section = section(&peer.base, more);
    let channel = channel(section, clock.clone(), cache.clone(), shelf.clone());
    Kit {
        channel,
        peer,
        clock,
        cache,
        shelf,
    }
}

pub(super) fn channel(
    section: Value,
    clock: Arc<TestClock>,
    cache: Arc<dyn Cache>,
    shelf: Arc<Shelf>,
) -> TencentIm {
    let tools = Tools {
        name: "desk".into(),
        clock,
        cache,
        media: shelf,
        locale: Locale::Zh,
        public_url: "https://kefu.example.test".into(),
        keys: bridge_core::plugin::Keyring::new([7; 32]),
    };
    TencentIm::build(read_config(section).unwrap(), &tools).unwrap()
}

impl Kit {
    /// Another node: the same application and cache, its own memory.
    pub(super) fn other_node(&self) -> TencentIm {
        self.other_node_with(json!({}))
    }

    pub(super) fn other_node_with(&self, more: Value) -> TencentIm {
        let section = section(&self.peer.base, more);
        channel(
            section,
            self.clock.clone(),
            self.cache.clone(),
            self.shelf.clone(),
        )
    }

    pub(super) async fn sends(
        &self,
        dispatch: &Dispatch,
    ) -> Result<bridge_core::channel::Receipt, bridge_core::channel::ChannelError> {
        self.channel.send(dispatch).await
    }
}

/// A contact's words on their way to the agent.
pub(super) fn dispatch(id: i64, content: Content) -> Dispatch {
    Dispatch {
        id: DispatchId(id),
        trace: ArrivalId(id),
        conversation: ConversationId(1),
        inbox: InboxName::new("desk"),
        to: PeerId::new("agent_1"),
        sender: Some(Persona {
            id: PeerId::new(STAND_IN),
            name: "小周".into(),
            avatar_url: Some("https://kefu.example.test/media/zhou.jpg".into()),
        }),
        content,
        attempt: 1,
        created_at: Timestamp::from_secs(NOW as i64),
    }
}

/// A media library in memory: what is to be had is put on the shelf by its URL.
#[derive(Default)]
pub(super) struct Shelf {
    kept: Mutex<HashMap<String, KeptMedia>>,
    renditions: Mutex<HashMap<Rendition, KeptMedia>>,
    pub(super) away: Mutex<Option<Remedy>>,
}

impl Shelf {
    pub(super) fn put(&self, url: &str, kept: KeptMedia) {
        self.kept.lock().unwrap().insert(url.to_owned(), kept);
    }

    /// What a rendition of anything comes to.
    pub(super) fn renders(&self, wanted: Rendition, kept: KeptMedia) {
        self.renditions.lock().unwrap().insert(wanted, kept);
    }
}

pub(super) fn kept(name: &str, mime: &str) -> KeptMedia {
    KeptMedia {
        hash: format!("hash-of-{name}"),
        mime: mime.into(),
        size: 1234,
        name: name.into(),
        dimensions: mime.starts_with("image/").then_some((640, 480)),
    }
}

pub(super) fn remote(url: &str) -> Media {
    Media::remote(&InboxName::new("mall"), "handle", Some(url.to_owned()))
}

/// A voice message with its words, which goes out as two messages.
pub(super) fn spoken(kit: &Kit) -> Content {
    let url = "https://media.example.test/v.mp3";
    kit.shelf.put(url, kept("v.mp3", "audio/mpeg"));
    Content::Voice {
        media: remote(url),
        words: Some("退货".into()),
        seconds: Some(3),
    }
}

#[async_trait]
impl MediaLibrary for Shelf {
    async fn keep(&self, media: &Media) -> Result<KeptMedia, MediaError> {
        if let Some(remedy) = *self.away.lock().unwrap() {
            return Err(MediaError::new(remedy, "away"));
        }
        let MediaSource::Remote { url: Some(url), .. } = &media.source else {
            return Err(MediaError::new(Remedy::Never, "no URL"));
        };
        let kept = self.kept.lock().unwrap().get(url).cloned();
        kept.ok_or_else(|| MediaError::new(Remedy::Never, "gone"))
    }

    async fn open(&self, _: &KeptMedia) -> Result<Bytes, MediaError> {
        Err(MediaError::new(Remedy::Never, "nobody opens anything here"))
    }

    async fn put(&self, _: Bytes, _: Option<&str>) -> Result<KeptMedia, MediaError> {
        Err(MediaError::new(Remedy::Never, "nobody puts anything here"))
    }

    fn url(&self, kept: &KeptMedia) -> String {
        format!("https://kefu.example.test/media/{}", kept.name)
    }

    async fn rendition(
        &self,
        _: &KeptMedia,
        wanted: Rendition,
    ) -> Result<Option<KeptMedia>, MediaError> {
        Ok(self.renditions.lock().unwrap().get(&wanted).cloned())
    }
}
