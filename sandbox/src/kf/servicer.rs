//! A servicer in the WeCom client, for tests: sees the sessions of the account, takes them from the pool, says things past the
//! bridge, passes them on, ends them (KF notes, 3.4, 3.7).

use serde_json::{Value, json};

use super::{Kf, KfPhone, Session, state::Code};
use crate::{
    content::{Author, Content, Message, Status},
    play::{Pushed, Silence},
};

/// A servicer's client.
#[derive(Clone)]
pub struct KfServicer {
    kf: Kf,
    id: String,
}

impl KfServicer {
    pub(super) fn new(kf: Kf, id: String) -> Self {
        Self { kf, id }
    }

    /// The servicer's userid.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether this session is theirs.
    pub fn has(&self, phone: &KfPhone) -> bool {
        phone.session() == Session::Servicer && phone.servicer().as_deref() == Some(&self.id)
    }

    /// Waits until this session is theirs.
    pub async fn gets(&self, phone: &KfPhone) -> Result<(), Silence> {
        let (me, theirs) = (self.clone(), phone.clone());
        let got = move || me.has(&theirs).then_some(());
        self.waits(phone, "the session", got).await
    }

    /// Waits until somebody may take this session from the pool.
    pub async fn sees_in_pool(&self, phone: &KfPhone) -> Result<(), Silence> {
        let theirs = phone.clone();
        let there = move || (theirs.session() == Session::Pool).then_some(());
        self.waits(phone, "the session in the pool", there).await
    }

    async fn waits(
        &self,
        phone: &KfPhone,
        expected: &str,
        look: impl FnMut() -> Option<()> + Send + 'static,
    ) -> Result<(), Silence> {
        let world = self.kf.0.world.clone();
        let found = world.wait_for(world.patience, look).await;
        found.ok_or_else(|| Silence {
            who: self.id.clone(),
            waited: world.patience,
            expected: expected.to_owned(),
            heard: vec![format!("{:?} of {:?}", phone.session(), phone.servicer())],
        })
    }

    /// What the client shows of a session: everything, whoever said it.
    pub fn reads(&self, phone: &KfPhone) -> Vec<Message> {
        phone.chat()
    }

    /// Takes a waiting session; `false` where it does not wait.
    pub fn takes(&self, phone: &KfPhone) -> bool {
        self.changes(phone, Session::Pool, Session::Servicer, 1)
    }

    /// Passes a session on to a colleague; `false` where it is not theirs.
    pub fn passes(&self, phone: &KfPhone, colleague: &Self) -> bool {
        self.has(phone) && colleague.changes(phone, Session::Servicer, Session::Servicer, 2)
    }

    /// Ends a session; `false` where it is not theirs.
    pub fn ends(&self, phone: &KfPhone) -> bool {
        self.has(phone) && self.changes(phone, Session::Servicer, Session::Ended, 3)
    }

    /// Comes back to an ended session by writing in it.
    pub fn re_enters(&self, phone: &KfPhone, text: &str) -> bool {
        self.changes(phone, Session::Ended, Session::Servicer, 4)
            && self.says(phone, text).is_some()
    }

    /// Says something to the customer; `None` where the session is not theirs.
    pub fn says(&self, phone: &KfPhone, text: &str) -> Option<Pushed> {
        if !self.has(phone) {
            return None;
        }
        let world = &self.kf.0.world;
        let said = Content::text(text);
        let mut message = world.message(Author::Account, Status::Delivered, said);
        message.note = Some(self.id.clone());
        self.kf.shows(phone.id(), message.clone());
        let row = json!({
            "open_kfid": self.kf.0.settings.open_kfid,
            "external_userid": phone.id(),
            "origin": 5,
            "servicer_userid": self.id,
            "msgtype": "text",
            "text": { "content": text },
        });
        Some(Pushed::new(message, self.kf.row(row)))
    }

    /// Stops serving, or begins again.
    pub fn serves(&self, serving: bool) {
        let mut state = self.kf.0.state.lock();
        state.servicers.insert(self.id.clone(), serving);
        drop(state);
        let status = if serving { 1 } else { 2 };
        self.kf.happens(json!({
            "event_type": "servicer_status_change",
            "servicer_userid": self.id,
            "open_kfid": self.kf.0.settings.open_kfid,
            "status": status,
        }));
    }

    /// A change of the session made in the client. Whether it was in the state for it.
    fn changes(&self, phone: &KfPhone, from: Session, to: Session, kind: i64) -> bool {
        let world = &self.kf.0.world;
        let mut state = self.kf.0.state.lock();
        let Some(person) = state.people.get_mut(phone.id()) else {
            return false;
        };
        if person.session != from {
            return false;
        }
        let before = person.servicer.take();
        person.session = to;
        person.servicer = (to == Session::Servicer).then(|| self.id.clone());
        let mut event = json!({
            "event_type": "session_status_change",
            "open_kfid": self.kf.0.settings.open_kfid,
            "external_userid": phone.id(),
            "change_type": kind,
        });
        let named = |event: &mut Value, name: &str, id: Option<&String>| {
            if let Some(id) = id {
                event[name] = id.as_str().into();
            }
        };
        named(&mut event, "old_servicer_userid", before.as_ref());
        named(&mut event, "new_servicer_userid", person.servicer.as_ref());
        if kind == 1 || kind == 3 {
            let code = Code::after(to, phone.id(), world);
            event["msg_code"] = code.code.as_str().into();
            state.codes.push(code);
        }
        drop(state);
        self.kf.changed(phone.id());
        self.kf.happens(event);
        true
    }
}
