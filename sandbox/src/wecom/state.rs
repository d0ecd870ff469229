//! What the simulated WeCom knows: apps with their tokens and sent messages, members with their chats, uploads, groups.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::Serialize;

use super::chat::Chat;
use super::contacts::Contacts;
use super::media::Uploads;
use super::token::Tokens;
use crate::content::Message;
use crate::settings::{Robot, WecomApp, WecomMember, WecomSettings};
use crate::wechat::crypto::Key;

/// How many sent messages are remembered, to recall and change them.
const SENT: usize = 10_000;

pub(super) struct State {
    pub apps: Vec<AppState>,
    /// By UserID in lower case.
    pub members: BTreeMap<String, MemberState>,
    pub uploads: Uploads,
    pub groups: Vec<GroupState>,
    pub contacts: Contacts,
    /// App messages that vanished because a member had got too many.
    pub dropped: u64,
}

pub(super) struct AppState {
    pub settings: WecomApp,
    pub key: Key,
    pub tokens: Tokens,
    pub sent: VecDeque<Sent>,
    /// The task ids used.
    pub tasks: HashSet<String>,
    /// What changes a card, once.
    pub codes: HashMap<String, CardCode>,
    /// Receiver and message, for the duplicate check, and until when.
    pub repeats: HashMap<(String, u64), i64>,
    /// The day, and the person-messages of it.
    pub today: (i64, u64),
}

/// A message that reached somebody.
pub(super) struct Sent {
    pub msgid: String,
    pub at: i64,
    /// Member and bubble.
    pub bubbles: Vec<(String, u64)>,
}

/// A response code.
#[derive(Clone)]
pub(super) struct CardCode {
    /// The message with the card.
    pub msgid: String,
    pub expires: i64,
}

pub(super) struct MemberState {
    pub settings: WecomMember,
    /// By app.
    pub chats: BTreeMap<usize, MemberChat>,
}

#[derive(Default)]
pub(super) struct MemberChat {
    pub chat: Chat,
    pub unread: u32,
    /// When messages came, for the limits.
    pub minute: VecDeque<i64>,
    pub hour: VecDeque<i64>,
}

pub(super) struct GroupState {
    pub settings: Robot,
    pub chat: Chat,
    pub past: VecDeque<i64>,
}

/// A member as the pages see one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberView {
    /// UserID, as it was set up.
    pub user_id: String,
    /// The name shown.
    pub name: String,
    /// Whether WeCom was activated.
    pub activated: bool,
    /// Unread messages over all apps.
    pub unread: u32,
}

/// A member's chat with an app, as the pages see one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AppChat {
    /// The app's AgentId.
    pub agent_id: u64,
    /// The app's name.
    pub name: String,
    /// Unread messages.
    pub unread: u32,
    /// The newest message.
    pub last: Option<Message>,
}

impl State {
    pub fn new(settings: &WecomSettings) -> Result<Self, String> {
        let apps = settings.apps.iter().map(|app| {
            let key = Key::parse(&app.encoding_aes_key);
            let key = key.map_err(|error| format!("app {}: {error}", app.inbox))?;
            Ok(AppState {
                settings: app.clone(),
                key,
                tokens: Tokens::default(),
                sent: VecDeque::new(),
                tasks: HashSet::new(),
                codes: HashMap::new(),
                repeats: HashMap::new(),
                today: (0, 0),
            })
        });
        let members = settings.members.iter().map(|member| {
            let state = MemberState {
                settings: member.clone(),
                chats: BTreeMap::new(),
            };
            (member.user_id.to_ascii_lowercase(), state)
        });
        let groups = settings.robots.iter().map(|robot| GroupState {
            settings: robot.clone(),
            chat: Chat::default(),
            past: VecDeque::new(),
        });
        Ok(Self {
            apps: apps.collect::<Result<_, String>>()?,
            members: members.collect(),
            uploads: Uploads::default(),
            groups: groups.collect(),
            contacts: Contacts::default(),
            dropped: 0,
        })
    }

    /// A member, whatever the case of the id.
    pub fn member(&self, user_id: &str) -> Option<&MemberState> {
        self.members.get(&user_id.to_ascii_lowercase())
    }

    pub fn view(&self, user_id: &str) -> Option<MemberView> {
        self.member(user_id).map(MemberState::view)
    }

    /// A member's chat with an app; an empty one where nothing was said yet.
    pub fn app_chat(&self, user_id: &str, app: usize) -> Option<AppChat> {
        let member = self.member(user_id)?;
        let settings = &self.apps.get(app)?.settings;
        let chat = member.chats.get(&app);
        Some(AppChat {
            agent_id: settings.agent_id,
            name: settings.name.clone(),
            unread: chat.map_or(0, |chat| chat.unread),
            last: chat.and_then(|chat| chat.chat.last().cloned()),
        })
    }

    /// The app with this AgentId.
    pub fn app_of(&self, agent_id: u64) -> Option<usize> {
        let mut apps = self.apps.iter();
        apps.position(|app| app.settings.agent_id == agent_id)
    }
}

impl MemberState {
    pub fn view(&self) -> MemberView {
        MemberView {
            user_id: self.settings.user_id.clone(),
            name: self.settings.name.clone(),
            activated: self.settings.activated,
            unread: self.chats.values().map(|chat| chat.unread).sum(),
        }
    }
}

impl AppState {
    pub fn remember(&mut self, sent: Sent) {
        if self.sent.len() == SENT {
            self.sent.pop_front();
        }
        self.sent.push_back(sent);
    }

    pub fn sent(&self, msgid: &str) -> Option<&Sent> {
        self.sent.iter().rev().find(|sent| sent.msgid == msgid)
    }
}
