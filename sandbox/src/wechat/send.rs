//! `custom/send` and `custom/typing`: what the platform takes and what it refuses (WeChat notes, 4.3, 4.4 and 6.1).

use serde_json::{Value, json};

use super::Wechat;
use super::acts;
use super::allowance::Trigger;
use super::errors::{Refusal, refuse, refuse_with};
use super::mini;
use super::state::{Person, Sent, State};
use super::xml::Node;
use crate::content::{Author, Content, MenuChoice, Status};
use crate::events::Happening;

/// The longest text, in bytes.
const LONGEST_TEXT: usize = 2048;
/// How long 对方正在输入… stays by itself, and how fresh the customer's last act must be for it.
const TYPING_MS: i64 = 15_000;
const INTERACTION_MS: i64 = 30_000;

impl Wechat {
    /// `POST /cgi-bin/message/custom/send`
    pub(super) fn custom_send(&self, account: usize, body: &[u8]) -> Result<Value, Refusal> {
        let value = readable(body)?;
        let openid = value["touser"].as_str().unwrap_or_default().to_owned();
        let world = &self.0.world;
        let now = world.now();
        let mut state = self.0.state.lock();
        Self::check_kind(&state, account, &value)?;
        let content = self.content(&state, account, &value, now)?;
        check_service_account(&value)?;
        if self.0.settings.strangers && !state.people.contains_key(&openid) {
            self.welcome_stranger(&mut state, account, &openid, now);
        }
        let is_mini = state.mini(account).is_some();
        let person = state
            .people
            .get_mut(&openid)
            .filter(|p| p.account == account);
        let person = person.ok_or_else(|| refuse(40003))?;
        if !person.following && !is_mini {
            return Err(refuse(45015));
        }
        person.allowance.take(now).map_err(refuse)?;
        let was_typing = std::mem::take(&mut person.typing) > now;
        let mut message = world.message(Author::Account, Status::Delivered, content);
        message.note = value["customservice"]["kf_account"]
            .as_str()
            .map(str::to_owned);
        self.remember(&mut state, &openid, value, now);
        self.show(&mut state, &openid, message);
        self.announce(&state, &openid);
        if was_typing {
            let typing = false;
            world.emit(Happening::Typing { openid, typing });
        }
        Ok(json!({"errcode": 0, "errmsg": "ok"}))
    }

    fn welcome_stranger(&self, state: &mut State, account: usize, openid: &str, now: i64) {
        let mut person = Person::new(account, openid, now);
        person.following = true;
        let rules = &self.0.settings.allowance;
        person.allowance.trigger(Trigger::Message, now, rules);
        state.people.insert(openid.to_owned(), person);
    }

    fn remember(&self, state: &mut State, openid: &str, body: Value, now: i64) {
        state.sent_count += 1;
        if state.sent.len() >= self.0.world.chat_capacity {
            state.sent.pop_front();
        }
        state.sent.push_back(Sent {
            openid: openid.to_owned(),
            kind: body["msgtype"].as_str().unwrap_or_default().to_owned(),
            body,
            at: now,
        });
    }

    /// `POST /cgi-bin/message/custom/typing`
    pub(super) fn custom_typing(&self, account: usize, body: &[u8]) -> Result<Value, Refusal> {
        let value = readable(body)?;
        let openid = value["touser"].as_str().unwrap_or_default().to_owned();
        let now = self.0.world.now();
        let mut state = self.0.state.lock();
        let person = state
            .people
            .get_mut(&openid)
            .filter(|p| p.account == account);
        let person = person.ok_or_else(|| refuse(40003))?;
        let typing = match value["command"].as_str() {
            Some("Typing") => true,
            Some("CancelTyping") => false,
            _ => return Err(refuse(45072)),
        };
        if now - person.active > INTERACTION_MS {
            return Err(refuse(45080));
        }
        if typing && now < person.typing {
            return Err(refuse(45081));
        }
        person.typing = if typing { now + TYPING_MS } else { 0 };
        self.0.world.emit(Happening::Typing { openid, typing });
        Ok(json!({"errcode": 0, "errmsg": "ok"}))
    }

