//! Groups with a robot: `webhook/send` and `webhook/upload_media`, by a key instead of a token (WeCom notes, 4.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Wecom;
use super::api::object;
use super::body::{article, markdown, news, required};
use super::card;
use super::errors::{Refusal, refuse, refuse_with};
use super::media::bubble;
use super::token::within;
use crate::call::Call;
use crate::content::{Content, Message};
use crate::events::Happening;
use crate::media::is_picture;
use crate::play::{Ear, Silence};

const MINUTE: i64 = 60_000;
const TEXT: usize = 2048;
const MARKDOWN: usize = 4096;
const PICTURE: usize = 2 * 1024 * 1024;

impl Wecom {
    /// `POST webhook/send?key=`
    pub(super) fn robot_send(&self, call: &Call) -> Result<Value, Refusal> {
        let group = self.robot(call)?;
        let body = object(call)?;
        let content = self.robot_content(&body)?;
        let world = &self.0.world;
        let rate = self.0.settings.robot_rate;
        let mut state = self.0.state.lock();
        let found = &mut state.groups[group];
        within(&mut found.past, world.now(), MINUTE, rate).map_err(|()| refuse(45009))?;
        let mut message = self.bubble(content);
        let mentioned = body["text"]["mentioned_list"].as_array();
        let mentioned = mentioned.into_iter().flatten().filter_map(Value::as_str);
        let mentioned: Vec<&str> = mentioned.collect();
        message.note = (!mentioned.is_empty()).then(|| format!("@{}", mentioned.join(" @")));
        found.chat.add(message.clone(), world.chat_capacity);
        let group = found.settings.name.clone();
        world.emit(Happening::GroupMessage { group, message });
        Ok(json!({}))
    }

    /// `POST webhook/upload_media?key=&type=file|voice`
    pub(super) fn robot_upload(&self, call: &Call) -> Result<Value, Refusal> {
        self.robot(call)?;
        let kind = call.param("type").unwrap_or_default();
        if !matches!(kind, "file" | "voice") {
            return Err(refuse(40005));
        }
        let id = self.take_upload(call, kind, true)?;
        let now = self.0.world.clock.seconds();
        Ok(json!({"type": kind, "media_id": id, "created_at": now.to_string()}))
    }

    fn robot(&self, call: &Call) -> Result<usize, Refusal> {
        let key = call.param("key").unwrap_or_default();
        let state = self.0.state.lock();
        let mut groups = state.groups.iter();
        let found = groups.position(|group| group.settings.key == key);
        found.ok_or_else(|| refuse(93000))
    }

    fn robot_content(&self, body: &Value) -> Result<Content, Refusal> {
        let kind = body["msgtype"].as_str().unwrap_or_default();
        let inner = &body[kind];
        match kind {
            // Too long is a bad parameter here, not a length (WeCom notes, 8, T16).
            "text" => required(inner, "content", TEXT).map(Content::text),
            "markdown" | "markdown_v2" => {
                markdown(inner, MARKDOWN).map_err(|_| refuse_with(40058, "markdown.content"))
            }
            "image" => self.robot_picture(inner),
            "news" => news(inner, article),
            "file" | "voice" => {
                let state = self.0.state.lock();
                self.uploaded(&state.uploads, &inner["media_id"], kind)
            }
            "template_card" => self.robot_card(inner),
            _ => Err(refuse(40008)),
        }
    }

    /// Base64 without line ends, and the MD5 of what it holds. The sum's form is checked; nothing here computes MD5.
    fn robot_picture(&self, inner: &Value) -> Result<Content, Refusal> {
        let encoded = inner["base64"].as_str().unwrap_or_default();
        let bytes = STANDARD.decode(encoded);
        let bytes = bytes.map_err(|_| refuse_with(40058, "image.base64"))?;
        let sum = inner["md5"].as_str().unwrap_or_default();
        if sum.len() != 32 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refuse_with(40058, "image.md5"));
        }
        match bytes.len() {
            length if length > PICTURE => return Err(refuse(40006)),
            _ if !is_picture(&bytes) => return Err(refuse(40004)),
            _ => {}
        }
        let world = &self.0.world;
        let kept = world
            .media
            .keep(&world.chance, "robot.png", None, Bytes::from(bytes));
        Ok(bubble("image", &kept, world.media_url(&kept)))
    }

    /// Robots show notices only: nobody could take a press.
    fn robot_card(&self, inner: &Value) -> Result<Content, Refusal> {
        if !matches!(
            inner["card_type"].as_str(),
            Some("text_notice" | "news_notice")
        ) {
            return Err(refuse(42031));
        }
        let state = self.0.state.lock();
        let card = card::read(&state, 0, inner, &|id| {
            self.uploaded(&state.uploads, id, "file").map(drop)
        })?;
        Ok(Content::TemplateCard {
            card: Box::new(card),
        })
    }
}

/// A group with a robot, as one of its members sees it. Clones share what they have heard.
#[derive(Clone)]
pub struct Group {
    wecom: Wecom,
    at: usize,
    ear: Ear,
}

impl Group {
    pub(super) fn new(wecom: Wecom, at: usize) -> Self {
        let ear = Ear::default();
        Self { wecom, at, ear }
    }

    /// The key of its robot.
    pub fn key(&self) -> String {
        self.wecom.0.settings.robots[self.at].key.clone()
    }

    /// Everything the robot said, oldest first.
    pub fn chat(&self) -> Vec<Message> {
        self.wecom.0.state.lock().groups[self.at].chat.all()
    }

    /// The next unheard message whose words contain `part`; those before it count as heard.
    pub async fn hears_text(&self, part: &str) -> Result<Message, Silence> {
        let (group, wanted) = (self.clone(), part.to_owned());
        let expected = format!("words with {part:?}");
        let who = self.wecom.0.settings.robots[self.at].name.clone();
        self.ear
            .hears(
                &self.wecom.0.world,
                who,
                &expected,
                move || group.chat(),
                move |message| message.content.words().contains(&wanted),
            )
            .await
    }
}
