//! The bodies of app messages: their limits and how they show (WeCom notes, 4.1).

use serde_json::Value;

use super::Wecom;
use super::card;
use super::errors::{Refusal, refuse, refuse_with};
use super::state::State;
use crate::content::{Article, CardRow, Content, TemplateCard};

/// The longest text, in bytes; what is beyond is cut.
const TEXT: usize = 2048;
const ARTICLES: usize = 8;
const MPNEWS: usize = 666 * 1024;

impl Wecom {
    /// The bubble of a message, or why the message is refused.
    pub(super) fn content(
        &self,
        state: &State,
        app: usize,
        body: &Value,
    ) -> Result<Content, Refusal> {
        let kind = body["msgtype"].as_str().unwrap_or_default();
        let inner = &body[kind];
        match kind {
            "text" => text(inner),
            "markdown" => markdown(inner, TEXT),
            "image" | "voice" | "file" => self.uploaded(&state.uploads, &inner["media_id"], kind),
            "video" => self.video(state, inner),
            "textcard" => textcard(inner),
            "news" => news(inner, article),
            "mpnews" => news(inner, |item| self.mp_article(state, item)),
            "miniprogram_notice" => notice(inner),
            "template_card" => {
                let card = card::read(state, app, inner, &|id| {
                    self.uploaded(&state.uploads, id, "file").map(drop)
                })?;
                let card = Box::new(card);
                Ok(Content::TemplateCard { card })
            }
            _ => Err(refuse(40008)),
        }
    }

    fn video(&self, state: &State, inner: &Value) -> Result<Content, Refusal> {
        let video = self.uploaded(&state.uploads, &inner["media_id"], "video")?;
        let (title, description) = (
            optional(inner, "title", 128)?,
            optional(inner, "description", 512)?,
        );
        let some = |text: String| (!text.is_empty()).then_some(text);
        Ok(match video {
            Content::Video { url, .. } => Content::Video {
                url,
                thumb_url: None,
                seconds: None,
                title: some(title),
                description: some(description),
            },
            other => other,
        })
    }

    fn mp_article(&self, state: &State, item: &Value) -> Result<Article, Refusal> {
        let picture = self.uploaded(&state.uploads, &item["thumb_media_id"], "image")?;
        required(item, "content", MPNEWS)?;
        Ok(Article {
            title: required(item, "title", 128)?,
            description: optional(item, "digest", 512)?,
            url: optional(item, "content_source_url", 2048)?,
            picture_url: match picture {
                Content::Image { url, .. } => Some(url),
                _ => None,
            },
        })
    }
}

/// Words, cut where they are too long.
pub(super) fn text(inner: &Value) -> Result<Content, Refusal> {
    let text = inner["content"].as_str().unwrap_or_default();
    if text.is_empty() {
        return Err(refuse(44004));
    }
    let end = (0..=text.len().min(TEXT)).rev();
    let end = end.into_iter().find(|at| text.is_char_boundary(*at));
    Ok(Content::text(&text[..end.unwrap_or(0)]))
}

/// Markdown, refused where it is too long.
pub(super) fn markdown(inner: &Value, longest: usize) -> Result<Content, Refusal> {
    let text = inner["content"].as_str().unwrap_or_default();
    match text.len() {
        0 => Err(refuse(44004)),
        length if length > longest => Err(refuse(45002)),
        _ => Ok(Content::Markdown {
            text: text.to_owned(),
        }),
    }
}

fn textcard(inner: &Value) -> Result<Content, Refusal> {
    if inner["btntxt"]
        .as_str()
        .is_some_and(|text| text.chars().count() > 4)
    {
        return Err(refuse_with(40058, "btntxt is longer than 4 characters"));
    }
    Ok(Content::Link {
        title: required(inner, "title", 128)?,
        description: required(inner, "description", 512)?,
        url: address(inner, "url")?,
        picture_url: None,
    })
}

pub(super) fn news(
    inner: &Value,
    read: impl Fn(&Value) -> Result<Article, Refusal>,
) -> Result<Content, Refusal> {
    let articles = inner["articles"].as_array();
    let articles = articles.filter(|list| (1..=ARTICLES).contains(&list.len()));
    let articles = articles.ok_or_else(|| refuse_with(40058, "articles has 1 to 8"))?;
    let articles = articles.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Content::News { articles })
}

pub(super) fn article(item: &Value) -> Result<Article, Refusal> {
    let opens_app = !optional(item, "appid", 64)?.is_empty();
    let url = match opens_app {
        true => required(item, "pagepath", 1024)?,
        false => address(item, "url")?,
    };
    let picture = optional(item, "picurl", 2048)?;
    Ok(Article {
        title: required(item, "title", 128)?,
        description: optional(item, "description", 512)?,
        url,
        picture_url: (!picture.is_empty()).then_some(picture),
    })
}

/// A mini program's notice, shown as a card.
fn notice(inner: &Value) -> Result<Content, Refusal> {
    required(inner, "appid", 64)?;
    let empty = Vec::new();
    let items = inner["content_item"].as_array().unwrap_or(&empty);
    if items.len() > 10 {
        return Err(refuse_with(40058, "content_item has at most 10"));
    }
    let rows = items.iter().map(|item| {
        Ok(CardRow {
            name: required(item, "key", 30)?,
            value: required(item, "value", 90)?,
            url: None,
        })
    });
    let card = TemplateCard {
        kind: "miniprogram_notice".into(),
        title: required(inner, "title", 64)?,
        description: optional(inner, "description", 64)?,
        rows: rows.collect::<Result<_, Refusal>>()?,
        ..TemplateCard::default()
    };
    Ok(Content::TemplateCard {
        card: Box::new(card),
    })
}

/// A page's address with its scheme.
pub(super) fn address(value: &Value, key: &str) -> Result<String, Refusal> {
    let url = required(value, key, 2048)?;
    match url.starts_with("http://") || url.starts_with("https://") {
        true => Ok(url),
        false => Err(refuse_with(40058, &format!("{key} has no scheme"))),
    }
}

/// A text of at most so many bytes; "" where there is none.
pub(super) fn optional(value: &Value, key: &str, longest: usize) -> Result<String, Refusal> {
    let text = value[key].as_str().unwrap_or_default();
    match text.len() > longest {
        true => Err(refuse_with(
            40058,
            &format!("{key} is longer than {longest} bytes"),
        )),
        false => Ok(text.to_owned()),
    }
}

/// A text of at most so many bytes that must be there.
pub(super) fn required(value: &Value, key: &str, longest: usize) -> Result<String, Refusal> {
    let text = optional(value, key, longest)?;
    match text.is_empty() {
        true => Err(refuse_with(40058, &format!("{key} is missing"))),
        false => Ok(text),
    }
}