    /// The bubble of a customer message, or why the message is refused.
    fn content(
        &self,
        state: &State,
        account: usize,
        value: &Value,
        now: i64,
    ) -> Result<Content, Refusal> {
        let kind = value["msgtype"].as_str().ok_or_else(|| refuse(40008))?;
        let inner = &value[kind];
        match kind {
            "text" => text(inner),
            "image" => self.uploaded(state, &inner["media_id"], &["image"], now),
            "voice" => self.uploaded(state, &inner["media_id"], &["voice", "audio"], now),
            "video" => self.video(state, inner, now),
            "music" => {
                self.uploaded(state, &inner["thumb_media_id"], &["thumb", "image"], now)?;
                Ok(Content::Music {
                    title: string(inner, "title"),
                    description: string(inner, "description"),
                    url: required(inner, "musicurl")?,
                })
            }
            "news" => news(inner),
            "link" => mini::link(inner),
            "msgmenu" => menu(inner),
            "miniprogrampage" => {
                let thumb = &inner["thumb_media_id"];
                let thumb = self.uploaded(state, thumb, &["thumb", "image"], now)?;
                Ok(Content::MiniProgram {
                    title: required(inner, "title")?,
                    // A mini program sends its own pages and says no id.
                    app_id: match state.mini(account) {
                        Some(_) => state.accounts[account].settings.app_id.clone(),
                        None => required(inner, "appid")?,
                    },
                    page_path: required(inner, "pagepath")?,
                    thumb_url: url_of(&thumb),
                })
            }
            "wxcard" => Ok(Content::Card {
                card_id: required(inner, "card_id")?,
            }),
            "mpnewsarticle" => Ok(other(kind, required(inner, "article_id")?)),
            "mpnews" => Err(refuse_with(40007, "mpnews ended with the draft box")),
            "transfer_customer_service" => Err(refuse(45162)),
            _ => Err(refuse(40008)),
        }
    }

    fn video(&self, state: &State, inner: &Value, now: i64) -> Result<Content, Refusal> {
        let film = self.uploaded(state, &inner["media_id"], &["video"], now)?;
        let thumb = &inner["thumb_media_id"];
        let thumb = self.uploaded(state, thumb, &["thumb", "image", "video"], now)?;
        Ok(Content::Video {
            url: url_of(&film).unwrap_or_default(),
            thumb_url: url_of(&thumb),
            seconds: None,
            title: inner["title"].as_str().map(str::to_owned),
            description: inner["description"].as_str().map(str::to_owned),
        })
    }

    /// The bubble of an upload, which must live and be of a fitting kind.
    fn uploaded(
        &self,
        state: &State,
        id: &Value,
        kinds: &[&str],
        now: i64,
    ) -> Result<Content, Refusal> {
        let upload = id.as_str().and_then(|id| state.uploaded(id, now));
        let upload = upload.filter(|upload| kinds.contains(&upload.kind.as_str()));
        let upload = upload.ok_or_else(|| refuse(40007))?;
        let media = self
            .0
            .world
            .media
            .get(&upload.media)
            .ok_or_else(|| refuse(40007))?;
        let url = self.0.world.media_url(&media);
        Ok(match upload.kind.as_str() {
            "voice" | "audio" => Content::Voice {
                url,
                seconds: None,
                words: None,
                format: Some(crate::media::extension(&media.mime).to_owned()),
            },
            "video" => Content::Video {
                url,
                thumb_url: None,
                seconds: None,
                title: None,
                description: None,
            },
            _ => acts::image(&media, url),
        })
    }

    /// Shows a passive reply. What it refers to may be gone; the customer then sees that.
    pub(super) fn passive_reply(&self, openid: &str, reply: Node) {
        let content = {
            let state = self.0.state.lock();
            self.passive_content(&state, &reply)
        };
        let content = content.unwrap_or_else(|refusal| {
            Content::notice(format!("被动回复无效：{} {}", refusal.code, refusal.text))
        });
        self.arrives(openid, Author::Account, content, Some("被动回复"));
    }

