//! A self-built app of 企业微信 (WeCom): staff who write to it as contacts, and agents who work in it.
//!
//! Callbacks are read in [`decode`], messages go out in [`send`], their media in [`media`]. An agent has all contacts in
//! the one chat with the app; the core keeps them apart ([`bridge_core::switchboard`]). What becomes of their cards is in
//! [`cards`], what the corp's members know of customers in [`contacts`].

mod cards;
mod check;
mod config;
mod contacts;
mod decode;
mod media;
mod robot;
mod send;
mod sidebar;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use bridge_convertors::wecom::{app::App, envelope::Gate, error_table::action};
use bridge_core::{
    cache::Cache,
    channel::{
        Capabilities, Channel, ChannelError, ChannelSpec, Check, Decoded, Delivery, Dispatch,
        Fetch, Notify, People, Recall, Receipt, Sidebar,
    },
    clock::Clock,
    error::Remedy,
    media::MediaLibrary,
    message::{Content, ContentKind, Event, InboxName, PeerId},
    plugin::{BuildError, Plugin, Tools},
};
use serde_json::json;

use self::config::Config;
use super::account::{Api, Grant};

/// One self-built app of a corp.
pub struct Wecom {
    config: Config,
    gate: Gate,
    api: Api,
    words: App,
    capabilities: Capabilities,
    media: Arc<dyn MediaLibrary>,
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    callback_url: String,
}

bridge_core::register!(ChannelSpec::new::<Wecom>("wecom"));

impl Plugin for Wecom {
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
            api: Api::new(&config.api_base, grant, action, tools)?,
            words: App {
                inbox: InboxName::new(&*tools.name),
            },
            capabilities: capabilities(&config),
            media: tools.media.clone(),
            cache: tools.cache.clone(),
            clock: tools.clock.clone(),
            callback_url: format!("{}/callback/{}", tools.public_url, tools.name),
            config,
        })
    }
}

fn capabilities(config: &Config) -> Capabilities {
    use ContentKind::{File, Image, Link, Menu, Text, Video, Voice};
    Capabilities {
        kinds: [Text, Image, Voice, Video, File, Link, Menu].into(),
        text_bytes: Some(config.text_bytes),
        markdown: config.markdown,
        image_types: vec!["image/jpeg", "image/png"],
        voice_types: vec!["audio/amr"],
        one_chat: true,
        ..Capabilities::default()
    }
}

#[async_trait]
impl Channel for Wecom {
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        decode::decode(self, delivery)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        match &dispatch.content {
            Content::Event(Event::CardOver { card, words, .. }) => {
                cards::over(self, dispatch, card, words).await
            }
            Content::Event(Event::Welcome(welcome)) => {
                contacts::welcome(self, dispatch, welcome).await
            }
            _ => send::send(self, dispatch).await,
        }
    }

    fn fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn people(&self) -> Option<&dyn People> {
        Some(self)
    }

    fn sidebar(&self) -> Option<&dyn Sidebar> {
        Some(self)
    }

    fn recall(&self) -> Option<&dyn Recall> {
        Some(self)
    }

    fn notify(&self) -> Option<&dyn Notify> {
        Some(self)
    }

    fn check(&self) -> Option<&dyn Check> {
        Some(self)
    }
}

#[async_trait]
impl Recall for Wecom {
    /// Within 24 hours (WeCom: 4.2).
    async fn recall(
        &self,
        _: &PeerId,
        _: Option<&PeerId>,
        external_id: &str,
    ) -> Result<(), ChannelError> {
        let body = json!({ "msgid": cards::message_id(external_id) });
        let recalled = self.api.post("/cgi-bin/message/recall", &body).await;
        // Taking back twice is harmless.
        let again = |error: ChannelError| match error.remedy {
            Remedy::Unknown => ChannelError {
                remedy: Remedy::retry_secs(2),
                ..error
            },
            _ => error,
        };
        recalled.map(drop).map_err(again)
    }
}
