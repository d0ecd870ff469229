//! A content as a customer message of an official account (WeChat: 4.3), and what of it is lost.

use bridge_core::{
    convert::ConvertError,
    message::{Content, Hosted, Media, MenuItem as Item},
    texts::Locale,
};

use super::{
    WeChat,
    plain::{self, linked},
    send::{
        Article, ArticleBody, CardBody, MediaBody, MenuBody, MenuItem, Message, MusicBody,
        NewsBody, PageBody, VideoBody, without_escapes,
    },
};

/// A message, and what of the content is lost.
pub(super) type Shown = Result<(Message, Option<&'static str>), ConvertError>;

impl WeChat {
    pub(super) fn message(&self, content: &Content) -> Shown {
        match content {
            Content::Text(text) => said(&text.text, content),
            Content::Choice { label, .. } => whole(Message::text(label)),
            Content::Image { media } => self.image(media, content),
            Content::Voice { media, words, .. } => self.voice(media, words.as_deref(), content),
            Content::Video {
                media, thumbnail, ..
            } => self.video(media, thumbnail.as_ref(), content),
            Content::File { media } => file(media, content, self.locale),
            Content::Location {
                latitude,
                longitude,
                label,
            } => place(*latitude, *longitude, label),
            Content::Link {
                title,
                description,
                url,
                picture_url,
            } => whole(article(title, description, url, picture_url.as_deref())),
            Content::MiniProgram {
                app_id,
                title,
                path,
                thumbnail,
            } => self.page(app_id, title, path, thumbnail.as_ref()),
            Content::Music {
                title,
                description,
                url,
                thumbnail,
            } => self.music(title, description, url, thumbnail.as_ref()),
            Content::Hosted { what, id, .. } => whole(hosted(*what, without_escapes(id))),
            Content::Menu { head, items, tail } => whole(menu(head, items, tail)),
            other => nothing_to_say(other),
        }
    }

    pub(super) fn image(&self, media: &Media, content: &Content) -> Shown {
        match self.uploaded(media) {
            Some(media_id) => whole(Message::Image {
                image: MediaBody { media_id },
            }),
            None => as_link(self.locale.pick("图片", "picture"), media, content),
        }
    }

    fn voice(&self, media: &Media, words: Option<&str>, content: &Content) -> Shown {
        match self.uploaded(media) {
            Some(media_id) => whole(Message::Voice {
                voice: MediaBody { media_id },
            }),
            None => Ok((
                linked(&plain::voice(words, self.locale), media, content)?,
                Some("shown as a link with its words"),
            )),
        }
    }

    /// A video needs its picture at the platform, too.
    fn video(&self, media: &Media, thumbnail: Option<&Media>, content: &Content) -> Shown {
        let thumbnail = thumbnail.and_then(|thumbnail| self.uploaded(thumbnail));
        match (self.uploaded(media), thumbnail) {
            (Some(media_id), Some(thumb_media_id)) => whole(Message::Video {
                video: VideoBody {
                    media_id,
                    thumb_media_id,
                    title: without_escapes(media.name.as_deref().unwrap_or_default()),
                    description: String::new(),
                },
            }),
            _ => as_link(self.locale.pick("视频", "video"), media, content),
        }
    }

    fn page(&self, app_id: &str, title: &str, path: &str, thumbnail: Option<&Media>) -> Shown {
        match thumbnail.and_then(|thumbnail| self.uploaded(thumbnail)) {
            Some(thumb_media_id) => whole(Message::MiniProgramPage {
                miniprogrampage: PageBody {
                    title: without_escapes(title),
                    appid: app_id.to_owned(),
                    pagepath: without_escapes(path),
                    thumb_media_id,
                },
            }),
            None => Ok((
                Message::text(plain::page_link(app_id, title, path, self.locale)),
                Some("no picture, which a card needs: shown as a link to the page"),
            )),
        }
    }

    fn music(&self, title: &str, description: &str, url: &str, thumbnail: Option<&Media>) -> Shown {
        match thumbnail.and_then(|thumbnail| self.uploaded(thumbnail)) {
            Some(thumb_media_id) => whole(Message::Music {
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
}

/// Nothing of it is lost.
pub(super) fn whole(message: Message) -> Shown {
    Ok((message, None))
}

pub(super) fn said(text: &str, content: &Content) -> Shown {
    match text.trim().is_empty() {
        true => Err(ConvertError::unspeakable(content, "an empty text")),
        false => whole(Message::text(text)),
    }
}

pub(super) fn nothing_to_say(content: &Content) -> Shown {
    let why = "it is nothing that can be said";
    Err(ConvertError::unspeakable(content, why))
}

pub(super) fn as_link(what: &str, media: &Media, content: &Content) -> Shown {
    Ok((linked(what, media, content)?, Some("shown as a link")))
}

pub(super) fn file(media: &Media, content: &Content, locale: Locale) -> Shown {
    let name = media.name.as_deref().unwrap_or_default();
    as_link(&plain::file(name, locale), media, content)
}

pub(super) fn place(latitude: f64, longitude: f64, label: &str) -> Shown {
    let map = format!("https://apis.map.qq.com/uri/v1/marker?marker=coord:{latitude},{longitude}");
    let words = Message::text(format!("📍 {label}\n{map}"));
    Ok((words, Some("shown as a map link")))
}

/// An article without a title is refused (40035).
fn article(title: &str, description: &str, url: &str, picture_url: Option<&str>) -> Message {
    let title = if title.is_empty() { url } else { title };
    let article = Article {
        title: without_escapes(title),
        description: without_escapes(description),
        url: without_escapes(url),
        picurl: picture_url.unwrap_or_default().to_owned(),
    };
    Message::News {
        news: NewsBody {
            articles: [article],
        },
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
