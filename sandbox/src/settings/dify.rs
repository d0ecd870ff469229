//! Dify: its apps, and the shapes their answers come in.

use std::time::Duration;

/// Dify.
#[derive(Clone, Debug)]
pub struct DifySettings {
    /// The apps it serves; the key chooses one.
    pub apps: Vec<DifyApp>,
    /// Pause between two pieces of a streamed answer.
    pub pace: Duration,
    /// Pause between two pings while nothing else is said (Dify: 10 s).
    pub ping_every: Duration,
    /// What the shop assistant adds when a person should take over.
    pub hand_off_mark: String,
    /// Cuts streams every so many bytes, through characters and events alike; 0 sends one event at a time.
    pub cut_every: usize,
}

impl Default for DifySettings {
    fn default() -> Self {
        let app = |name: &str, app| DifyApp {
            key: format!("app-sandbox-{name}"),
            mode: app,
            shape: Shape::V1_13,
        };
        Self {
            apps: vec![
                app("chat", AppMode::Chat),
                app("agent", AppMode::Agent),
                app("chatflow", AppMode::Chatflow),
            ],
            pace: Duration::from_millis(20),
            ping_every: Duration::from_secs(10),
            hand_off_mark: "[转人工]".into(),
            cut_every: 0,
        }
    }
}

/// One app of Dify's.
#[derive(Clone, Debug)]
pub struct DifyApp {
    /// `app-…`
    pub key: String,
    /// What kind of app.
    pub mode: AppMode,
    /// Which version's habits.
    pub shape: Shape,
}

/// Kinds of chat app (Dify notes, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppMode {
    /// `chat`
    Chat,
    /// `agent-chat`; refuses blocking.
    Agent,
    /// `advanced-chat`
    Chatflow,
}

impl AppMode {
    /// Dify's own word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Agent => "agent-chat",
            Self::Chatflow => "advanced-chat",
        }
    }
}

/// Habits that changed between versions (Dify notes, 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Spaced JSON with `\uXXXX`, `workflow_finished` before `message_end`, DELETE answers a body.
    V0_15,
    /// Compact raw UTF-8, a leading ping, `message_end` before `workflow_finished`.
    V1_13,
}

impl Shape {
    /// The version's number.
    pub fn word(self) -> &'static str {
        match self {
            Self::V0_15 => "0.15",
            Self::V1_13 => "1.13",
        }
    }
}
