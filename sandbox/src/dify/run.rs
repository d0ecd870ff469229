//! One run of an app: goes through the script's steps, streams or collects, pings while it is silent, stops when told.

use std::future::Future;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Dify;
use super::errors::refuse;
use super::json::write;
use super::script::{Script, Step};
use super::state::{Asked, Turn};
use super::story::{self, Story};
use crate::call::{Answer, Snapped};
use crate::settings::{AppMode, DifyApp};

/// How many characters one piece of an answer has.
const PIECE: usize = 6;

pub(super) struct Ids {
    pub message: String,
    pub workflow_run: String,
    pub created: i64,
}

pub(super) struct Run {
    dify: Dify,
    app: DifyApp,
    pub asked: Asked,
    ids: Ids,
    script: Script,
    stop: CancellationToken,
    said: String,
    out: Option<mpsc::Sender<Result<Bytes, Snapped>>>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    Done,
    Stopped,
    Failed {
        code: String,
        status: u16,
        message: String,
    },
    /// The caller left, or was left.
    Gone,
}

impl Run {
    pub fn new(
        dify: Dify,
        app: DifyApp,
        asked: Asked,
        ids: Ids,
        script: Script,
        stop: CancellationToken,
    ) -> Self {
        Self {
            dify,
            app,
            asked,
            ids,
            script,
            stop,
            said: String::new(),
            out: None,
        }
    }

    pub fn runtime(&self) -> Handle {
        self.dify.0.world.runtime.clone()
    }

    /// Streams the run.
    pub async fn stream(mut self, out: mpsc::Sender<Result<Bytes, Snapped>>) {
        self.out = Some(out);
        let end = match self.tell(|story| story.beginning()).await {
            Ok(()) => self.steps().await,
            Err(end) => end,
        };
        if end != End::Gone {
            // Nobody is left to hear of it when this fails.
            let _ = self.tell(|story| story.ending(&end)).await;
        }
        self.close(&end);
    }

    /// Collects the run into one answer.
    pub async fn block(mut self) -> Answer {
        let end = self.steps().await;
        self.close(&end);
        match end {
            End::Failed {
                code,
                status,
                message,
            } => refuse(status, &code, message).answer(),
            End::Gone => Answer::proxy_page(502),
            End::Done | End::Stopped => Answer::new(
                200,
                "application/json",
                write(&self.story().whole(), self.app.shape),
            ),
        }
    }

    /// The end of the run: the turn is kept, the task forgotten.
    fn close(&self, end: &End) {
        let error = match end {
            End::Failed { message, .. } => Some(message.clone()),
            _ => None,
        };
        let mut state = self.dify.0.state.lock();
        state.tasks.remove(&self.asked.task_id);
        if let Some(conversation) = state.conversations.get_mut(&self.asked.conversation_id) {
            conversation.add(Turn {
                message_id: self.ids.message.clone(),
                query: self.asked.query.clone(),
                answer: self.said.clone(),
                error,
                created: self.ids.created,
                rating: None,
            });
        }
        drop(state);
        self.dify.0.world.hub.wake();
    }

    async fn steps(&mut self) -> End {
        for step in std::mem::take(&mut self.script.steps) {
            if let Err(end) = self.step(step).await {
                return end;
            }
        }
        End::Done
    }