    fn passive_content(&self, state: &State, reply: &Node) -> Result<Content, Refusal> {
        let kind = reply.text_of("MsgType");
        let now = self.0.world.now();
        let media = |element: &str| Value::from(inside(reply, element, "MediaId"));
        match kind {
            "text" => Ok(Content::text(reply.text_of("Content"))),
            "image" => self.uploaded(state, &media("Image"), &["image"], now),
            "voice" => self.uploaded(state, &media("Voice"), &["voice", "audio"], now),
            "video" => self.uploaded(state, &media("Video"), &["video"], now),
            "music" => Ok(Content::Music {
                title: inside(reply, "Music", "Title").to_owned(),
                description: inside(reply, "Music", "Description").to_owned(),
                url: inside(reply, "Music", "MusicUrl").to_owned(),
            }),
            "news" => {
                let item = reply.child("Articles").and_then(|list| list.child("item"));
                let item = item.ok_or_else(|| refuse(45008))?;
                Ok(Content::Link {
                    title: item.text_of("Title").to_owned(),
                    description: item.text_of("Description").to_owned(),
                    url: item.text_of("Url").to_owned(),
                    picture_url: Some(item.text_of("PicUrl").to_owned()),
                })
            }
            _ => Err(refuse(40008)),
        }
    }
}

/// JSON in plain UTF-8.
fn readable(body: &[u8]) -> Result<Value, Refusal> {
    if body.is_empty() {
        return Err(refuse(44002));
    }
    let text = std::str::from_utf8(body).map_err(|_| refuse(47001))?;
    if has_escapes(text) {
        return Err(refuse(40033));
    }
    let value: Value = serde_json::from_str(text).map_err(|_| refuse(47001))?;
    match value.is_object() {
        true => Ok(value),
        false => Err(refuse(47001)),
    }
}

/// Whether a `\uXXXX` escape stands anywhere; a `\\u` is none.
fn has_escapes(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next() == Some(b'u') {
            return true;
        }
    }
    false
}

fn check_service_account(value: &Value) -> Result<(), Refusal> {
    match value["customservice"]["kf_account"].as_str() {
        Some(account) if !account.contains('@') => Err(refuse(61452)),
        _ => Ok(()),
    }
}

fn text(inner: &Value) -> Result<Content, Refusal> {
    let text = inner["content"].as_str().unwrap_or_default();
    match text.len() {
        0 => Err(refuse(44004)),
        length if length > LONGEST_TEXT => Err(refuse(45002)),
        _ => Ok(Content::text(text)),
    }
}

fn news(inner: &Value) -> Result<Content, Refusal> {
    let articles = inner["articles"].as_array();
    let [article] = articles.map_or(&[][..], Vec::as_slice) else {
        return Err(refuse(45008));
    };
    Ok(Content::Link {
        title: required(article, "title")?,
        description: string(article, "description"),
        url: string(article, "url"),
        picture_url: article["picurl"].as_str().map(str::to_owned),
    })
}

fn menu(inner: &Value) -> Result<Content, Refusal> {
    let list = inner["list"].as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| refuse_with(40035, "msgmenu.list"))?;
    let items = list.iter().map(|item| {
        let id = match &item["id"] {
            Value::Number(number) => number.to_string(),
            id => id.as_str().unwrap_or_default().to_owned(),
        };
        let text = required(item, "content")?;
        Ok(MenuChoice { id, text })
    });
    Ok(Content::Menu {
        head: string(inner, "head_content"),
        items: items.collect::<Result<_, _>>()?,
        tail: string(inner, "tail_content"),
    })
}

fn other(kind: &str, raw: String) -> Content {
    Content::Other {
        kind: kind.to_owned(),
        raw,
    }
}

fn string(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn required(value: &Value, key: &str) -> Result<String, Refusal> {
    let text = value[key].as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| refuse_with(40035, key))
}

fn url_of(content: &Content) -> Option<String> {
    match content {
        Content::Image { url, .. } | Content::Video { url, .. } => Some(url.clone()),
        _ => None,
    }
}

fn inside<'a>(reply: &'a Node, element: &str, name: &str) -> &'a str {
    reply.child(element).map_or("", |node| node.text_of(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_told_from_an_escaped_backslash() {
        assert!(has_escapes(r#"{"a":"\u4f60"}"#));
        assert!(!has_escapes(r#"{"a":"C:\\users \n"}"#));
        assert!(has_escapes(r#"{"a":"\\\u4f60"}"#));
    }
}
