//! A customer's phone at a KF account, for tests: enters, says, takes back, hears.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};

use super::{Kf, Session};
use crate::{
    content::{Author, Content, Message, Status},
    media::Media,
    play::{Pushed, Silence},
};

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

    /// Puts the session into a state, as a servicer in the WeCom client or the console would.
    pub fn moved(&self, session: Session) {
        if let Some(person) = self.kf.0.state.lock().people.get_mut(&self.id) {
            person.session = session;
        }
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
            let code = format!("WEL{}", world.chance.letters(20));
            let until = world.now() + 20_000;
            state.codes.push((code.clone(), self.id.clone(), until));
            event["welcome_code"] = code.into();
        }
        drop(state);
        let note = Content::Text {
            text: format!("进入会话 {scene_param}"),
        };
        let shown = world.message(Author::Customer, Status::Delivered, note);
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
        let handle = format!("KFM{}", self.kf.0.world.chance.letters(24));
        let mut state = self.kf.0.state.lock();
        state.media.insert(handle.clone(), media.id.clone());
        drop(state);
        let shown = Content::Text {
            text: format!("[图片 {}]", media.name),
        };
        self.sends("image", json!({ "media_id": handle }), shown)
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
            person.chat.push(message.clone());
        }
        drop(state);
        Pushed::new(message, self.kf.row(row))
    }

    /// The whole chat, oldest first.
    pub fn chat(&self) -> Vec<Message> {
        self.kf.0.state.lock().people[&self.id].chat.clone()
    }

    /// The next unheard message whose text contains `part`; those before it count as heard.
    pub async fn hears_text(&self, part: &str) -> Result<Message, Silence> {
        let world = self.kf.0.world.clone();
        let (phone, wanted) = (self.clone(), part.to_owned());
        let found = world.wait_for(world.patience, move || {
            let heard = phone.unheard();
            let message = heard.into_iter().find(|one| one.text().contains(&wanted))?;
            phone.heard.fetch_max(message.id, Ordering::SeqCst);
            Some(message)
        });
        found.await.ok_or_else(|| Silence {
            who: self.id.clone(),
            waited: world.patience,
            expected: format!("a text with {part:?}"),
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
