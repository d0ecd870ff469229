//! Tencent IM: where agents work.
//!
//! Each contact has a stand-in account there, so that an agent sees one chat per customer in any
//! Tencent IM client. What the contact says is sent in the stand-in's name ([`send`]); what the
//! agent answers comes as a callback ([`decode`]) or, where a callback was lost, out of the history
//! ([`history`]). Who is there is told by callbacks and on request ([`presence`]).

mod api;
mod arrivals;
mod check;
mod config;
mod decode;
mod failure;
mod history;
mod imports;
mod media;
mod presence;
mod recall;
mod send;
mod signer;
#[cfg(test)]
mod tests;

pub use self::config::Config;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use bridge_convertors::tencent_im::convert;
use bridge_core::cache::Cache;
use bridge_core::channel::{
    Capabilities, Channel, ChannelError, ChannelSpec, Check, Decoded, Delivery, Dispatch, Presence,
    Pull, Recall, Receipt,
};
use bridge_core::clock::Clock;
use bridge_core::media::MediaLibrary;
use bridge_core::message::InboxName;
use bridge_core::plugin::{BuildError, Plugin, Tools};

use self::api::Api;
use self::imports::Imports;
use self::send::Unsent;

/// One Tencent IM application.
pub struct TencentIm {
    config: Config,
    api: Api,
    words: convert::TencentIm,
    capabilities: Capabilities,
    imports: Imports,
    unsent: Unsent,
    /// Where among the open threads the next look into the history begins.
    looked: AtomicUsize,
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    media: Arc<dyn MediaLibrary>,
    callback_url: String,
}

bridge_core::register!(ChannelSpec::new::<TencentIm>("tencent-im"));

impl Plugin for TencentIm {
    type Config = Config;

    fn build(config: Config, tools: &Tools) -> Result<Self, BuildError> {
        config.validate()?;
        let inbox = InboxName::new(&tools.name);
        if config.callback_token.is_empty() {
            tracing::warn!(%inbox, "callback_token is empty: anybody who knows the callback URL can speak for an agent");
        }
        Ok(Self {
            api: Api::new(&config, tools)?,
            words: convert::TencentIm {
                inbox,
                locale: tools.locale,
            },
            capabilities: convert::capabilities(),
            imports: Imports::default(),
            unsent: Unsent::default(),
            looked: AtomicUsize::new(0),
            cache: tools.cache.clone(),
            clock: tools.clock.clone(),
            media: tools.media.clone(),
            callback_url: format!("{}/callback/{}", tools.public_url, tools.name),
            config,
        })
    }
}

#[async_trait]
impl Channel for TencentIm {
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        self.decode_callback(delivery)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        self.send_dispatch(dispatch).await
    }

    fn pull(&self) -> Option<&dyn Pull> {
        (!self.config.history_every.0.is_zero()).then_some(self)
    }

    fn presence(&self) -> Option<&dyn Presence> {
        Some(self)
    }

    fn recall(&self) -> Option<&dyn Recall> {
        Some(self)
    }

    fn check(&self) -> Option<&dyn Check> {
        Some(self)
    }
}
