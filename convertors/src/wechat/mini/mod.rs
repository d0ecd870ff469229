//! The [`Convertor`] of mini programs. Pushes read as an official account's do; out go text, picture, link and a page of the
//! mini program itself (WeChat: 4.3). Everything else becomes words with where to find it, and the loss is reported.

use bridge_core::{
    channel::Capabilities,
    convert::{ConvertError, Convertor, Loss, Written},
    message::{Content, InboxName, Media},
    texts::Locale,
};

use super::{
    WeChat, Wire, plain,
    send::{LinkBody, Message, PageBody, without_escapes},
    writing::{self, Shown, as_link, whole},
};

/// The vocabulary of a mini program's inbox.
#[derive(Debug, Clone)]
pub struct MiniApp {
    /// The inbox: media that come in are fetched by it.
    pub inbox: InboxName,
    /// The mini program: only its own pages can be sent.
    pub app_id: String,
    /// The language of the words that stand for what cannot be shown.
    pub locale: Locale,
}

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
            locale: self.locale,
        }
    }

    fn message(&self, content: &Content) -> Shown {
        match content {
            Content::Text(text) => writing::said(&text.text, content),
            Content::Choice { label, .. } => whole(Message::text(label)),
            Content::Image { media } => self.family().image(media, content),
            Content::Voice { media, words, .. } => {
                as_link(&plain::voice(words.as_deref(), self.locale), media, content)
            }
            Content::Video { media, .. } => {
                as_link(self.locale.pick("视频", "video"), media, content)
            }
            Content::File { media } => writing::file(media, content, self.locale),
            Content::Location {
                latitude,
                longitude,
                label,
            } => writing::place(*latitude, *longitude, label),
            Content::Link {
                title,
                description,
                url,
                picture_url,
            } => {
                let title = if title.is_empty() { url } else { title };
                whole(Message::Link {
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
            other => writing::nothing_to_say(other),
        }
    }

    /// A page of the mini program itself; another's cannot be opened from here.
    fn page(&self, app_id: &str, title: &str, path: &str, thumbnail: Option<&Media>) -> Shown {
        if !app_id.is_empty() && app_id != self.app_id {
            let words = Message::text(plain::page(app_id, title, path, self.locale));
            return Ok((words, Some("another mini program's page, shown as words")));
        }
        let family = self.family();
        match thumbnail.and_then(|thumbnail| family.uploaded(thumbnail)) {
            Some(thumb_media_id) => whole(Message::MiniProgramPage {
                miniprogrampage: PageBody {
                    title: without_escapes(title),
                    appid: String::new(),
                    pagepath: without_escapes(path),
                    thumb_media_id,
                },
            }),
            None => Ok((
                Message::text(plain::page_link(&self.app_id, title, path, self.locale)),
                Some("shown as a link to the page"),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
