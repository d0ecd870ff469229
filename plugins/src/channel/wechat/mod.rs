//! WeChat official accounts: what is theirs alone is the vocabulary, what they can show and how often they may write; the
//! rest is the platform's ([`super::wechat_platform`]).

mod check;
mod config;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use bridge_convertors::wechat::{WeChat as Vocabulary, error_table::action};
use bridge_core::{
    channel::{
        Capabilities, Channel, ChannelError, ChannelSpec, Check, Decoded, Delivery, Dispatch,
        Fetch, Fetched, People, Receipt, Typing,
    },
    message::{ContentKind, Handle, InboxName, Media, PeerId, Profile},
    plugin::{BuildError, Plugin, Tools},
};

pub use self::config::Config;
pub use super::wechat_platform::Mode;
use super::wechat_platform::{Account, Kind};

/// One official account.
pub struct WeChat {
    account: Account,
    words: Vocabulary,
    unionid: bool,
}

bridge_core::register!(ChannelSpec::new::<WeChat>("wechat"));

impl Plugin for WeChat {
    type Config = Config;

    fn build(config: Config, tools: &Tools) -> Result<Self, BuildError> {
        let kind = Kind {
            capabilities: capabilities(&config),
            table: action,
            thumb: "thumb",
            cannot_show: (
                "公众号无法显示这种内容",
                "official accounts cannot show this",
            ),
        };
        Ok(Self {
            unionid: config.unionid,
            account: Account::new(config.credentials(), kind, tools)?,
            words: Vocabulary {
                inbox: InboxName::new(&*tools.name),
                locale: tools.locale,
            },
        })
    }
}

fn capabilities(config: &Config) -> Capabilities {
    use ContentKind::{Hosted, Image, Link, Menu, MiniProgram, Music, Text, Video, Voice};
    Capabilities {
        kinds: [
            Text,
            Image,
            Voice,
            Video,
            Link,
            MiniProgram,
            Music,
            Hosted,
            Menu,
        ]
        .into(),
        text_bytes: Some(config.text_bytes),
        markdown: false,
        allowances: config.allowances.clone(),
        image_types: vec!["image/jpeg", "image/png", "image/gif"],
        native_desk: false,
        voice_types: vec!["audio/amr", "audio/mpeg"],
        ..Capabilities::default()
    }
}

#[async_trait]
impl Channel for WeChat {
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        self.account.decode(delivery)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.account.kind.capabilities
    }

    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        self.account.send(&self.words, dispatch).await
    }

    fn fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn people(&self) -> Option<&dyn People> {
        self.unionid.then_some(self as &dyn People)
    }

    fn typing(&self) -> Option<&dyn Typing> {
        Some(self)
    }

    fn check(&self) -> Option<&dyn Check> {
        Some(self)
    }
}

#[async_trait]
impl Fetch for WeChat {
    async fn fetch(&self, media: &Media, limit: u64) -> Result<Fetched, ChannelError> {
        self.account.fetch(media, limit).await
    }
}

#[async_trait]
impl People for WeChat {
    /// `user/info`: names are not told any more, the unionid is where the account is bound (WeChat: 4.9).
    async fn person(&self, contact: &PeerId) -> Result<Profile, ChannelError> {
        let query = [("openid", contact.as_str()), ("lang", "zh_CN")];
        let api = &self.account.api;
        let answer = api.get("/cgi-bin/user/info", &query).await?;
        let union_id = answer["unionid"].as_str().and_then(Handle::union_id);
        Ok(Profile {
            handles: union_id.into_iter().collect(),
            ..Profile::default()
        })
    }
}

#[async_trait]
impl Typing for WeChat {
    async fn typing(&self, to: &PeerId, on: bool) -> Result<(), ChannelError> {
        self.account.typing(to, on).await
    }
}
