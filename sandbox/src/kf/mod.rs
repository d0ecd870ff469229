//! A simulated WeChat KF platform (微信客服), as an HTTP peer that checks what the real one checks: tokens of a corp's app,
//! `sync_msg` with its cursor, sending with its `msgid`, count and window, session states, and the callback that only says
//! that there is something. Written from the protocol notes (WeCom: 1, 3, 5).
//!
//! [`Kf`] is the platform; [`KfPhone`] a customer's phone in it, [`KfServicer`] a servicer's WeCom client.

mod api;
mod phone;
mod push;
mod said;
mod servicer;
mod state;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

pub use phone::{KfCustomer, KfPhone};
pub use servicer::KfServicer;
pub use state::Session;

use crate::{content::Message, events::Happening, world::World};
use state::State;

/// The KF platform.
#[derive(Clone, Debug)]
pub struct KfSettings {
    /// The bridge's inbox: callbacks go to `/callback/{inbox}`.
    pub inbox: String,
    /// CorpID.
    pub corp_id: String,
    /// The app's secret.
    pub secret: String,
    /// The receive URL's token.
    pub token: String,
    /// The receive URL's EncodingAESKey.
    pub encoding_aes_key: String,
    /// The KF account.
    pub open_kfid: String,
    /// Its name.
    pub name: String,
    /// Who may serve, by their userid.
    pub servicers: Vec<String>,
    /// Messages after each of the customer's (KF: 5).
    pub allowance: u32,
    /// How long a callback may take before it is sent again (WeCom: 5 s).
    pub push_timeout: Duration,
    /// How often a callback is tried (WeCom: once and three times more).
    pub push_attempts: u32,
    /// Rows of a page at most, so that tests see several.
    pub page: usize,
    /// How many rows before its cursor a page begins with, as if they had not been fetched.
    pub overlap: usize,
    /// Whether each page is followed by an empty one that says there is more.
    pub empty_pages: bool,
}

impl Default for KfSettings {
    fn default() -> Self {
        Self {
            inbox: "kf".into(),
            corp_id: "wwsandbox00000001".into(),
            secret: "kf-app-secret-of-the-sandbox-0001".into(),
            token: "sandboxKfTok".into(),
            encoding_aes_key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".into(),
            open_kfid: "wkSandbox0001".into(),
            name: "云杉客服".into(),
            servicers: vec!["staff.li".into(), "staff.wu".into()],
            allowance: 5,
            push_timeout: Duration::from_secs(5),
            push_attempts: 4,
            page: 1000,
            overlap: 0,
            empty_pages: false,
        }
    }
}

/// The simulated platform. Cheap to clone.
#[derive(Clone)]
pub struct Kf(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub world: Arc<World>,
    pub settings: KfSettings,
    pub state: Mutex<State>,
}

impl Kf {
    pub(crate) fn new(world: Arc<World>, settings: KfSettings) -> Self {
        let servicers = settings.servicers.iter();
        let state = State {
            servicers: servicers.map(|id| (id.clone(), true)).collect(),
            ..State::default()
        };
        Self(Arc::new(Inner {
            world,
            settings,
            state: Mutex::new(state),
        }))
    }

    /// How it was set up.
    pub fn settings(&self) -> &KfSettings {
        &self.0.settings
    }

    /// A new customer; nothing is pushed until they enter or write.
    pub fn phone(&self, nickname: &str) -> KfPhone {
        let id = format!("wm{}", self.0.world.chance.letters(20));
        let mut state = self.0.state.lock();
        state
            .people
            .insert(id.clone(), state::Person::new(nickname));
        drop(state);
        self.changed(&id);
        KfPhone::new(self.clone(), id)
    }

    /// The WeCom client of a servicer.
    pub fn servicer(&self, id: &str) -> Option<KfServicer> {
        let known = self.0.state.lock().servicers.contains_key(id);
        known.then(|| KfServicer::new(self.clone(), id.to_owned()))
    }

    /// How often a move of a session was asked for that its state does not allow.
    pub fn refused_moves(&self) -> u32 {
        self.0.state.lock().refused_moves
    }

    /// A new bubble in a customer's chat.
    fn shows(&self, customer: &str, message: Message) {
        if let Some(person) = self.0.state.lock().people.get_mut(customer) {
            person.chat.push(message.clone());
        }
        let openid = customer.to_owned();
        self.0
            .world
            .emit(Happening::CustomerMessage { openid, message });
        self.changed(customer);
    }

    /// Tells the pages, and wakes whoever waits for something.
    fn changed(&self, customer: &str) {
        let person = self.0.state.lock().people.get(customer).cloned();
        if let Some(person) = person {
            let customer = self.customer(customer, &person);
            self.0.world.emit(Happening::KfCustomer { customer });
        }
    }

    fn customer(&self, id: &str, person: &state::Person) -> KfCustomer {
        let allowance = self.0.settings.allowance;
        KfCustomer {
            openid: id.to_owned(),
            inbox: self.0.settings.inbox.clone(),
            nickname: person.nickname.clone(),
            left: match person.session {
                Session::New | Session::Assistant => allowance.saturating_sub(person.sent),
                _ => 0,
            },
            session: person.session.number(),
            servicer: person.servicer.clone(),
            last: person.chat.last().cloned(),
        }
    }

    /// Every customer there is.
    pub fn customers(&self) -> Vec<KfCustomer> {
        let state = self.0.state.lock();
        let people = state.people.iter();
        people
            .map(|(id, person)| self.customer(id, person))
            .collect()
    }

    /// The phone of a customer who is there already.
    pub fn phone_of(&self, id: &str) -> Option<KfPhone> {
        let known = self.0.state.lock().people.contains_key(id);
        known.then(|| KfPhone::new(self.clone(), id.to_owned()))
    }

    /// The access tokens there are become worthless, as when an administrator resets the secret.
    pub fn displace_tokens(&self) {
        self.0.state.lock().token = None;
    }

    /// What the platform said to a customer was not delivered after all (`msg_send_fail`).
    pub fn fails_later(&self, customer: &str, msgid: &str, kind: i64) {
        let event = serde_json::json!({
            "event_type": "msg_send_fail",
            "open_kfid": self.0.settings.open_kfid,
            "external_userid": customer,
            "fail_msgid": msgid,
            "fail_type": kind,
        });
        self.happens(event);
    }
}
