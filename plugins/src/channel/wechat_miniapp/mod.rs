//! WeChat mini programs (小程序): the customer-service chat that `<button open-type="contact">` opens. What is theirs alone is
//! the vocabulary, handing messages to the platform's own service tool ([`transfer`]), subscription messages to contacts who
//! are away ([`nudge`]) and codes to scan ([`codes`]); the rest is the platform's ([`super::wechat_platform`]).

mod check;
mod codes;
mod config;
mod nudge;
mod transfer;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use bridge_convertors::wechat::{MiniApp as Vocabulary, error_table::mini_action};
use bridge_core::{
    channel::{
        Capabilities, Channel, ChannelError, ChannelSpec, Check, Codes, Decoded, Delivery,
        Dispatch, Fetch, Fetched, Nudging, Receipt, Typing,
    },
    message::{Content, ContentKind, InboxName, Media, PeerId},
    plugin::{BuildError, Plugin, Tools},
    texts::Locale,
};

use self::{config::Config, nudge::Nudge};
use super::wechat_platform::{Account, Kind, Opened};

/// One mini program.
pub struct MiniApp {
    account: Account,
    words: Vocabulary,
    nudge: Option<Nudge>,
    config: Config,
    locale: Locale,
}

bridge_core::register!(ChannelSpec::new::<MiniApp>("wechat-miniapp"));

impl Plugin for MiniApp {
    type Config = Config;

    fn build(config: Config, tools: &Tools) -> Result<Self, BuildError> {
        config.validate()?;
        let kind = Kind {
            capabilities: capabilities(&config),
            table: mini_action,
            // Mini programs upload pictures and nothing else (WeChat: 4.5).
            thumb: "image",
            cannot_show: ("小程序无法显示这种内容", "mini programs cannot show this"),
        };
        Ok(Self {
            account: Account::new(config.credentials(), kind, tools)?,
            words: Vocabulary {
                inbox: InboxName::new(&*tools.name),
                app_id: config.app_id.clone(),
                locale: tools.locale,
            },
            nudge: config.nudge.as_ref().map(Nudge::new).transpose()?,
            config,
            locale: tools.locale,
        })
    }
}

fn capabilities(config: &Config) -> Capabilities {
    use ContentKind::{Image, Link, MiniProgram, Nudge, Text};
    let mut capabilities = Capabilities {
        kinds: [Text, Image, Link, MiniProgram].into(),
        text_bytes: Some(config.text_bytes),
        markdown: false,
        allowances: config.allowances.clone(),
        image_types: vec!["image/jpeg", "image/png", "image/gif"],
        native_desk: false,
        voice_types: Vec::new(),
        ..Capabilities::default()
    };
    if config.nudge.is_some() {
        capabilities.kinds.insert(Nudge);
    }
    capabilities
}

#[async_trait]
impl Channel for MiniApp {
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        match self.account.push.open(delivery)? {
            Opened::Verified(decoded) => Ok(decoded),
            Opened::Pushed(pushed) => {
                let decoded = pushed.accepted(&self.account.inbox);
                Ok(transfer::judged(self, &pushed, decoded))
            }
        }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.account.kind.capabilities
    }

    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        match (&dispatch.content, &self.nudge) {
            (Content::Nudge { .. }, Some(nudge)) => nudge.send(self, dispatch).await,
            _ => self.account.send(&self.words, dispatch).await,
        }
    }

    fn fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn typing(&self) -> Option<&dyn Typing> {
        Some(self)
    }

    fn nudging(&self) -> Option<&Nudging> {
        self.nudge.as_ref().map(|nudge| &nudge.rules)
    }

    fn codes(&self) -> Option<&dyn Codes> {
        Some(self)
    }

    fn check(&self) -> Option<&dyn Check> {
        Some(self)
    }
}

#[async_trait]
impl Fetch for MiniApp {
    async fn fetch(&self, media: &Media, limit: u64) -> Result<Fetched, ChannelError> {
        self.account.fetch(media, limit).await
    }
}

#[async_trait]
impl Typing for MiniApp {
    async fn typing(&self, to: &PeerId, on: bool) -> Result<(), ChannelError> {
        self.account.typing(to, on).await
    }
}
