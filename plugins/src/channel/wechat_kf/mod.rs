//! WeChat KF (微信客服): the callback only says that there is something ([`decode`]); one puller per account fetches it
//! ([`pull`]), and the core moves the cursor in the transaction that stores the page. What goes out carries a `msgid` of
//! ours, so that trying again is harmless ([`send`]).
//!
//! Who serves is a setting ([`config::Mode`]): agents at our own desk, or WeCom's own servicers in the WeCom client, to whom
//! sessions are moved by the platform's rules ([`session`]) and whom it may tell one last word past them ([`last_word`]).
//!
//! A thread is a customer at one account: its peer is `external_userid@open_kfid`.

mod arrivals;
mod check;
mod config;
mod decode;
mod last_word;
mod media;
mod pull;
mod send;
mod servicers;
mod session;

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use bridge_convertors::wecom::{envelope::Gate, error_table::action, kf::Kf as Vocabulary};
use bridge_core::{
    cache::Cache,
    channel::{
        Allowance, Capabilities, Channel, ChannelError, ChannelSpec, Check, Decoded, Delivery,
        Dispatch, Fetch, Presence, Pull, Receipt,
    },
    clock::{Clock, Timestamp},
    media::MediaLibrary,
    message::{ContentKind, InboxName, PeerId, Trigger},
    plugin::{BuildError, Plugin, Tools},
};

use self::config::{Config, Mode};
use super::account::{Api, Grant};

/// A greeting has to be out within 20 s of the entering (WeCom: 3.6).
const GREETING: Duration = Duration::from_secs(20);

/// The KF accounts of one corp's app.
pub struct Kf {
    config: Config,
    gate: Gate,
    accounts: BTreeSet<String>,
    api: Api,
    words: Vocabulary,
    capabilities: Capabilities,
    media: Arc<dyn MediaLibrary>,
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    callback_url: String,
}

bridge_core::register!(ChannelSpec::new::<Kf>("wechat-kf"));

impl Plugin for Kf {
    type Config = Config;

    fn build(config: Config, tools: &Tools) -> Result<Self, BuildError> {
        let keys = config.validate()?;
        let grant = Grant::Corp {
            corp_id: config.corp_id.clone(),
            secret: config.secret.clone(),
        };
        Ok(Self {
            gate: Gate {
                token: config.token.clone(),
                keys,
                receive_id: config.corp_id.clone(),
            },
            accounts: config.accounts.iter().cloned().collect(),
            api: Api::new(&config.api_base, grant, action, tools)?,
            words: Vocabulary {
                inbox: InboxName::new(&*tools.name),
            },
            capabilities: capabilities(&config),
            media: tools.media.clone(),
            cache: tools.cache.clone(),
            clock: tools.clock.clone(),
            started: tools.clock.now(),
            callback_url: format!("{}/callback/{}", tools.public_url, tools.name),
            config,
        })
    }
}

fn capabilities(config: &Config) -> Capabilities {
    use ContentKind::{File, Image, Link, Location, Menu, MiniProgram, Text, Video, Voice};
    // Without any other limit the greeting needs none.
    let greeting = (!config.allowances.is_empty()).then_some(Allowance {
        trigger: Trigger::Enter,
        count: 1,
        seconds: GREETING.as_secs(),
    });
    Capabilities {
        kinds: [
            Text,
            Image,
            Voice,
            Video,
            File,
            Location,
            Link,
            MiniProgram,
            Menu,
        ]
        .into(),
        text_bytes: Some(config.text_bytes),
        markdown: false,
        allowances: config.allowances.iter().copied().chain(greeting).collect(),
        image_types: vec!["image/jpeg", "image/png"],
        native_desk: config.mode == Mode::Servicers,
        voice_types: vec!["audio/amr"],
        ..Capabilities::default()
    }
}

/// A customer at an account.
fn peer(customer: &str, account: &str) -> PeerId {
    PeerId::new(format!("{customer}@{account}"))
}

/// The customer and the account of a thread.
fn parts(peer: &PeerId) -> Option<(&str, &str)> {
    peer.as_str().rsplit_once('@')
}

#[async_trait]
impl Channel for Kf {
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        decode::decode(self, delivery)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        send::send(self, dispatch).await
    }

    fn pull(&self) -> Option<&dyn Pull> {
        Some(self)
    }

    fn fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn presence(&self) -> Option<&dyn Presence> {
        (self.config.mode == Mode::Servicers).then_some(self as &dyn Presence)
    }

    fn check(&self) -> Option<&dyn Check> {
        Some(self)
    }
}
