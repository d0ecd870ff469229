//! A simulated WeCom (企业微信): self-built apps and group robots, as an HTTP peer that checks what the real one checks.
//!
//! [`Wecom`] is the platform; [`Member`] a member's client in it, [`Group`] a group with a robot. What the bridge calls is in
//! `api`, what goes to the bridge in `push`. Facts are cited by the sections of the WeCom notes. WeChat KF has a place of its
//! own, [`crate::kf`].

mod acts;
mod api;
mod body;
mod card;
mod chat;
mod contacts;
mod errors;
mod group;
mod media;
mod member;
mod people;
mod push;
mod reply;
mod send;
mod state;
mod token;
mod update;

use std::sync::Arc;

use parking_lot::Mutex;

pub use acts::{Act, Event};
pub use contacts::{Contact, NewContact};
pub use group::Group;
pub use member::Member;
pub use state::{AppChat, MemberView};

use crate::content::{Author, Content, Message, Status};
use crate::events::Happening;
use crate::settings::WecomSettings;
use crate::world::World;
use state::State;

/// The simulated platform. Cheap to clone.
#[derive(Clone)]
pub struct Wecom(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub world: Arc<World>,
    pub settings: WecomSettings,
    state: Mutex<State>,
}

impl Wecom {
    pub(crate) fn new(world: Arc<World>, settings: WecomSettings) -> Result<Self, String> {
        let state = State::new(&settings)?;
        Ok(Self(Arc::new(Inner {
            world,
            settings,
            state: Mutex::new(state),
        })))
    }

    /// The corp as it was set up.
    pub fn settings(&self) -> &WecomSettings {
        &self.0.settings
    }

    /// A member's client at the first app, whatever the case of the UserID.
    pub fn member(&self, user_id: &str) -> Option<Member> {
        let known = self.0.state.lock().view(user_id)?;
        Some(Member::new(self.clone(), known.user_id, 0))
    }

    /// The members, in the order they were set up.
    pub fn members(&self) -> Vec<MemberView> {
        let state = self.0.state.lock();
        let members = self.0.settings.members.iter();
        members
            .filter_map(|member| state.view(&member.user_id))
            .collect()
    }

    /// A group with a robot, by its name.
    pub fn group(&self, name: &str) -> Option<Group> {
        let state = self.0.state.lock();
        let mut groups = state.groups.iter();
        let at = groups.position(|group| group.settings.name == name)?;
        Some(Group::new(self.clone(), at))
    }

    /// Every token becomes worthless before its time, as when the administrator resets a secret: 40014.
    pub fn revoke_tokens(&self) {
        for app in &mut self.0.state.lock().apps {
            app.tokens.revoke_all();
        }
    }

    /// How many different tokens an app was given.
    pub fn tokens_issued(&self, inbox: &str) -> u64 {
        let state = self.0.state.lock();
        let app = state.apps.iter().find(|app| app.settings.inbox == inbox);
        app.map_or(0, |app| app.tokens.count())
    }

    /// How many app messages vanished because a member had got too many (WeCom notes, 4.3).
    pub fn dropped(&self) -> u64 {
        self.0.state.lock().dropped
    }

    /// Puts a bubble into a member's chat with an app. `false`: there is no such member.
    fn show(&self, state: &mut State, member: &str, app: usize, message: Message) -> bool {
        let capacity = self.0.world.chat_capacity;
        let Some(found) = state.members.get_mut(&member.to_ascii_lowercase()) else {
            return false;
        };
        let chat = found.chats.entry(app).or_default();
        chat.unread += u32::from(message.from == Author::Account);
        chat.chat.add(message.clone(), capacity);
        let view = found.view();
        let agent_id = self.0.settings.apps[app].agent_id;
        self.0.world.emit(Happening::MemberMessage {
            user_id: view.user_id.clone(),
            agent_id,
            message,
        });
        self.0.world.emit(Happening::Member { member: view });
        true
    }

    /// Changes a bubble in a member's chat.
    fn change(
        &self,
        state: &mut State,
        member: &str,
        app: usize,
        id: u64,
        change: impl FnOnce(&mut Message),
    ) {
        let found = state.members.get_mut(&member.to_ascii_lowercase());
        let Some(found) = found else { return };
        let chat = found.chats.get_mut(&app);
        let Some(message) = chat.and_then(|chat| chat.chat.change(id, change)) else {
            return;
        };
        self.0.world.emit(Happening::MemberMessageChanged {
            user_id: found.settings.user_id.clone(),
            agent_id: self.0.settings.apps[app].agent_id,
            message,
        });
    }

    /// A bubble of the app's.
    fn bubble(&self, content: Content) -> Message {
        let world = &self.0.world;
        world.message(Author::Account, Status::Delivered, content)
    }
}
