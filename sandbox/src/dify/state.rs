//! What the simulated Dify knows: conversations with their turns, files, runs under way, scripts.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::assistant::Memory;
use super::script::Script;

/// How many conversations, files and questions are remembered.
const REMEMBERED: usize = 10_000;
/// How many turns of a conversation are kept.
const TURNS: usize = 200;

/// A question that an app was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The app's key.
    pub key: String,
    /// `user`
    pub user: String,
    /// The conversation, a new one's id included.
    pub conversation_id: String,
    /// Whether the conversation began with this.
    pub is_new: bool,
    /// `query`
    pub query: String,
    /// `inputs`
    pub inputs: Value,
    /// `files`
    pub files: Vec<Value>,
    /// Whether it was to be streamed.
    pub streaming: bool,
    /// The run's task id.
    pub task_id: String,
}

/// What a user thinks of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// `user`
    pub user: String,
    /// What was asked.
    pub query: String,
    /// The answer's id.
    pub message_id: String,
    /// `like`, `dislike`; none took it back.
    pub rating: Option<String>,
    /// Words beside it.
    pub content: Option<String>,
}

#[derive(Default)]
pub(super) struct State {
    pub conversations: HashMap<String, Conversation>,
    conversation_age: VecDeque<String>,
    pub files: HashMap<String, File>,
    pub tasks: HashMap<String, Task>,
    pub scripts: VecDeque<Script>,
    pub asked: VecDeque<Asked>,
    /// How many questions were forgotten from the front of `asked`.
    pub asked_before: usize,
    /// How far a waiting test has looked.
    pub asked_seen: usize,
    pub stopped: Vec<String>,
    pub feedbacks: VecDeque<Feedback>,
}

pub(super) struct Conversation {
    pub app: usize,
    pub user: String,
    pub created: i64,
    pub turns: VecDeque<Turn>,
    pub memory: Memory,
}

#[derive(Clone)]
pub(super) struct Turn {
    pub message_id: String,
    pub query: String,
    pub answer: String,
    pub error: Option<String>,
    pub created: i64,
    /// `like`, `dislike`.
    pub rating: Option<String>,
}

#[derive(Clone)]
pub(super) struct File {
    pub app: usize,
    pub user: String,
}

pub(super) struct Task {
    pub app: usize,
    pub user: String,
    pub stop: CancellationToken,
}

impl State {
    pub fn begin(&mut self, id: String, conversation: Conversation) {
        if self.conversation_age.len() >= REMEMBERED
            && let Some(oldest) = self.conversation_age.pop_front()
        {
            self.conversations.remove(&oldest);
        }
        self.conversation_age.push_back(id.clone());
        self.conversations.insert(id, conversation);
    }

    /// A conversation of this app and user.
    pub fn conversation(&mut self, id: &str, app: usize, user: &str) -> Option<&mut Conversation> {
        let found = self.conversations.get_mut(id);
        found.filter(|conversation| conversation.app == app && conversation.user == user)
    }

    pub fn keep_file(&mut self, id: String, file: File) {
        if self.files.len() < REMEMBERED {
            self.files.insert(id, file);
        }
    }

    pub fn note(&mut self, asked: Asked) {
        if self.asked.len() >= REMEMBERED {
            self.asked.pop_front();
            self.asked_before += 1;
        }
        self.asked.push_back(asked);
    }

    pub fn judged(&mut self, feedback: Feedback) {
        if self.feedbacks.len() >= REMEMBERED {
            self.feedbacks.pop_front();
        }
        self.feedbacks.push_back(feedback);
    }

    /// The script for a question; one that is not for always is used up.
    pub fn script(&mut self, user: &str, query: &str) -> Option<Script> {
        let at = self
            .scripts
            .iter()
            .position(|script| script.fits(user, query))?;
        match self.scripts[at].always {
            true => Some(self.scripts[at].clone()),
            false => self.scripts.remove(at),
        }
    }
}

impl Conversation {
    pub fn add(&mut self, turn: Turn) {
        if self.turns.len() >= TURNS {
            self.turns.pop_front();
        }
        self.turns.push_back(turn);
    }
}

impl Turn {
    pub fn line(&self, conversation_id: &str) -> Value {
        json!({
            "id": self.message_id, "conversation_id": conversation_id, "parent_message_id": null,
            "inputs": {}, "query": self.query, "answer": self.answer,
            "status": if self.error.is_some() { "error" } else { "normal" }, "error": self.error,
            "message_files": [], "feedback": self.rating.as_ref().map(|rating| json!({"rating": rating})), "retriever_resources": [], "agent_thoughts": [],
            "created_at": self.created
        })
    }
}
