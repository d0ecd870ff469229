//! The [`Convertor`] of mini programs. Pushes read as an official account's do; out go text, picture, link and a page of the
//! mini program itself (WeChat: 4.3). Everything else becomes words with where to find it, and the loss is reported.

use bridge_core::{
    channel::Capabilities,
    convert::{ConvertError, Convertor, Loss, Written},
    message::{Content, InboxName, Media},
};

use super::{
    WeChat, Wire,
    plain::{self, linked},
    send::{LinkBody, MediaBody, Message, PageBody, without_escapes},
};

/// The vocabulary of a mini program's inbox.
#[derive(Debug, Clone)]
pub struct MiniApp {
    /// The inbox: media that come in are fetched by it.
    pub inbox: InboxName,
    /// The mini program: only its own pages can be sent.
    pub app_id: String,
}

/// A message, and what of the content is lost.
type Shown = Result<(Message, Option<&'static str>), ConvertError>;

impl Convertor for MiniApp {
    type Wire = Wire;

    fn read(&self, wire: &Wire) -> Result<Vec<Content>, ConvertError> {
        let mut read = self.family().read(wire)?;
        for content in &mut read {
            // What goes out names no app: it can only be this one.
            if let Content::MiniProgram { app_id, .. } = content
                && app_id.is_empty()
            {
                app_id.clone_from(&self.app_id);
            }
        }
        Ok(read)
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

impl MiniApp {
    /// What it has in common with official accounts.
    fn family(&self) -> WeChat {
        WeChat {
            inbox: self.inbox.clone(),
        }
    }

    fn message(&self, content: &Content) -> Shown {
        let shown = |message| Ok((message, None));
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
                None => as_link("图片", media, content),
            },
            Content::Voice { media, words, .. } => {
                as_link(&plain::voice(words.as_deref()), media, content)
            }
            Content::Video { media, .. } => as_link("视频", media, content),
            Content::File { media } => {
                let name = media.name.as_deref().unwrap_or_default();
                as_link(&format!("文件 {name}"), media, content)
            }
            Content::Location {
                latitude,
                longitude,
                label,
            } => {
                let map = format!(
                    "https://apis.map.qq.com/uri/v1/marker?marker=coord:{latitude},{longitude}"
                );
                let words = Message::text(format!("📍 {label}\n{map}"));
                Ok((words, Some("shown as a map link")))
            }
            Content::Link {
                title,
                description,
                url,
                picture_url,
            } => {
                let title = if title.is_empty() { url } else { title };
                shown(Message::Link {
                    link: LinkBody {
                        title: without_escapes(title),
                        description: without_escapes(description),
                        url: without_escapes(url),
                        thumb_url: picture_url.clone().unwrap_or_default(),
                    },
                })
            }
            Content::MiniProgram {
                app_id,
                title,
                path,
                thumbnail,
            } => self.page(app_id, title, path, thumbnail.as_ref()),
            Content::Menu { head, items, tail } => Ok((
                Message::text(plain::menu(head, items, tail)),
                Some("shown as words: the choices cannot be tapped"),
            )),
            other => Err(ConvertError::unspeakable(
                other,
                "it is nothing that can be said",
            )),
        }
    }

    /// A page of the mini program itself; another's cannot be opened from here.
    fn page(&self, app_id: &str, title: &str, path: &str, thumbnail: Option<&Media>) -> Shown {
        if !app_id.is_empty() && app_id != self.app_id {
            let words = Message::text(plain::page(app_id, title, path));
            return Ok((words, Some("another mini program's page, shown as words")));
        }
        match thumbnail.and_then(|thumbnail| self.uploaded(thumbnail)) {
            Some(thumb_media_id) => Ok((
                Message::MiniProgramPage {
                    miniprogrampage: PageBody {
                        title: without_escapes(title),
                        appid: String::new(),
                        pagepath: without_escapes(path),
                        thumb_media_id,
                    },
                },
                None,
            )),
            None => Ok((
                Message::text(plain::page_link(&self.app_id, title, path)),
                Some("shown as a link to the page"),
            )),
        }
    }

    fn uploaded(&self, media: &Media) -> Option<String> {
        self.family().uploaded(media)
    }
}

fn as_link(what: &str, media: &Media, content: &Content) -> Shown {
    Ok((linked(what, media, content)?, Some("shown as a link")))
}

#[cfg(test)]
mod tests;
