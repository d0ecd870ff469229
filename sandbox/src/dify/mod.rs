//! A simulated Dify, as an HTTP peer that checks what the real one checks and streams as it streams.
//!
//! Answers come from [`Script`]s that a test puts in, from markers in the question (`[slow 800]`, `[error]`, `[think]`,
//! `[replace]`, `[cut]`, `[vanish]`, `[mute]`, `[tool]`, `[split]`, `[long]`, `[empty]`, `[quota]`), or from a small shop
//! assistant.

mod api;
mod assistant;
mod chat;
mod errors;
mod files;
mod json;
mod run;
mod script;
mod state;
mod story;

use std::sync::Arc;

use parking_lot::Mutex;

pub use script::{Gate, Script};
pub use state::{Asked, Feedback};

use crate::play::Silence;
use crate::settings::{DifyApp, DifySettings};
use crate::world::World;
use state::State;

/// The simulated service. Cheap to clone.
#[derive(Clone)]
pub struct Dify(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    world: Arc<World>,
    settings: DifySettings,
    state: Mutex<State>,
}

impl Dify {
    pub(crate) fn new(world: Arc<World>, settings: DifySettings) -> Self {
        Self(Arc::new(Inner {
            world,
            settings,
            state: Mutex::default(),
        }))
    }

    /// The apps as they were set up.
    pub fn apps(&self) -> &[DifyApp] {
        &self.0.settings.apps
    }

    /// Puts an answer in for a question to come. The first that fits is used.
    pub fn script(&self, script: Script) {
        self.0.state.lock().scripts.push_back(script);
    }

    /// Answers the next question with these words.
    pub fn answers(&self, text: &str) {
        self.script(Script::answer(text));
    }

    /// Every question so far, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.state.lock().asked.iter().cloned().collect()
    }

    /// The next question that nobody waited for yet.
    pub async fn is_asked(&self) -> Result<Asked, Silence> {
        self.is_asked_about("").await
    }

    /// The next question containing `part` that nobody waited for yet; those before it count as seen.
    pub async fn is_asked_about(&self, part: &str) -> Result<Asked, Silence> {
        let world = self.0.world.clone();
        let (dify, wanted) = (self.clone(), part.to_owned());
        let found = world.wait_for(world.patience, move || {
            let state = &mut *dify.0.state.lock();
            let from = state.asked_seen.saturating_sub(state.asked_before);
            let new = state.asked.iter().enumerate().skip(from);
            let mut fitting = new.filter(|(_, asked)| asked.query.contains(&wanted));
            let (at, asked) = fitting.next().map(|(at, asked)| (at, asked.clone()))?;
            state.asked_seen = state.asked_before + at + 1;
            Some(asked)
        });
        found.await.ok_or_else(|| Silence {
            who: "Dify".into(),
            waited: world.patience,
            expected: format!("a question with {part:?}"),
            heard: self.asked().into_iter().map(|asked| asked.query).collect(),
        })
    }

    /// Every judgement of an answer so far, oldest first.
    pub fn feedbacks(&self) -> Vec<Feedback> {
        self.0.state.lock().feedbacks.iter().cloned().collect()
    }

    /// Waits until there are so many judgements; the last of them.
    pub async fn is_judged(&self, times: usize) -> Result<Feedback, Silence> {
        let (world, dify) = (self.0.world.clone(), self.clone());
        let found = world.wait_for(world.patience, move || {
            let state = dify.0.state.lock();
            let enough = state.feedbacks.len() >= times;
            enough.then(|| state.feedbacks.back().cloned()).flatten()
        });
        found.await.ok_or_else(|| Silence {
            who: "Dify".into(),
            waited: world.patience,
            expected: format!("{times} judgements of answers"),
            heard: self
                .feedbacks()
                .into_iter()
                .map(|one| format!("{one:?}"))
                .collect(),
        })
    }

    /// The tasks that the bridge stopped with success.
    pub fn stopped(&self) -> Vec<String> {
        self.0.state.lock().stopped.clone()
    }

    /// How many runs are under way.
    pub fn running(&self) -> usize {
        self.0.state.lock().tasks.len()
    }

    /// Deletes all conversations, as an operator's clean-up does: their ids are unknown from now on.
    pub fn forgets_conversations(&self) {
        self.0.state.lock().conversations.clear();
    }
}
