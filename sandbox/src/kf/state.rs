//! What the platform knows: rows that can be pulled, sessions, counts, ids that were used.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{content::Message, world::World};

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

/// A code by which one more thing may be said (KF notes, 3.6).
pub(crate) struct Code {
    pub code: String,
    pub customer: String,
    /// Unix milliseconds.
    pub until: i64,
    /// It is good only while the session is still this; a greeting's, whatever it is.
    pub session: Option<Session>,
    /// Whether for a menu, too.
    pub menu: bool,
}

impl Code {
    /// Somebody entered who has not written.
    pub fn welcome(customer: &str, world: &World) -> Self {
        Self {
            code: format!("WEL{}", world.chance.letters(20)),
            customer: customer.to_owned(),
            until: world.now() + 20_000,
            session: None,
            menu: true,
        }
    }

    /// A session became this.
    pub fn after(session: Session, customer: &str, world: &World) -> Self {
        let ended = session == Session::Ended;
        let life = if ended { 20_000 } else { 48 * 3_600_000 };
        Self {
            code: format!("MSG{}", world.chance.letters(20)),
            customer: customer.to_owned(),
            until: world.now() + life,
            session: Some(session),
            menu: ended,
        }
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
    /// Moves of sessions that were asked for and are not allowed: a bridge that reads before it moves makes none.
    pub refused_moves: u32,
    /// Message ids that were used.
    pub used: BTreeSet<String>,
    /// What may still be said by a code.
    pub codes: Vec<Code>,
    /// Who may serve, and whether they are serving.
    pub servicers: BTreeMap<String, bool>,
    /// Uploaded and sent media: handle, kept file.
    pub media: BTreeMap<String, String>,
}

#[derive(Clone)]
pub(crate) struct Person {
    pub nickname: String,
    pub session: Session,
    /// Who has it, in that state.
    pub servicer: Option<String>,
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
            servicer: None,
            sent: 0,
            wrote_at: None,
            chat: Vec::new(),
        }
    }
}
