//! Things an agent sends by name: what nobody types into a chat, because it is an id, an address, a card.

use std::collections::BTreeMap;

use bridge_core::message::{Content, Hosted, InboxName, Media};

/// 客服的话原样转给客户，这里没有必填的设置 / What agents say goes to the contact as it is; nothing here is needed.
#[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// 素材：客服用 `#发送 -i 名称` 发给客户 / What agents send by name: `#send -i NAME`.
    pub items: BTreeMap<String, Item>,
}

/// 一个素材 / One of them.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Item {
    /// 一段话 / Words.
    Text {
        /// 内容 / The words.
        text: String,
    },
    /// 图片 / A picture.
    Image {
        /// 图片地址，须在 media.fetch_hosts 之内 / Where it is, within `media.fetch_hosts`.
        url: String,
    },
    /// 图文链接 / A link with a title.
    Link {
        /// 标题 / Title.
        title: String,
        /// 说明 / One or two lines.
        #[serde(default)]
        description: String,
        /// 地址 / Where it leads.
        url: String,
        /// 配图地址 / The picture beside it.
        #[serde(default)]
        picture_url: Option<String>,
    },
    /// 音乐 / Music.
    Music {
        /// 标题 / Title.
        title: String,
        /// 说明 / Who plays, or what it is about.
        #[serde(default)]
        description: String,
        /// 音频地址 / Where the sound is.
        url: String,
        /// 封面地址 / Where its picture is; none: a plain one.
        #[serde(default)]
        picture_url: Option<String>,
    },
    /// 小程序卡片 / A mini-program page.
    MiniProgram {
        /// 小程序 AppID / The mini program's app id.
        app_id: String,
        /// 标题 / Title.
        title: String,
        /// 页面路径 / The page's path.
        path: String,
        /// 封面地址；没有则发成文字链接 / Where its picture is; without one it goes as a link in words.
        #[serde(default)]
        picture_url: Option<String>,
    },
    /// 公众号已发布的文章（mpnewsarticle），id 为 article_id / An article that the official account published.
    Article(HostedItem),
    /// 公众号的永久图文素材（mpnews，未启用草稿箱的账号），id 为 media_id / Permanent material of an account without drafts.
    News(HostedItem),
    /// 微信卡券（wxcard），id 为 card_id / A coupon of the official account.
    Coupon(HostedItem),
}

/// 账号在平台上的东西 / What an account has made on its platform.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostedItem {
    /// 平台上的编号：文章的 article_id、素材的 media_id、卡券的 card_id / The platform's id: article_id, media_id or card_id.
    pub id: String,
    /// 标题，供客服和其他渠道看 / Title, for agents and for other channels.
    pub title: String,
    /// 地址，其他渠道发成链接 / Its address, which other channels send.
    #[serde(default)]
    pub url: Option<String>,
    /// 属于哪个收件箱 / The inbox of the account it belongs to.
    #[serde(default)]
    pub inbox: Option<String>,
}

impl Item {
    /// What is sent to a contact of this inbox.
    ///
    /// # Errors
    /// The account it belongs to, where that is another.
    pub(super) fn content(&self, to: &InboxName) -> Result<Content, InboxName> {
        let picture = |url: &Option<String>| {
            let url = url.clone()?;
            Some(Media::remote(to, "", Some(url)))
        };
        Ok(match self.clone() {
            Self::Text { text } => Content::text(text),
            Self::Image { url } => Content::Image {
                media: Media::remote(to, "", Some(url)),
            },
            Self::Link {
                title,
                description,
                url,
                picture_url,
            } => Content::Link {
                title,
                description,
                url,
                picture_url,
            },
            Self::Music {
                title,
                description,
                url,
                picture_url,
            } => Content::Music {
                title,
                description,
                url,
                thumbnail: picture(&picture_url),
            },
            Self::MiniProgram {
                app_id,
                title,
                path,
                picture_url,
            } => Content::MiniProgram {
                app_id,
                title,
                path,
                thumbnail: picture(&picture_url),
            },
            Self::Article(item) => item.content(Hosted::Article, to)?,
            Self::News(item) => item.content(Hosted::News, to)?,
            Self::Coupon(item) => item.content(Hosted::Coupon, to)?,
        })
    }
}

impl HostedItem {
    /// Its id means something to its own account only; another's contact gets the address, if there is one.
    fn content(self, what: Hosted, to: &InboxName) -> Result<Content, InboxName> {
        let Self {
            id,
            title,
            url,
            inbox,
        } = self;
        let content = Content::Hosted {
            what,
            id,
            title,
            url,
        };
        match inbox {
            Some(inbox) if inbox != to.as_str() => match content.plainer() {
                Some(link @ Content::Link { .. }) => Ok(link),
                _ => Err(InboxName::new(inbox)),
            },
            _ => Ok(content),
        }
    }
}
