//! Bodies of the customer-message API (WeChat: 4.3). Serialised as raw UTF-8: `\u` escapes are refused (40033).

use serde::Serialize;

use super::links;

/// `POST /cgi-bin/message/custom/send`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomSend<'a> {
    /// The openid.
    pub touser: &'a str,
    /// What.
    #[serde(flatten)]
    pub message: &'a Message,
}

/// A customer message: `msgtype` and the object of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "msgtype", rename_all = "lowercase")]
#[expect(missing_docs, reason = "names and meaning are the platform's")]
pub enum Message {
    Text { text: TextBody },
    Image { image: MediaBody },
    Voice { voice: MediaBody },
    Video { video: VideoBody },
    Music { music: MusicBody },
    News { news: NewsBody },
    MpNews { mpnews: MediaBody },
    MpNewsArticle { mpnewsarticle: ArticleBody },
    WxCard { wxcard: CardBody },
    MsgMenu { msgmenu: MenuBody },
    MiniProgramPage { miniprogrampage: PageBody },
    Link { link: LinkBody },
}

/// Words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextBody {
    /// At most 2048 bytes of UTF-8 (WeChat: 6.1).
    pub content: String,
}

/// Something uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MediaBody {
    /// From the media API; lives three days.
    pub media_id: String,
}

/// A video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VideoBody {
    /// The video's.
    pub media_id: String,
    /// Its picture's.
    pub thumb_media_id: String,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
}

/// A piece of sound with its picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "names and meaning are the platform's")]
pub struct MusicBody {
    pub title: String,
    pub description: String,
    pub musicurl: String,
    pub hqmusicurl: String,
    pub thumb_media_id: String,
}

/// An article that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "names and meaning are the platform's")]
pub struct ArticleBody {
    pub article_id: String,
}

/// A coupon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "names and meaning are the platform's")]
pub struct CardBody {
    pub card_id: String,
}

/// One article: more are refused (45008).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewsBody {
    /// Exactly one.
    pub articles: [Article; 1],
}

/// A link with a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "names and meaning are the platform's")]
pub struct Article {
    pub title: String,
    pub description: String,
    pub url: String,
    pub picurl: String,
}

/// A question with choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "names and meaning are the platform's")]
pub struct MenuBody {
    pub head_content: String,
    pub list: Vec<MenuItem>,
    pub tail_content: String,
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MenuItem {
    /// A decimal number: other ids come back as `0` (WeChat: 6.3).
    pub id: String,
    /// The label.
    pub content: String,
}

/// A mini-program page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "names and meaning are the platform's")]
pub struct PageBody {
    pub title: String,
    /// Left out where a mini program sends its own page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub appid: String,
    pub pagepath: String,
    pub thumb_media_id: String,
}

/// A link with a title, from a mini program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "names and meaning are the platform's")]
pub struct LinkBody {
    pub title: String,
    pub description: String,
    pub url: String,
    pub thumb_url: String,
}

impl Message {
    /// Words.
    ///
    /// Control characters go, but for line breaks and tabs: JSON can only write them as `\u` escapes, which are refused
    /// (40033). What would be taken for a link and is none is shown as it stands.
    pub fn text(content: impl Into<String>) -> Self {
        let content = links::shown(without_escapes(content));
        Self::Text {
            text: TextBody { content },
        }
    }
}

/// Without the control characters that JSON can only write as refused escapes.
pub(super) fn without_escapes(text: impl Into<String>) -> String {
    let mut text = text.into();
    text.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    text
}
