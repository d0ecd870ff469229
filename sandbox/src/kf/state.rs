//! What the platform knows: rows that can be pulled, sessions, counts, ids that were used.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::content::Message;

/// A session's state (KF notes, 3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// 0
    New,
    /// 1
    Assistant,
    /// 2
    Pool,
    /// 3
    Servicer,
    /// 4
    Ended,
}

impl Session {
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::New => 0,
            Self::Assistant => 1,
            Self::Pool => 2,
            Self::Servicer => 3,
            Self::Ended => 4,
        }
    }

    pub(crate) fn of(number: i64) -> Option<Self> {
        let all = [
            Self::New,
            Self::Assistant,
            Self::Pool,
            Self::Servicer,
            Self::Ended,
        ];
        all.into_iter().find(|state| state.number() == number)
    }

    /// Which moves the API may make.
    pub(crate) fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::New, Self::Assistant | Self::Pool | Self::Servicer)
                | (Self::Assistant, Self::Pool | Self::Servicer)
                | (Self::Pool, Self::Servicer)
                | (Self::Servicer, Self::Servicer | Self::Ended)
        )
    }
}

#[derive(Default)]
pub(crate) struct State {
    pub people: BTreeMap<String, Person>,
    /// Everything that can be pulled, in order; a cursor is a place in it.
    pub rows: Vec<Value>,
    pub token: Option<(String, i64)>,
    pub tokens_issued: u32,
    /// Tokens of callbacks and until when they serve.
    pub sync_tokens: Vec<(String, i64)>,
    /// Message ids that were used.
    pub used: BTreeSet<String>,
    /// Greetings that may still be said: code, customer, until when.
    pub codes: Vec<(String, String, i64)>,
    /// Uploaded and sent media: handle, kept file.
    pub media: BTreeMap<String, String>,
}

pub(crate) struct Person {
    pub nickname: String,
    pub session: Session,
    /// Sent since the customer's last message, and when that was.
    pub sent: u32,
    pub wrote_at: Option<i64>,
    pub chat: Vec<Message>,
}

impl Person {
    pub fn new(nickname: &str) -> Self {
        Self {
            nickname: nickname.to_owned(),
            session: Session::Ended,
            sent: 0,
            wrote_at: None,
            chat: Vec::new(),
        }
    }
}
