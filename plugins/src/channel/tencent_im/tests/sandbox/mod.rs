//! The channel and the sandbox's Tencent IM, each written from the protocol notes without the other's wire code: what
//! they agree on, a real application will hardly refuse.

mod door;
mod kinds;
mod telling;
mod weather;

use std::sync::Arc;
use std::time::Duration;

use bridge_core::cache::MemoryCache;
use bridge_core::channel::{Channel, ChannelError, Dispatch};
use bridge_core::clock::{Clock, SystemClock};
use bridge_core::message::{Arrival, Content, PeerId};
use bridge_core::plugin::{Plugin, Tools, read_config};
use bridge_core::texts::Locale;
use bridge_sandbox::tim::Client;
use bridge_sandbox::{Sandbox, Settings};
use serde_json::json;
use tokio::sync::mpsc;

use super::super::TencentIm;
use super::kit::{STAND_IN, Shelf, dispatch};
use door::door;

/// The sandbox, the channel, and a door through which callbacks come.
struct Stage {
    sandbox: Sandbox,
    channel: Arc<TencentIm>,
    agent: Client,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    shelf: Arc<Shelf>,
}

async fn stage() -> Stage {
    let mut settings = Settings::default();
    settings.tim.dedupe_window = Duration::ZERO; // the real one is a second: rely on nothing
    let sandbox = Sandbox::start(settings).unwrap();
    let shelf = Arc::new(Shelf::default());
    let channel = Arc::new(built(&sandbox, shelf.clone()));
    let (base, arrivals) = door(channel.clone()).await;
    sandbox.set_bridge(&base);
    let agent = sandbox.tim().client("agent_system").unwrap();
    Stage {
        sandbox,
        channel,
        agent,
        arrivals,
        shelf,
    }
}

fn built(sandbox: &Sandbox, shelf: Arc<Shelf>) -> TencentIm {
    let tim = sandbox.tim().settings();
    let section = json!({
        "sdk_app_id": tim.sdk_app_id, "secret_key": tim.secret_key, "admin": tim.admin,
        "callback_token": tim.callback_token, "api_base": sandbox.tim_base()
    });
    let clock = Arc::new(SystemClock);
    let tools = Tools {
        name: "desk".into(),
        clock: clock.clone(),
        cache: Arc::new(MemoryCache::new(clock)),
        media: shelf,
        locale: Locale::Zh,
        public_url: "https://kefu.example.test".into(),
        keys: bridge_core::plugin::Keyring::new([7; 32]),
    };
    TencentIm::build(read_config(section).unwrap(), &tools).unwrap()
}

impl Stage {
    async fn sends(&self, id: i64, content: Content) -> Result<String, ChannelError> {
        self.channel
            .send(&self.dispatch(id, content))
            .await
            .map(|receipt| receipt.external_id.unwrap())
    }

    fn dispatch(&self, id: i64, content: Content) -> Dispatch {
        Dispatch {
            to: PeerId::new("agent_system"),
            created_at: SystemClock.now(),
            ..dispatch(id, content)
        }
    }

    /// A process that knows nothing of what this one did.
    fn another_process(&self) -> TencentIm {
        built(&self.sandbox, self.shelf.clone())
    }

    async fn arrives(&mut self) -> Arrival {
        let patience = Duration::from_secs(10);
        let arrival = tokio::time::timeout(patience, self.arrivals.recv()).await;
        arrival.expect("an arrival is on its way").unwrap()
    }

    /// Nothing came that nobody looked at: callbacks are answered after they are handed on.
    fn nothing_else(&mut self) {
        assert!(self.arrivals.try_recv().is_err());
    }

    async fn pulled(&self) -> Vec<Arrival> {
        let topic = format!("{STAND_IN}/agent_system");
        Channel::pull(&*self.channel)
            .unwrap()
            .pull(&topic, None, None)
            .await
            .unwrap()
            .arrivals
    }
}
