//! The channel against the simulated platform, which is written from the notes and shares no code with it; callbacks
//! against the notes' own vectors, and against ones sealed here.

mod incoming;
mod outgoing;
mod people;
mod shelf;
mod tokens;

use std::sync::Arc;

use bridge_core::{
    cache::MemoryCache,
    channel::{ChannelError, Dispatch, Receipt},
    clock::{Clock, SystemClock, TestClock, Timestamp},
    message::{
        ArrivalId, Content, ConversationId, DispatchId, InboxName, Media, MediaSource, PeerId,
    },
    plugin::{Plugin, Tools},
};
use bridge_sandbox::{Account, Sandbox, Settings, wechat::Phone};
use serde_json::{Value, json};

use self::shelf::Shelf;
use super::{Config, WeChat};

/// A platform, an account of ours, and where its media are.
struct Stage {
    sandbox: Sandbox,
    account: WeChat,
    shelf: Arc<Shelf>,
    clock: Arc<TestClock>,
}

impl Stage {
    fn new() -> Self {
        Self::with(|_| {}, |_| {})
    }

    fn with(platform: impl FnOnce(&mut Settings), section: impl FnOnce(&mut Value)) -> Self {
        let mut settings = Settings::default();
        platform(&mut settings);
        let sandbox = Sandbox::start(settings).unwrap();
        let mut config = config();
        config["api_base"] = json!(sandbox.wechat_base());
        section(&mut config);
        let clock = Arc::new(TestClock::new(SystemClock.now()));
        let shelf = Arc::new(Shelf::default());
        let account = build(config, &shelf, clock.clone());
        Self {
            sandbox,
            account,
            shelf,
            clock,
        }
    }

    /// A customer who has just written.
    async fn phone(&self) -> Phone {
        let phone = self.sandbox.wechat().phone("小周");
        phone.says("在吗").await;
        phone
    }

    async fn send(&self, to: &Phone, content: Content) -> Result<Receipt, ChannelError> {
        use bridge_core::channel::Channel;
        self.account.send(&dispatch(to, content)).await
    }

    /// How often the platform was asked for something.
    fn asked(&self, path: &str) -> usize {
        let wire = self.sandbox.wire();
        wire.iter()
            .filter(|exchange| exchange.line.url.contains(path))
            .count()
    }

    fn keep(&self, name: &str, mime: &str, bytes: &'static [u8]) -> Media {
        let kept = self.shelf.add(name, mime, bytes);
        Media {
            source: MediaSource::Kept { hash: kept.hash },
            name: Some(kept.name),
            mime: None,
            size: None,
        }
    }
}

fn config() -> Value {
    let account = Account::default();
    json!({
        "app_id": account.app_id,
        "app_secret": account.app_secret,
        "token": account.token,
        "encoding_aes_key": account.encoding_aes_key,
    })
}

fn build(config: Value, shelf: &Arc<Shelf>, clock: Arc<dyn Clock>) -> WeChat {
    let config: Config = serde_json::from_value(config).unwrap();
    let tools = Tools {
        name: Arc::from("mall"),
        cache: Arc::new(MemoryCache::new(clock.clone())),
        clock,
        media: shelf.clone(),
        ..bridge_core::testkit::tools()
    };
    WeChat::build(config, &tools).unwrap()
}

fn dispatch(to: &Phone, content: Content) -> Dispatch {
    Dispatch {
        id: DispatchId(1),
        trace: ArrivalId(1),
        conversation: ConversationId(1),
        inbox: InboxName::new("mall"),
        to: PeerId::new(to.openid()),
        sender: None,
        content,
        attempt: 1,
        created_at: Timestamp(1_767_225_600_000),
    }
}
