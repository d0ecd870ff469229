//! What the simulated WeChat knows: accounts with their tokens, customers with their chats, uploads, QR codes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::allowance::{Allowance, AllowanceLeft};
use super::crypto::Key;
use super::token::Tokens;
use crate::chance::Chance;
use crate::content::Message;
use crate::settings::{Account, WechatSettings};

/// Uploads and customers' media live this long (WeChat notes, 4.5).
const MEDIA_LIFE: Duration = Duration::from_secs(3 * 86_400);
/// How many uploads and codes are remembered.
const REMEMBERED: usize = 10_000;

/// A customer as the pages see one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Customer {
    /// The customer's id towards this account.
    pub openid: String,
    /// The bridge's inbox of the account.
    pub inbox: String,
    /// A name for people; WeChat does not tell it to accounts.
    pub nickname: String,
    /// A picture's address, or "".
    pub avatar: String,
    /// Whether the customer follows the account.
    pub following: bool,
    /// What the account may still send.
    pub allowance: Option<AllowanceLeft>,
    /// Subscription messages the customer has allowed.
    pub grants: u32,
    /// The newest message.
    pub last: Option<Message>,
    /// Unix milliseconds.
    pub created: i64,
}

/// A customer message that the platform took from the bridge.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// To whom.
    pub openid: String,
    /// `msgtype`
    pub kind: String,
    /// The whole body as it came.
    pub body: Value,
    /// Unix milliseconds.
    pub at: i64,
}

pub(crate) struct State {
    pub accounts: Vec<AccountState>,
    pub people: BTreeMap<String, Person>,
    pub uploads: HashMap<String, Upload>,
    upload_age: VecDeque<String>,
    pub tickets: HashMap<String, String>,
    /// Scene and page of the codes made for mini programs.
    pub codes: Vec<(String, String)>,
    pub sent: VecDeque<Sent>,
    pub sent_count: u64,
    last_msg_id: u64,
}

pub(crate) struct AccountState {
    pub settings: Account,
    pub key: Key,
    pub tokens: Tokens,
}

pub(crate) struct Person {
    pub account: usize,
    pub openid: String,
    pub nickname: String,
    pub avatar: String,
    pub following: bool,
    pub unionid: Option<String>,
    pub allowance: Allowance,
    pub chat: VecDeque<Message>,
    pub created: i64,
    /// When the customer last did anything.
    pub active: i64,
    /// Until when the account is shown typing.
    pub typing: i64,
    /// Subscription messages allowed, by template.
    pub grants: BTreeMap<String, u32>,
    /// Whether those that are taken do not arrive after all.
    pub loses_nudges: bool,
}

/// Something with a media id.
#[derive(Clone)]
pub(crate) struct Upload {
    pub kind: String,
    /// The kept file.
    pub media: String,
    pub expires: i64,
}

impl State {
    pub fn new(settings: &WechatSettings, now: i64) -> Result<Self, String> {
        let accounts = settings.accounts.iter().map(|account| {
            let key = Key::parse(&account.encoding_aes_key)
                .map_err(|error| format!("account {}: {error}", account.inbox))?;
            Ok(AccountState {
                settings: account.clone(),
                key,
                tokens: Tokens::default(),
            })
        });
        Ok(Self {
            accounts: accounts.collect::<Result<_, String>>()?,
            people: BTreeMap::new(),
            uploads: HashMap::new(),
            upload_age: VecDeque::new(),
            tickets: HashMap::new(),
            codes: Vec::new(),
            sent: VecDeque::new(),
            sent_count: 0,
            // Like real ones, above 2^53, so that a reader that takes them for floats is found out.
            last_msg_id: 25_000_000_000_000_000 + u64::try_from(now).unwrap_or(0) * 1000,
        })
    }

    pub fn next_msg_id(&mut self) -> u64 {
        self.last_msg_id += 1;
        self.last_msg_id
    }

    /// Gives a file a media id.
    pub fn upload(&mut self, kind: &str, media: &str, now: i64, chance: &Chance) -> String {
        let id = chance.letters(64);
        let life = i64::try_from(MEDIA_LIFE.as_millis()).unwrap_or(i64::MAX);
        let upload = Upload {
            kind: kind.to_owned(),
            media: media.to_owned(),
            expires: now + life,
        };
        self.uploads.insert(id.clone(), upload);
        self.upload_age.push_back(id.clone());
        if self.upload_age.len() > REMEMBERED
            && let Some(oldest) = self.upload_age.pop_front()
        {
            self.uploads.remove(&oldest);
        }
        id
    }

    /// A living upload.
    pub fn uploaded(&self, id: &str, now: i64) -> Option<&Upload> {
        self.uploads.get(id).filter(|upload| now < upload.expires)
    }

    pub fn remember_ticket(&mut self, ticket: String, scene: String) {
        if self.tickets.len() < REMEMBERED {
            self.tickets.insert(ticket, scene);
        }
    }

    /// Whether anything may be sent at all: official accounts to followers, mini programs to whoever came.
    pub fn reachable(&self, person: &Person) -> bool {
        person.following || self.accounts[person.account].settings.mini.is_some()
    }

    pub fn customer(&self, person: &Person, now: i64) -> Customer {
        Customer {
            openid: person.openid.clone(),
            inbox: self.accounts[person.account].settings.inbox.clone(),
            nickname: person.nickname.clone(),
            avatar: person.avatar.clone(),
            following: person.following,
            allowance: person
                .allowance
                .left(now)
                .filter(|_| self.reachable(person)),
            grants: person.grants.values().sum(),
            last: person.chat.back().cloned(),
            created: person.created,
        }
    }
}

impl Person {
    /// Somebody who does not follow and has not done anything yet.
    pub fn new(account: usize, openid: &str, now: i64) -> Self {
        Self {
            account,
            openid: openid.to_owned(),
            nickname: String::new(),
            avatar: String::new(),
            unionid: None,
            following: false,
            allowance: Allowance::default(),
            chat: VecDeque::new(),
            created: now,
            active: 0,
            typing: 0,
            grants: BTreeMap::new(),
            loses_nudges: false,
        }
    }

    /// Adds a bubble, forgetting the oldest beyond `capacity`.
    pub fn add(&mut self, message: Message, capacity: usize) {
        if self.chat.len() >= capacity {
            self.chat.pop_front();
        }
        self.chat.push_back(message);
    }

    /// Changes a bubble where it is still there, and returns it.
    pub fn change(&mut self, id: u64, change: impl FnOnce(&mut Message)) -> Option<Message> {
        let message = self
            .chat
            .iter_mut()
            .rev()
            .find(|message| message.id == id)?;
        change(message);
        Some(message.clone())
    }
}
