//! The [`Convertor`] of official accounts. Media must be the platform's before they are written: the channel uploads
//! them and puts their `media_id` in; what was not uploaded is shown as a link.

use bridge_core::{
    channel::Capabilities,
    convert::{ConvertError, Convertor, Loss, Written},
    message::{Content, Hosted, InboxName, Media, MediaSource, MenuItem as Item},
    texts::Locale,
};

use super::{
    Fields, callback,
    send::{Message, NewsBody},
};

/// The vocabulary of an official account's inbox.
#[derive(Debug, Clone)]
pub struct WeChat {
    /// The inbox: media that come in are fetched by it.
    pub inbox: InboxName,
    /// The language of the words that stand for what cannot be shown.
    pub locale: Locale,
}

/// What comes in and what goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wire {
    /// A callback's fields.
    Callback(Fields),
    /// A customer message.
    Message(Message),
}

impl Convertor for WeChat {
    type Wire = Wire;

    fn read(&self, wire: &Wire) -> Result<Vec<Content>, ConvertError> {
        match wire {
            Wire::Callback(fields) => Ok(vec![callback::content(fields, &self.inbox)]),
            Wire::Message(message) => Ok(vec![self.read_back(message)]),
        }
    }

    fn write(&self, content: &Content, _: &Capabilities) -> Result<Written<Wire>, ConvertError> {
        let (message, what) = self.message(content)?;
        let lost = what.map(|what| Loss::new(content.kind(), what));
        Ok(Written {
            parts: vec![Wire::Message(message)],
            lost: lost.into_iter().collect(),
        })
    }
}

impl WeChat {
    pub(super) fn uploaded(&self, media: &Media) -> Option<String> {
        match &media.source {
            MediaSource::Remote { inbox, handle, .. }
                if *inbox == self.inbox && !handle.is_empty() =>
            {
                Some(handle.clone())
            }
            _ => None,
        }
    }

    /// What a customer message says: the other direction, for whoever reads what was sent.
    fn read_back(&self, message: &Message) -> Content {
        let media = |handle: &str| Media::remote(&self.inbox, handle, None);
        let made = |what, id: &str| Content::Hosted {
            what,
            id: id.to_owned(),
            title: String::new(),
            url: None,
        };
        match message {
            Message::Text { text } => Content::text(&text.content),
            Message::Image { image } => Content::Image {
                media: media(&image.media_id),
            },
            Message::Voice { voice } => Content::Voice {
                media: media(&voice.media_id),
                words: None,
                seconds: None,
            },
            Message::Video { video } => Content::Video {
                media: Media {
                    name: Some(video.title.clone()).filter(|title| !title.is_empty()),
                    ..media(&video.media_id)
                },
                thumbnail: Some(media(&video.thumb_media_id)),
                seconds: None,
            },
            Message::News {
                news: NewsBody {
                    articles: [article],
                },
            } => Content::Link {
                title: article.title.clone(),
                description: article.description.clone(),
                url: article.url.clone(),
                picture_url: Some(article.picurl.clone()).filter(|url| !url.is_empty()),
            },
            Message::Music { music } => Content::Music {
                title: music.title.clone(),
                description: music.description.clone(),
                url: music.musicurl.clone(),
                thumbnail: Some(media(&music.thumb_media_id)),
            },
            Message::MpNewsArticle { mpnewsarticle } => {
                made(Hosted::Article, &mpnewsarticle.article_id)
            }
            Message::MpNews { mpnews } => made(Hosted::News, &mpnews.media_id),
            Message::WxCard { wxcard } => made(Hosted::Coupon, &wxcard.card_id),
            Message::Link { link } => Content::Link {
                title: link.title.clone(),
                description: link.description.clone(),
                url: link.url.clone(),
                picture_url: Some(link.thumb_url.clone()).filter(|url| !url.is_empty()),
            },
            Message::MsgMenu { msgmenu } => Content::Menu {
                head: msgmenu.head_content.clone(),
                items: msgmenu
                    .list
                    .iter()
                    .map(|item| Item {
                        id: item.id.clone(),
                        label: item.content.clone(),
                    })
                    .collect(),
                tail: msgmenu.tail_content.clone(),
            },
            Message::MiniProgramPage {
                miniprogrampage: page,
            } => Content::MiniProgram {
                app_id: page.appid.clone(),
                title: page.title.clone(),
                path: page.pagepath.clone(),
                thumbnail: Some(media(&page.thumb_media_id)),
            },
        }
    }
}
