//! The assistant: answers what contacts ask by asking Dify, and knows when to let a person take over.
//!
//! It runs in the background: everything a contact said since the last answer is one question, and while it is being
//! asked the contact may say 转人工 and be heard. An agent's `#AI` hands the conversation back to it. There is always an
//! end: an answer, or an apology and a person.

mod ask;
mod check;
mod client;
mod config;
mod listen;
mod memory;
mod patience;
mod question;
mod rating;
mod reply;

use std::sync::Arc;

use bridge_convertors::dify::{Answer, UploadId, request::InputFile};
use bridge_core::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait},
    channel::Check,
    clock::Clock,
    media::{MediaLibrary, Rendition},
    message::{Rated, ThreadKey},
    plugin::{BuildError, Plugin, Tools},
    texts::Text,
};
use tokio::sync::Semaphore;

pub use config::{App, Attachable, Config, OnFailure, Provider, Ratings};

use ask::{Asking, GaveUp};
use client::Dify;
use memory::Memory;
use patience::{Over, Patience};
use question::{Attachment, Question};
use reply::Replying;

/// 把会话交还给智能助手
///
/// Hands the conversation back to the assistant.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// The assistant over one Dify app.
pub struct Ai {
    config: Config,
    dify: Dify,
    app: String,
    name: Arc<str>,
    clock: Arc<dyn Clock>,
    media: Arc<dyn MediaLibrary>,
    permits: Semaphore,
}

impl Plugin for Ai {
    type Config = Config;

    fn build(config: Config, tools: &Tools) -> Result<Self, BuildError> {
        let config = config.checked()?;
        Ok(Self {
            dify: Dify::new(&config)?,
            app: memory::fingerprint(&config.api_base, config.api_key.expose()),
            name: tools.name.clone(),
            clock: tools.clock.clone(),
            media: tools.media.clone(),
            permits: Semaphore::new(config.max_concurrent.get() as usize),
            config,
        })
    }
}

#[async_trait]
impl ChatBot for Ai {
    type Args = Args;

    async fn answer(&self, _: Args, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        if turn.by_agent() {
            if turn.conversation.agent().is_some() && !turn.is_theirs() {
                return Ok(vec![super::say(turn, Text::CommandNotYours, &[])]);
            }
            // `#AI`. The core tells everybody, also that it is not possible.
            return Ok(vec![Effect::Assist]);
        }
        self.reply(turn).await
    }

    async fn rated(&self, rated: &Rated) -> Result<(), BotError> {
        self.pass_on(rated).await
    }

    fn check(&self) -> Option<&dyn Check> {
        Some(self)
    }
}

bridge_core::register!(
    BotSpec::new::<Ai>("ai")
        .audience(Audience::Agents)
        .background(config::LONGEST)
        .needs_section()
        .hears_ratings()
);

/// Who asks, to Dify: conversations, files and judgements belong to it.
fn user(thread: &ThreadKey) -> String {
    format!("{}:{}", thread.inbox, thread.peer)
}

/// What the operator of Dify finds the run by, and what it cost.
fn log(answer: &Answer) {
    let ids = &answer.ids;
    tracing::info!(
        task = ids.task.as_ref().map(|id| id.as_str()),
        message = ids.message.as_ref().map(|id| id.as_str()),
        conversation = ids.conversation.as_ref().map(|id| id.as_str()),
        tokens = answer.usage.total_tokens,
        sources = answer.sources.len(),
        "Dify answered"
    );
    metrics::counter!("kefu_dify_tokens_total").increment(answer.usage.total_tokens);
}

fn error_of(gave_up: &GaveUp, turn: &Turn) -> BotError {
    match gave_up {
        GaveUp::Failed { failure, .. } => {
            BotError::permanent(reply::people_read(failure, turn.locale()))
        }
        GaveUp::Cancelled => BotError::permanent("cancelled"),
    }
}

impl Ai {
    /// The answer to everything the contact said since the last one, as effects.
    async fn reply(&self, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        let since = turn.now - self.config.forget_after.0;
        let memory = Memory::of(turn.memory(&self.name), &self.app, since);
        let replying = Replying {
            dify: &self.dify,
            media: &self.media,
            bot: &self.name,
            marks: &self.config.handoff_marks,
            on_failure: self.config.on_failure,
            turn,
        };
        match self.ask(turn, &memory).await {
            Ok(answer) => {
                log(&answer);
                Ok(replying.answered(answer, &memory).await)
            }
            Err(gave_up) => replying
                .failed(&gave_up, &memory)
                .ok_or_else(|| error_of(&gave_up, turn)),
        }
    }

    async fn ask(&self, turn: &Turn, memory: &Memory) -> Result<Answer, GaveUp> {
        let user = user(&turn.conversation.thread);
        let span = self.config.timeout.0;
        let patience = Patience::new(self.clock.clone(), span, turn.cancelled.clone());
        let mut question = Question::of(turn, &self.config.files);
        let files = self.upload(&user, &mut question, &patience).await?;
        let asking = Asking {
            dify: &self.dify,
            permits: &self.permits,
            patience: &patience,
            app: self.config.app,
            idle: self.config.idle_timeout.0,
            retries: self.config.retries,
            user: &user,
            query: &question.words(turn.locale()),
            inputs: &question::inputs(&self.config.inputs, turn),
            files,
            conversation: memory.conversation.clone(),
            last: memory.message.clone(),
            since: turn.conversation.contact_spoke_at,
            may_be_answered: turn.attempt > 1,
        };
        asking.ask().await
    }

    /// Uploads the question's files; one that cannot go is named in words, so that the model does not answer as if there
    /// were none.
    async fn upload(
        &self,
        user: &str,
        question: &mut Question,
        patience: &Patience,
    ) -> Result<Vec<InputFile>, GaveUp> {
        let mut uploaded = Vec::new();
        for file in std::mem::take(&mut question.files) {
            match patience.during(self.upload_one(user, &file)).await {
                Ok(Ok(id)) => uploaded.push(InputFile::uploaded(file.kind, id)),
                Ok(Err(why)) => {
                    tracing::warn!(why, "a file cannot go along with a question");
                    question.leave_out(&file);
                }
                Err(Over::Cancelled) => return Err(GaveUp::Cancelled),
                Err(_) => question.leave_out(&file),
            }
        }
        Ok(uploaded)
    }

    async fn upload_one(&self, user: &str, file: &Attachment) -> Result<UploadId, String> {
        let mut kept = self
            .media
            .keep(&file.media)
            .await
            .map_err(|e| e.to_string())?;
        if kept.mime == "audio/amr" {
            // Models do not hear AMR.
            let mp3 = self.media.rendition(&kept, Rendition::Mp3).await;
            kept = mp3.ok().flatten().unwrap_or(kept);
        }
        if kept.size > file.kind.default_limit() {
            return Err(format!("{} bytes are more than Dify takes", kept.size));
        }
        let bytes = self.media.open(&kept).await.map_err(|e| e.to_string())?;
        self.dify
            .upload(user, bytes, &kept.name, &kept.mime)
            .await
            .map_err(|refusal| refusal.failure.to_string())
    }
}

#[cfg(test)]
mod tests;