    async fn step(&mut self, step: Step) -> Result<(), End> {
        match step {
            Step::Say(text) => self.say(&text).await,
            Step::Echo(words) => self.say(&format!("{words}{}", self.asked.query)).await,
            Step::Replace(text) => {
                self.said = text;
                self.tell(|story| vec![story.replaced()]).await
            }
            Step::Wait(time) => self.silence(tokio::time::sleep(time)).await,
            Step::Hold(gate) => self.silence(async move { gate.passed().await }).await,
            Step::Tool { name, found } => match self.app.mode {
                AppMode::Agent => self.tell(|story| story.tool(&name, &found)).await,
                _ => Ok(()),
            },
            Step::File { url } => self.tell(|story| vec![story.file(&url)]).await,
            Step::Fail {
                code,
                status,
                message,
            } => Err(End::Failed {
                code,
                status,
                message,
            }),
            Step::Cut => {
                if let Some(out) = &self.out {
                    // Cut is cut, whether or not anybody still listens.
                    let _ = out.send(Err(Snapped)).await;
                }
                Err(End::Gone)
            }
            Step::Vanish => Err(End::Gone),
            Step::Mute => self.silence(std::future::pending::<()>()).await,
        }
    }

    async fn say(&mut self, text: &str) -> Result<(), End> {
        let characters: Vec<char> = text.chars().collect();
        let pace = self.dify.0.settings.pace;
        for (at, piece) in characters.chunks(PIECE).enumerate() {
            if at > 0 && self.out.is_some() && !pace.is_zero() {
                self.silence(tokio::time::sleep(pace)).await?;
            }
            if self.stop.is_cancelled() {
                return Err(End::Stopped);
            }
            let piece: String = piece.iter().collect();
            self.said.push_str(&piece);
            self.tell(|story| vec![story.piece(&piece)]).await?;
        }
        Ok(())
    }

    /// Waits for something, with pings, until told to stop or left alone.
    async fn silence(&mut self, wait: impl Future<Output = ()>) -> Result<(), End> {
        tokio::pin!(wait);
        let every = self.dify.0.settings.ping_every;
        loop {
            let left = async {
                match &self.out {
                    Some(out) if self.app.mode != AppMode::Chatflow => out.closed().await,
                    // A chatflow goes on in its worker when the caller leaves (Dify notes, 5).
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = &mut wait => return Ok(()),
                () = self.stop.cancelled() => return Err(End::Stopped),
                () = left => return Err(End::Gone),
                () = tokio::time::sleep(every) => self.send(story::PING.into()).await?,
            }
        }
    }

    fn story(&self) -> Story<'_> {
        Story {
            app: &self.app,
            asked: &self.asked,
            ids: &self.ids,
            said: &self.said,
            chance: &self.dify.0.world.chance,
        }
    }

    /// Streams what the story says; nothing when the answer is collected.
    async fn tell(&mut self, tell: impl FnOnce(&Story<'_>) -> Vec<Value>) -> Result<(), End> {
        if self.out.is_none() {
            return Ok(());
        }
        let events = tell(&self.story());
        let mut text = String::new();
        for event in &events {
            match event {
                Value::Null => text.push_str(story::PING),
                event => text.push_str(&format!("data: {}\n\n", write(event, self.app.shape))),
            }
        }
        let cut = self
            .script
            .cut_every
            .unwrap_or(self.dify.0.settings.cut_every);
        match cut {
            0 => self.send(text.into()).await,
            bytes => {
                let text = Bytes::from(text);
                for at in (0..text.len()).step_by(bytes) {
                    self.send(text.slice(at..text.len().min(at + bytes)))
                        .await?;
                }
                Ok(())
            }
        }
    }

    async fn send(&self, piece: Bytes) -> Result<(), End> {
        let Some(out) = self.out.as_ref().filter(|_| !piece.is_empty()) else {
            return Ok(());
        };
        match (out.send(Ok(piece)).await, self.app.mode) {
            (Err(_), AppMode::Chat | AppMode::Agent) => Err(End::Gone),
            _ => Ok(()),
        }
    }
}

/// The closing `error` event.
pub(super) fn error_event(asked: &Asked, ids: &Ids, end: &End) -> Option<Value> {
    let End::Failed {
        code,
        status,
        message,
    } = end
    else {
        return None;
    };
    Some(json!({
        "event": "error", "conversation_id": asked.conversation_id, "message_id": ids.message,
        "created_at": ids.created, "code": code, "status": status, "message": message
    }))
}
