//! A simulated Tencent IM, as an HTTP peer that checks what the real one checks.
//!
//! [`Tim`] is the service; [`Client`] an agent's client in it. What the bridge calls is in `api`, what goes to the bridge in
//! `callback`.

mod accounts;
mod api;
mod callback;
mod client;
mod elements;
mod errors;
mod history;
mod send;
mod state;
mod usersig;

use std::sync::Arc;

use parking_lot::Mutex;

pub use client::{Client, Heard};
pub use elements::Element;
pub use state::{Agent, Chat, Presence, Stored};

use crate::content::{Author, Content, Message, Status};
use crate::events::Happening;
use crate::settings::{AgentSettings, TimSettings};
use crate::world::World;
use state::{Account, State};

/// The simulated service. Cheap to clone.
#[derive(Clone)]
pub struct Tim(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub world: Arc<World>,
    pub settings: TimSettings,
    pub state: Mutex<State>,
}

impl Tim {
    pub(crate) fn new(world: Arc<World>, settings: TimSettings) -> Self {
        let mut state = State::default();
        state
            .accounts
            .insert(settings.admin.clone(), Account::default());
        for agent in &settings.agents {
            state.employ(agent);
        }
        Self(Arc::new(Inner {
            world,
            settings,
            state: Mutex::new(state),
        }))
    }

    /// How the service was set up.
    pub fn settings(&self) -> &TimSettings {
        &self.0.settings
    }

    /// Adds an agent's account, or gives an existing account a client, and returns the client.
    pub fn add_agent(&self, agent: &AgentSettings) -> Client {
        let mut state = self.0.state.lock();
        state.employ(agent);
        self.announce(&state, &agent.user_id);
        Client::new(self.clone(), agent.user_id.clone())
    }

    /// An agent's client.
    pub fn client(&self, user_id: &str) -> Option<Client> {
        let agent = self.0.state.lock().agent(user_id);
        agent.map(|agent| Client::new(self.clone(), agent.user_id))
    }

    /// All agents.
    pub fn agents(&self) -> Vec<Agent> {
        let state = self.0.state.lock();
        let agents = state.agents.iter();
        agents.filter_map(|user_id| state.agent(user_id)).collect()
    }

    /// Whether an account exists.
    pub fn is_imported(&self, user_id: &str) -> bool {
        self.0.state.lock().accounts.contains_key(user_id)
    }

    /// Name and picture of an account.
    pub fn profile(&self, user_id: &str) -> Option<(String, String)> {
        let state = self.0.state.lock();
        let account = state.accounts.get(user_id)?;
        Some((account.nick.clone(), account.face.clone()))
    }

    /// The messages between two accounts, oldest first.
    pub fn messages(&self, a: &str, b: &str) -> Vec<Stored> {
        self.0.state.lock().between(a, b).iter().cloned().collect()
    }

    /// How many messages came over REST, repeats not counted.
    pub fn sent_count(&self) -> u64 {
        self.0.state.lock().sent_count
    }

    /// The most calls within one second since this was asked last.
    pub fn busiest_second(&self) -> u32 {
        std::mem::take(&mut self.0.state.lock().busiest)
    }

    fn announce(&self, state: &State, user_id: &str) {
        if self.0.world.hub.keeps()
            && let Some(agent) = state.agent(user_id)
        {
            self.0.world.emit(Happening::Agent { agent });
        }
    }

    fn announce_chat(&self, state: &State, user_id: &str, peer: &str) {
        let plays = state
            .accounts
            .get(user_id)
            .is_some_and(|account| account.is_agent);
        if plays
            && self.0.world.hub.keeps()
            && let Some(chat) = state.chat(user_id, peer)
        {
            let user_id = user_id.to_owned();
            self.0.world.emit(Happening::Chat { user_id, chat });
        }
    }

    /// Adds a message's elements to one side's chat. Only agents' chats are shown; others only count what is unread.
    fn show(&self, state: &mut State, owner: &str, peer: &str, bubbles: &[Message], unread: bool) {
        let world = &self.0.world;
        let Some(account) = state.accounts.get_mut(owner) else {
            return;
        };
        if unread {
            account.count_unread(peer);
        }
        if !account.is_agent {
            return;
        }
        let chat = account.chats.entry(peer.to_owned()).or_default();
        for bubble in bubbles {
            if chat.bubbles.len() >= world.chat_capacity {
                chat.bubbles.pop_front();
            }
            chat.bubbles.push_back(bubble.clone());
            world.emit(Happening::AgentMessage {
                user_id: owner.to_owned(),
                peer: peer.to_owned(),
                message: bubble.clone(),
            });
        }
        self.announce_chat(state, owner, peer);
        if unread {
            self.announce(state, owner);
        }
    }

    /// Changes the bubbles of one side's chat that `which` picks.
    fn change(
        &self,
        state: &mut State,
        owner: &str,
        peer: &str,
        which: impl Fn(&Message) -> bool,
        change: impl Fn(&mut Message),
    ) {
        let world = &self.0.world;
        let account = state.accounts.get_mut(owner);
        let chat = account.and_then(|account| account.chats.get_mut(peer));
        for message in chat.into_iter().flat_map(|chat| &mut chat.bubbles) {
            if which(message) {
                change(message);
                world.emit(Happening::AgentMessageChanged {
                    user_id: owner.to_owned(),
                    peer: peer.to_owned(),
                    message: message.clone(),
                });
            }
        }
    }

    /// The bubbles of a message, one for each element.
    fn bubbles(
        &self,
        author: Author,
        status: Status,
        key: &str,
        shown: &[Content],
    ) -> Vec<Message> {
        let bubble = |content: &Content| {
            let mut message = self.0.world.message(author, status, content.clone());
            message.key = Some(key.to_owned());
            message
        };
        shown.iter().map(bubble).collect()
    }
}

impl State {
    /// Makes an account an agent's; what an account that exists already has stays.
    fn employ(&mut self, agent: &AgentSettings) {
        let account = self.accounts.entry(agent.user_id.clone()).or_default();
        account.nick = agent.nick.clone();
        if agent.online {
            account.clients.insert("Web".into(), Presence::Online);
            account.platform = "Web".into();
        }
        if !account.is_agent {
            account.is_agent = true;
            self.agents.push(agent.user_id.clone());
        }
    }
}
