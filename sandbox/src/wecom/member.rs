//! A member's client, for tests and the pages: says, presses, reads, hears.

use serde_json::{Map, Value};

use super::acts::Press;
use super::{Act, AppChat, Event, MemberView, Wecom};
use crate::content::{Author, Content, Message};
use crate::events::Happening;
use crate::media::Media;
use crate::play::{Ear, Pushed, Silence};

/// A member's client, at one app's chat. Clones share what they have heard.
#[derive(Clone)]
pub struct Member {
    wecom: Wecom,
    user_id: String,
    app: usize,
    ear: Ear,
}

impl Member {
    pub(super) fn new(wecom: Wecom, user_id: String, app: usize) -> Self {
        let ear = Ear::default();
        Self {
            wecom,
            user_id,
            app,
            ear,
        }
    }

    /// The same member at another app, by its AgentId.
    pub fn at(&self, agent_id: u64) -> Option<Self> {
        let app = self.wecom.0.state.lock().app_of(agent_id)?;
        Some(Self::new(self.wecom.clone(), self.user_id.clone(), app))
    }

    /// UserID.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The member as the pages see one.
    pub fn view(&self) -> MemberView {
        match self.wecom.0.state.lock().view(&self.user_id) {
            Some(view) => view,
            // Members are never deleted, and a client is made only for one that exists.
            None => unreachable!("{} is no member", self.user_id),
        }
    }

    /// The chats with every app.
    pub fn chats(&self) -> Vec<AppChat> {
        let state = self.wecom.0.state.lock();
        let apps = 0..state.apps.len();
        apps.filter_map(|app| state.app_chat(&self.user_id, app))
            .collect()
    }

    /// Sends anything a member can send.
    pub fn does(&self, act: Act) -> Pushed {
        self.wecom.act(&self.user_id, self.app, &act)
    }

    /// Sends a text.
    pub fn says(&self, text: &str) -> Pushed {
        self.does(Act::Text(text.to_owned()))
    }

    /// Sends a picture kept with [`Sandbox::keep`](crate::Sandbox::keep).
    pub fn sends_image(&self, media: Media) -> Pushed {
        self.does(Act::Image(media))
    }

    /// Taps a menu entry.
    pub fn clicks(&self, key: &str) -> Pushed {
        let key = key.to_owned();
        self.does(Act::Event(Event::Click { key }))
    }

    /// An event made up.
    pub fn causes(&self, name: &str, fields: Map<String, Value>) -> Pushed {
        let name = name.to_owned();
        self.does(Act::Event(Event::Raw { name, fields }))
    }

    /// Presses a button of a card, or a line of its menu. `Err` says why that cannot be.
    pub fn presses(&self, card: &Message, key: &str) -> Result<Pushed, String> {
        self.submits(card, key, &[])
    }

    /// Chooses, by question and options, and presses.
    pub fn submits(
        &self,
        card: &Message,
        key: &str,
        chosen: &[(&str, &[&str])],
    ) -> Result<Pushed, String> {
        let chosen = chosen.iter().map(|(question, options)| {
            let options = options.iter().map(|option| (*option).to_owned());
            ((*question).to_owned(), options.collect())
        });
        let press = Press {
            bubble: card.id,
            key: key.to_owned(),
            chosen: chosen.collect(),
        };
        self.wecom.press(&self.user_id, self.app, &press)
    }

    /// Reads everything the app said. WeCom tells nobody.
    pub fn reads(&self) {
        let mut state = self.wecom.0.state.lock();
        let id = self.user_id.to_ascii_lowercase();
        let Some(member) = state.members.get_mut(&id) else {
            return;
        };
        if let Some(chat) = member.chats.get_mut(&self.app) {
            chat.unread = 0;
        }
        let member = member.view();
        self.wecom.0.world.emit(Happening::Member { member });
    }

    /// The whole chat, oldest first.
    pub fn chat(&self) -> Vec<Message> {
        let state = self.wecom.0.state.lock();
        let member = state.member(&self.user_id);
        let chat = member.and_then(|member| member.chats.get(&self.app));
        chat.map(|chat| chat.chat.all()).unwrap_or_default()
    }

    /// A bubble as it is now.
    pub fn now(&self, message: &Message) -> Option<Message> {
        let mut chat = self.chat().into_iter();
        chat.find(|other| other.id == message.id)
    }

    /// The next unheard message whose words contain `part`, cards included; those before it count as heard.
    pub async fn hears_text(&self, part: &str) -> Result<Message, Silence> {
        let wanted = part.to_owned();
        let expected = format!("words with {part:?}");
        self.hears_which(&expected, move |it| it.content.words().contains(&wanted))
            .await
    }

    /// The next unheard card whose words contain `part`; those before it count as heard.
    pub async fn hears_card(&self, part: &str) -> Result<Message, Silence> {
        let wanted = part.to_owned();
        let expected = format!("a card with {part:?}");
        self.hears_which(&expected, move |it| {
            let is_card = matches!(it.content, Content::TemplateCard { .. });
            is_card && it.content.words().contains(&wanted)
        })
        .await
    }

    /// The next unheard message that fits; those before it count as heard.
    pub async fn hears_which(
        &self,
        expected: &str,
        fits: impl Fn(&Message) -> bool + Send + 'static,
    ) -> Result<Message, Silence> {
        let member = self.clone();
        let incoming = move || member.incoming();
        let world = &self.wecom.0.world;
        let who = self.user_id.clone();
        self.ear.hears(world, who, expected, incoming, fits).await
    }

    /// Waits until a bubble fits, such as a card that is answered.
    pub async fn sees(
        &self,
        message: &Message,
        fits: impl Fn(&Message) -> bool + Send + 'static,
    ) -> Option<Message> {
        let world = &self.wecom.0.world;
        let (member, message) = (self.clone(), message.clone());
        let look = move || member.now(&message).filter(|it| fits(it));
        world.wait_for(world.patience, look).await
    }

    /// What came and was not heard yet.
    pub fn unheard(&self) -> Vec<Message> {
        self.ear.unheard(self.incoming())
    }

    fn incoming(&self) -> Vec<Message> {
        let chat = self.chat().into_iter();
        chat.filter(|message| message.from == Author::Account)
            .collect()
    }
}
