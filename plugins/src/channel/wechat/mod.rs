//! WeChat official accounts: the push is decoded ([`decode`]), customer messages go out ([`send`]), media both ways
//! ([`media`]), and the account's API keeps the access token ([`super::account`]).

mod check;
mod config;
mod decode;
mod media;
mod send;

use std::sync::Arc;

use async_trait::async_trait;
use bridge_convertors::wechat::{WeChat as Words, crypto::AesKey, error_table::action};
use bridge_core::{
    channel::{
        Capabilities, Channel, ChannelError, ChannelSpec, Check, Decoded, Delivery, Dispatch,
        Fetch, Receipt, Typing,
    },
    media::MediaLibrary,
    message::{ContentKind, InboxName, PeerId},
    plugin::{BuildError, Plugin, Tools},
};

pub use self::config::{Config, Mode};
use super::account::{Api, Grant};

/// One official account.
pub struct WeChat {
    config: Config,
    /// The present key and the previous one.
    keys: Vec<AesKey>,
    api: Api,
    words: Words,
    capabilities: Capabilities,
    media: Arc<dyn MediaLibrary>,
    callback_url: String,
}

bridge_core::register!(ChannelSpec::new::<WeChat>("wechat"));

impl Plugin for WeChat {
    type Config = Config;

    fn build(config: Config, tools: &Tools) -> Result<Self, BuildError> {
        let keys = config.validate()?;
        Ok(Self {
            keys,
            api: api(&config, tools)?,
            words: Words {
                inbox: InboxName::new(&*tools.name),
            },
            capabilities: capabilities(&config),
            media: tools.media.clone(),
            callback_url: format!("{}/callback/{}", tools.public_url, tools.name),
            config,
        })
    }
}

fn api(config: &Config, tools: &Tools) -> Result<Api, BuildError> {
    let grant = Grant::Stable {
        app_id: config.app_id.clone(),
        app_secret: config.app_secret.clone(),
    };
    Api::new(&config.api_base, grant, action, tools)
}

fn capabilities(config: &Config) -> Capabilities {
    use ContentKind::{Image, Link, Menu, MiniProgram, Text, Video, Voice};
    Capabilities {
        kinds: [Text, Image, Voice, Video, Link, MiniProgram, Menu].into(),
        text_bytes: Some(config.text_bytes),
        markdown: false,
        allowances: config.allowances.clone(),
        image_types: vec!["image/jpeg", "image/png", "image/gif"],
        voice_types: vec!["audio/amr", "audio/mpeg"],
    }
}

#[async_trait]
impl Channel for WeChat {
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        decode::decode(self, delivery)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        send::send(self, dispatch).await
    }

    fn fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn typing(&self) -> Option<&dyn Typing> {
        Some(self)
    }

    fn check(&self) -> Option<&dyn Check> {
        Some(self)
    }
}

#[async_trait]
impl Typing for WeChat {
    async fn typing(&self, to: &PeerId, on: bool) -> Result<(), ChannelError> {
        let command = if on { "Typing" } else { "CancelTyping" };
        let body = serde_json::json!({ "touser": to.as_str(), "command": command });
        match self.api.post("/cgi-bin/message/custom/typing", &body).await {
            // 45080: nothing said in the last 30 s; 45081: already typing (WeChat: 4.4). Neither matters.
            Err(error) if matches!(error.code, Some(45080 | 45081)) => Ok(()),
            other => other.map(drop),
        }
    }
}
