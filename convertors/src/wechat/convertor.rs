//! The [`Convertor`] of official accounts. Media must be the platform's before they are written: the channel uploads
//! them and puts their `media_id` in; what was not uploaded is shown as a link.

use bridge_core::{
    channel::Capabilities,
    convert::{ConvertError, Convertor, Loss, Written},
    message::{Content, Hosted, InboxName, Media, MediaSource, MenuItem as Item},
};

use super::{
    Fields, callback,
    plain::{self, linked},
    send::{
        Article, ArticleBody, CardBody, MediaBody, MenuBody, MenuItem, Message, MusicBody,
        NewsBody, PageBody, VideoBody, without_escapes,
    },
};

/// The vocabulary of an official account's inbox.
#[derive(Debug, Clone)]
pub struct WeChat {
    /// The inbox: media that come in are fetched by it.
    pub inbox: InboxName,
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
        let lost = what
            .map(|what| Loss::new(content.kind(), what))
            .into_iter()
            .collect();
        Ok(Written {
            parts: vec![Wire::Message(message)],
            lost,
        })
    }
}

impl WeChat {
    /// A content as a customer message, and what of it is lost.
    fn message(&self, content: &Content) -> Result<(Message, Option<&'static str>), ConvertError> {
        let shown = |message| Ok((message, None));
        let link = "shown as a link";
        match content {
            Content::Text(text) if text.text.trim().is_empty() => {
                Err(ConvertError::unspeakable(content, "an empty text"))
            }
            Content::Text(text) => shown(Message::text(&text.text)),
            Content::Choice { label, .. } => shown(Message::text(label)),
            Content::Image { media } => match self.uploaded(media) {
                Some(media_id) => shown(Message::Image {
                    image: MediaBody { media_id },
                }),
                None => Ok((linked("图片", media, content)?, Some(link))),
            },
            Content::Voice { media, words, .. } => match self.uploaded(media) {
                Some(media_id) => shown(Message::Voice {
                    voice: MediaBody { media_id },
                }),
                None => Ok((
                    linked(&plain::voice(words.as_deref()), media, content)?,
                    Some("shown as a link with its words"),
                )),
            },
            Content::Video {
                media, thumbnail, ..
            } => {
                match (
                    self.uploaded(media),
                    thumbnail
                        .as_ref()
                        .and_then(|thumbnail| self.uploaded(thumbnail)),
                ) {
                    (Some(media_id), Some(thumb_media_id)) => {
                        let (title, description) =
                            (media.name.as_deref().map(without_escapes), String::new());
                        let title = title.unwrap_or_default();
                        shown(Message::Video {
                            video: VideoBody {
                                media_id,
                                thumb_media_id,
                                title,
                                description,
                            },
                        })
                    }
                    _ => Ok((linked("视频", media, content)?, Some(link))),
                }
            }
            Content::File { media } => {
                let name = media.name.as_deref().unwrap_or_default();
                Ok((linked(&format!("文件 {name}"), media, content)?, Some(link)))
            }
            Content::Location {
                latitude,
                longitude,
                label,
            } => {
                let map = format!(
                    "https://apis.map.qq.com/uri/v1/marker?marker=coord:{latitude},{longitude}"
                );
                Ok((
                    Message::text(format!("📍 {label}\n{map}")),
                    Some("shown as a map link"),
                ))
            }
            Content::Link {
                title,
                description,
                url,
                picture_url,
            } => {
                // An article without a title is refused (40035).
                let title = without_escapes(if title.is_empty() { url } else { title });
                let (description, url) = (without_escapes(description), without_escapes(url));
                let picurl = picture_url.clone().unwrap_or_default();
                shown(Message::News {
                    news: NewsBody {
                        articles: [Article {
                            title,
                            description,
                            url,
                            picurl,
                        }],
                    },
                })
            }
            Content::MiniProgram {
                app_id,
                title,
                path,
                thumbnail,
            } => {
                match thumbnail
                    .as_ref()
                    .and_then(|thumbnail| self.uploaded(thumbnail))
                {
                    Some(thumb_media_id) => {
                        let (title, pagepath) = (without_escapes(title), without_escapes(path));
                        let appid = app_id.clone();
                        shown(Message::MiniProgramPage {
                            miniprogrampage: PageBody {
                                title,
                                appid,
                                pagepath,
                                thumb_media_id,
                            },
                        })
                    }
                    None => Ok((
                        Message::text(plain::page_link(app_id, title, path)),
                        Some("no picture, which a card needs: shown as a link to the page"),
                    )),
                }
            }
            Content::Music {
                title,
                description,
                url,
                thumbnail,
            } => {
                match thumbnail
                    .as_ref()
                    .and_then(|thumbnail| self.uploaded(thumbnail))
                {
                    Some(thumb_media_id) => shown(Message::Music {
                        music: MusicBody {
                            title: without_escapes(title),
                            description: without_escapes(description),
                            musicurl: without_escapes(url),
                            hqmusicurl: without_escapes(url),
                            thumb_media_id,
                        },
                    }),
                    None => Ok((
                        Message::text(plain::titled(title, description, url)),
                        Some("no picture, which music needs: shown as a link"),
                    )),
                }
            }
            Content::Hosted { what, id, .. } => shown(hosted(*what, without_escapes(id))),
            Content::Menu { head, items, tail } => shown(menu(head, items, tail)),
            other => Err(ConvertError::unspeakable(
                other,
                "it is nothing that can be said",
            )),
        }
    }

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

fn hosted(what: Hosted, id: String) -> Message {
    match what {
        Hosted::Article => Message::MpNewsArticle {
            mpnewsarticle: ArticleBody { article_id: id },
        },
        Hosted::News => Message::MpNews {
            mpnews: MediaBody { media_id: id },
        },
        Hosted::Coupon => Message::WxCard {
            wxcard: CardBody { card_id: id },
        },
    }
}

fn menu(head: &str, items: &[Item], tail: &str) -> Message {
    let list = items
        .iter()
        .map(|item| MenuItem {
            id: item.id.clone(),
            content: without_escapes(&item.label),
        })
        .collect();
    Message::MsgMenu {
        msgmenu: MenuBody {
            head_content: without_escapes(head),
            list,
            tail_content: without_escapes(tail),
        },
    }
}
