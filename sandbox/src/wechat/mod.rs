//! A simulated WeChat platform of official accounts (公众号) and mini programs (小程序), as an HTTP peer that checks what the real one checks.
//!
//! [`Wechat`] is the platform; [`Phone`] a customer's phone in it. What the bridge calls is in `api`, what goes to the bridge
//! in `push`.

mod acts;
mod allowance;
mod api;
pub(crate) mod crypto;
mod errors;
mod event;
pub(crate) mod fields;
mod media;
mod mini;
mod phone;
mod push;
mod qrcode;
mod reply;
mod send;
mod state;
mod token;
pub(crate) mod xml;

use std::sync::Arc;

use parking_lot::Mutex;

pub use acts::Act;
pub use allowance::AllowanceLeft;
pub use event::Event;
pub use phone::Phone;
pub use state::{Customer, Sent};

use crate::content::{Author, Content, Message, Status};
use crate::events::Happening;
use crate::settings::{Account, WechatSettings};
use crate::world::World;
use state::{Person, State};

/// The simulated platform. Cheap to clone.
#[derive(Clone)]
pub struct Wechat(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub world: Arc<World>,
    pub settings: WechatSettings,
    pub state: Mutex<State>,
}

/// A customer to be.
#[derive(Clone, Debug, Default)]
pub struct NewCustomer {
    /// A name for people.
    pub nickname: String,
    /// A picture's address.
    pub avatar: String,
    /// A chosen openid; none makes one up.
    pub openid: Option<String>,
    /// Which account, by its inbox; none takes the first.
    pub inbox: Option<String>,
    /// Whether the customer follows already. No event is pushed for that.
    pub following: bool,
    /// The same for all accounts of one open-platform account; none: theirs is bound to none.
    pub unionid: Option<String>,
}

impl Wechat {
    pub(crate) fn new(world: Arc<World>, settings: WechatSettings) -> Result<Self, String> {
        let state = State::new(&settings, world.now())?;
        Ok(Self(Arc::new(Inner {
            world,
            settings,
            state: Mutex::new(state),
        })))
    }

    /// The accounts as they were set up.
    pub fn accounts(&self) -> Vec<Account> {
        self.0.settings.accounts.clone()
    }

    /// A new customer who follows the first account; nothing is pushed. Panics where the settings have no account.
    pub fn phone(&self, nickname: &str) -> Phone {
        let customer = NewCustomer {
            nickname: nickname.to_owned(),
            following: true,
            ..NewCustomer::default()
        };
        match self.add_customer(customer) {
            Ok(phone) => phone,
            // Only a chosen openid or inbox can be refused.
            Err(why) => unreachable!("{why}"),
        }
    }

    /// A new customer as described. `Err` says which wish cannot be met.
    pub fn add_customer(&self, new: NewCustomer) -> Result<Phone, String> {
        let Inner { world, .. } = &*self.0;
        let mut state = self.0.state.lock();
        let account = match &new.inbox {
            None => 0,
            Some(inbox) => {
                let found = state
                    .accounts
                    .iter()
                    .position(|a| &a.settings.inbox == inbox);
                found.ok_or_else(|| format!("no account has the inbox {inbox}"))?
            }
        };
        if state.accounts.is_empty() {
            return Err("there is no account".into());
        }
        let openid = new
            .openid
            .unwrap_or_else(|| format!("o{}", world.chance.letters(27)));
        if state.people.contains_key(&openid) {
            return Err(format!("the openid {openid} is taken"));
        }
        let person = Person {
            nickname: new.nickname,
            avatar: new.avatar,
            following: new.following,
            unionid: new.unionid,
            ..Person::new(account, &openid, world.now())
        };
        state.people.insert(openid.clone(), person);
        self.announce(&state, &openid);
        Ok(Phone::new(self.clone(), openid))
    }

    /// The phone of a known customer.
    pub fn phone_of(&self, openid: &str) -> Option<Phone> {
        let known = self.0.state.lock().people.contains_key(openid);
        known.then(|| Phone::new(self.clone(), openid.to_owned()))
    }

    /// All customers.
    pub fn customers(&self) -> Vec<Customer> {
        let (state, now) = (self.0.state.lock(), self.0.world.now());
        state
            .people
            .values()
            .map(|p| state.customer(p, now))
            .collect()
    }

    /// The customer messages taken from the bridge, oldest first, as many as a chat keeps.
    pub fn sent(&self) -> Vec<Sent> {
        self.0.state.lock().sent.iter().cloned().collect()
    }

    /// How many customer messages were taken from the bridge.
    pub fn sent_count(&self) -> u64 {
        self.0.state.lock().sent_count
    }

    /// Another system fetched tokens by force: those the bridge holds are worthless (40001).
    pub fn displace_tokens(&self) {
        let now = self.0.world.now();
        for account in &mut self.0.state.lock().accounts {
            account.tokens.displace_all(now);
        }
    }

    /// Tells the pages about a customer as it is now.
    fn announce(&self, state: &State, openid: &str) {
        let world = &self.0.world;
        if world.hub.keeps()
            && let Some(person) = state.people.get(openid)
        {
            let customer = state.customer(person, world.now());
            world.emit(Happening::Customer { customer });
        }
    }

    /// Adds a bubble to a chat and tells everybody.
    fn show(&self, state: &mut State, openid: &str, message: Message) {
        let world = &self.0.world;
        if let Some(person) = state.people.get_mut(openid) {
            person.add(message.clone(), world.chat_capacity);
        }
        let openid = openid.to_owned();
        world.emit(Happening::CustomerMessage { openid, message });
    }

    /// A bubble that came to the phone.
    fn arrives(&self, openid: &str, from: Author, content: Content, note: Option<&str>) {
        let mut message = self.0.world.message(from, Status::Delivered, content);
        message.note = note.map(str::to_owned);
        let mut state = self.0.state.lock();
        self.show(&mut state, openid, message);
    }

    /// A bubble got further.
    fn progress(&self, openid: &str, id: u64, status: Status, note: Option<String>) {
        let mut state = self.0.state.lock();
        let changed = state.people.get_mut(openid).and_then(|person| {
            person.change(id, |message| {
                message.status = status;
                message.note = note.or(message.note.take());
            })
        });
        if let Some(message) = changed {
            let openid = openid.to_owned();
            self.0
                .world
                .emit(Happening::CustomerMessageChanged { openid, message });
        }
    }
}
