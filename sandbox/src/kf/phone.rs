//! A customer's phone at a KF account, for tests: enters, says, takes back, hears.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde::Serialize;
use serde_json::{Value, json};

use super::{Kf, Session, state::Code};
use crate::{
    content::{Author, Content, MenuChoice, Message, Status},
    media::Media,
    play::{Pushed, Silence},
};

/// A customer of the account, as the pages show one. The JSON form is described in `sandbox/API.md`.
#[derive(Clone, Debug, Serialize)]
pub struct KfCustomer {
    /// The `external_userid`; called as on the other phones.
    pub openid: String,
    /// The bridge's inbox.
    pub inbox: String,
    /// A name for people; KF tells it to accounts.
    pub nickname: String,
    /// How many messages the account may still send.
    pub left: u32,
    /// The session's state, 0 to 4.
    pub session: i64,
    /// Who has it, in state 3.
    pub servicer: Option<String>,
    /// The newest message.
    pub last: Option<Message>,
}

/// A customer's phone. Clones share what they have heard.
#[derive(Clone)]
pub struct KfPhone {
    kf: Kf,
    id: String,
    heard: Arc<AtomicU64>,
}

impl KfPhone {
    pub(super) fn new(kf: Kf, id: String) -> Self {
        Self {
            kf,
            id,
            heard: Arc::default(),
        }
    }

    /// The customer's `external_userid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The session's state.
    pub fn session(&self) -> Session {
        self.kf.0.state.lock().people[&self.id].session
    }

    /// Who has the session, where a servicer does.
    pub fn servicer(&self) -> Option<String> {
        let state = self.kf.0.state.lock();
        state.people[&self.id].servicer.clone()
    }

    /// Puts the session into a state, as the console would: to a servicer by its rules of reception, for example.
    pub fn moved(&self, session: Session) {
        let mut state = self.kf.0.state.lock();
        let first = state.servicers.keys().next().cloned();
        if let Some(person) = state.people.get_mut(&self.id) {
            person.session = session;
            person.servicer = first.filter(|_| session == Session::Servicer);
        }
        drop(state);
        self.kf.changed(&self.id);
    }

    /// Opens the chat by a link, maybe with a parameter. A customer who has not written yet may be greeted once.
    pub fn enters(&self, scene_param: &str) -> Pushed {
        let world = &self.kf.0.world;
        let mut event = json!({
            "event_type": "enter_session",
            "open_kfid": self.kf.0.settings.open_kfid,
            "external_userid": self.id,
            "scene": "sandbox",
            "scene_param": crate::world::urlencode(scene_param),
        });
        let mut state = self.kf.0.state.lock();
        if state.people[&self.id].wrote_at.is_none() {
            let code = Code::welcome(&self.id, world);
            event["welcome_code"] = code.code.as_str().into();
            state.codes.push(code);
        }
        drop(state);
        let text = format!("进入会话 {scene_param}");
        let shown = world.message(
            Author::Customer,
            Status::Delivered,
            Content::Event {
                event: "enter_session".into(),
                key: None,
                text: text.trim().to_owned(),
            },
        );
        self.kf.shows(&self.id, shown.clone());
        Pushed::new(shown, self.kf.happens(event))
    }

    /// Sends a text.
    pub fn says(&self, text: &str) -> Pushed {
        let body = json!({ "content": text });
        self.sends(
            "text",
            body,
            Content::Text {
                text: text.to_owned(),
            },
        )
    }

    /// Taps a line of a menu message.
    pub fn taps(&self, id: &str, text: &str) -> Pushed {
        let body = json!({ "content": text, "menu_id": id });
        self.sends(
            "text",
            body,
            Content::Text {
                text: text.to_owned(),
            },
        )
    }

    /// Sends a picture kept with [`Sandbox::keep`](crate::Sandbox::keep).
    pub fn sends_image(&self, media: &Media) -> Pushed {
        self.sends_media("image", media)
    }

    /// Sends an `image`, `voice`, `video` or `file`.
    pub fn sends_media(&self, kind: &str, media: &Media) -> Pushed {
        let handle = format!("KFM{}", self.kf.0.world.chance.letters(24));
        let mut state = self.kf.0.state.lock();
        state.media.insert(handle.clone(), media.id.clone());
        drop(state);
        let body = json!({ "media_id": handle });
        let shown = self
            .kf
            .said(&json!({ "msgtype": kind, kind: body }))
            .unwrap_or_else(|_| Content::text(format!("[{kind}]")));
        self.sends(kind, body, shown)
    }

    /// Sends anything, by its type and the object of the same name.
    pub fn sends(&self, kind: &str, body: Value, shown: Content) -> Pushed {
        let world = &self.kf.0.world;
        let message = world.message(Author::Customer, Status::Delivered, shown);
        let row = json!({
            "open_kfid": self.kf.0.settings.open_kfid,
            "external_userid": self.id,
            "origin": 3,
            "msgtype": kind,
            kind: body,
        });
        let mut state = self.kf.0.state.lock();
        if let Some(person) = state.people.get_mut(&self.id) {
            (person.sent, person.wrote_at) = (0, Some(world.now()));
            // The customer writing begins a session anew.
            if person.session == Session::Ended {
                person.session = Session::New;
            }
        }
        drop(state);
        self.kf.shows(&self.id, message.clone());
        Pushed::new(message, self.kf.row(row))
    }

    /// The whole chat, oldest first.
    pub fn chat(&self) -> Vec<Message> {
        self.kf.0.state.lock().people[&self.id].chat.clone()
    }

    /// The next unheard message whose text contains `part`; those before it count as heard.
    pub async fn hears_text(&self, part: &str) -> Result<Message, Silence> {
        let wanted = part.to_owned();
        let fits = move |one: &Message| one.text().contains(&wanted);
        self.hears(&format!("a text with {part:?}"), fits).await
    }

    /// The choices of the next unheard menu.
    pub async fn hears_menu(&self) -> Result<Vec<MenuChoice>, Silence> {
        let is_menu = |one: &Message| matches!(one.content, Content::Menu { .. });
        match self.hears("a menu", is_menu).await?.content {
            Content::Menu { items, .. } => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    async fn hears(
        &self,
        expected: &str,
        fits: impl Fn(&Message) -> bool + Send + 'static,
    ) -> Result<Message, Silence> {
        let world = self.kf.0.world.clone();
        let phone = self.clone();
        let found = world.wait_for(world.patience, move || {
            let message = phone.unheard().into_iter().find(&fits)?;
            phone.heard.fetch_max(message.id, Ordering::SeqCst);
            Some(message)
        });
        found.await.ok_or_else(|| Silence {
            who: self.id.clone(),
            waited: world.patience,
            expected: expected.to_owned(),
            heard: self
                .unheard()
                .iter()
                .map(|one| format!("{:?}", one.content))
                .collect(),
        })
    }

    /// What came and was not heard yet.
    pub fn unheard(&self) -> Vec<Message> {
        let after = self.heard.load(Ordering::SeqCst);
        let chat = self.chat().into_iter();
        chat.filter(|one| one.from != Author::Customer && one.id > after)
            .collect()
    }
}
