//! Asking one question until there is an answer or no hope of one.
//!
//! What may be tried follows from Dify's own table of refusals ([`Advice`]). Two things make it more than a loop: a
//! question that may have been answered already is looked up before it is asked again, because asking twice runs the
//! model twice and Dify has no key to tell that it is the same; and a conversation that Dify no longer knows is begun
//! anew.

use std::time::Duration;

use bridge_convertors::dify::{
    Advice, Answer, ConversationId, Failure, MessageId, Outcome,
    request::{ChatRequest, InputFile, ResponseMode},
};
use bridge_core::clock::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::{
    client::{Dify, Refusal},
    config::App,
    listen::{Broken, Listener},
    patience::{Over, Patience},
};

/// One question, ready to be asked.
pub(super) struct Asking<'a> {
    pub(super) dify: &'a Dify,
    pub(super) permits: &'a Semaphore,
    pub(super) patience: &'a Patience,
    pub(super) app: App,
    pub(super) idle: Duration,
    pub(super) retries: u32,
    pub(super) user: &'a str,
    pub(super) query: &'a str,
    pub(super) inputs: &'a Map<String, Value>,
    pub(super) files: Vec<InputFile>,
    pub(super) conversation: Option<ConversationId>,
    /// The answer before this one.
    pub(super) last: Option<MessageId>,
    /// When the contact said it: an answer from before is none to this.
    pub(super) since: Timestamp,
    /// An earlier try of ours ended without our knowing how.
    pub(super) may_be_answered: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum GaveUp {
    /// It is not wanted any more.
    Cancelled,
    /// It is not to be had.
    Failed {
        failure: Failure,
        /// What was heard of it.
        heard: Option<Box<Answer>>,
    },
}

/// What is left to try.
struct Left {
    mode: ResponseMode,
    tries: u32,
    may_renew: bool,
    may_switch: bool,
}

/// One try that came to nothing.
struct Miss {
    refusal: Refusal,
    heard: Option<Answer>,
}

/// The clocks of two servers agree within this.
const SKEW: Duration = Duration::from_secs(120);
/// The first pause between two tries; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause of our own choice.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

impl Asking<'_> {
    /// Asks, and asks again where that can help.
    pub(super) async fn ask(mut self) -> Result<Answer, GaveUp> {
        if self.may_be_answered
            && let Some(answer) = self.look(0).await?
        {
            return Ok(answer);
        }
        let mut left = Left {
            mode: ResponseMode::Streaming,
            tries: 0,
            may_renew: true,
            may_switch: true,
        };
        loop {
            let miss = match self.attempt(left.mode).await? {
                Ok(answer) => return Ok(answer),
                Err(miss) => miss,
            };
            if let Some(answer) = self.mend(&mut left, miss).await? {
                return Ok(answer);
            }
        }
    }

    /// One try.
    async fn attempt(&mut self, mode: ResponseMode) -> Result<Result<Answer, Miss>, GaveUp> {
        let permit = self.patience.during(self.permits.acquire()).await;
        let _permit = permit.map_err(|over| gave_up(over, None))?;
        let asked = ChatRequest {
            query: self.query,
            inputs: self.inputs,
            user: self.user,
            response_mode: mode,
            conversation_id: self.conversation.as_ref(),
            files: &self.files,
            auto_generate_name: false,
        };
        let chat = self.dify.chat(&asked);
        let reply = match mode {
            // The first sign of a stream comes with its first event, and those within the time of silence.
            ResponseMode::Streaming => self.patience.within(self.idle, chat).await,
            ResponseMode::Blocking => self.patience.during(chat).await,
        };
        let reply = match reply {
            Ok(Ok(reply)) => reply,
            Ok(Err(refusal)) => return Ok(Err(refusal.into())),
            Err(Over::Silent) => return Ok(Err(silent().into())),
            Err(over) => return Err(gave_up(over, None)),
        };
        let listener = Listener {
            dify: self.dify,
            user: self.user,
            patience: self.patience,
            idle: self.idle,
        };
        let heard = listener.hear(reply).await;
        self.judge(heard.answer, heard.broken)
    }

    /// Whether what was heard is an answer.
    fn judge(
        &mut self,
        answer: Answer,
        broken: Option<Broken>,
    ) -> Result<Result<Answer, Miss>, GaveUp> {
        // A conversation that a failed try opened is the one that is looked into, and gone on with.
        if self.conversation.is_none() {
            self.conversation = answer.ids.conversation.clone();
        }
        let failure = match (broken, &answer.outcome) {
            (Some(Broken::Over(Over::Silent)), _) => silent(),
            (Some(Broken::Over(over)), _) => return Err(gave_up(over, Some(answer))),
            (Some(Broken::Cut(failure)), _) => failure,
            (None, Outcome::Complete | Outcome::Stopped) if !answer.is_empty() => {
                return Ok(Ok(answer));
            }
            (None, Outcome::Complete | Outcome::Stopped) => Failure::empty(),
            (None, Outcome::Incomplete) => Failure::cut_off("the stream ended before the answer"),
            (None, Outcome::Paused) => Failure::paused(),
            (None, Outcome::Failed(failure)) => failure.clone(),
        };
        Ok(Err(Miss {
            refusal: failure.into(),
            heard: Some(answer),
        }))
    }

    /// Prepares the next try, or finds the answer after all.
    async fn mend(&mut self, left: &mut Left, miss: Miss) -> Result<Option<Answer>, GaveUp> {
        let failure = &miss.refusal.failure;
        let advice = failure.advice();
        tracing::warn!(error = %failure, ?advice, "Dify did not answer");
        metrics::counter!("kefu_dify_failures_total", "code" => failure.known_code()).increment(1);
        match advice {
            Advice::Renew if left.may_renew && self.conversation.is_some() => {
                left.may_renew = false;
                self.conversation = None;
                Ok(None)
            }
            Advice::AskBlocking if left.may_switch && self.app != App::Agent => {
                left.may_switch = false;
                left.mode = ResponseMode::Blocking;
                Ok(None)
            }
            Advice::AskStreaming if left.may_switch => {
                left.may_switch = false;
                left.mode = ResponseMode::Streaming;
                Ok(None)
            }
            Advice::Operator | Advice::Visitor
                if is_about_input(&miss) && !self.files.is_empty() =>
            {
                tracing::warn!("asking once more without the files");
                self.files.clear();
                Ok(None)
            }
            Advice::Retry {
                times,
                may_have_run,
            } if left.tries < times.min(self.retries) => {
                left.tries += 1;
                self.again(left.tries, miss, may_have_run).await
            }
            _ => Err(failed(miss)),
        }
    }

    /// Waits, and looks first where the question may have been answered meanwhile.
    async fn again(
        &mut self,
        tries: u32,
        miss: Miss,
        may_have_run: bool,
    ) -> Result<Option<Answer>, GaveUp> {
        let pause = miss
            .refusal
            .retry_after
            .unwrap_or_else(|| self.pause_before(tries));
        let heard = miss.heard.as_ref().map_or(0, |answer| answer.text.len());
        match self.patience.pause(pause).await {
            Ok(()) => {}
            Err(Over::Cancelled) => return Err(GaveUp::Cancelled),
            Err(_) => return Err(failed(miss)),
        }
        match may_have_run {
            true => self.look(heard).await,
            false => Ok(None),
        }
    }

    /// 1 s, 2 s, 4 s … and up to a quarter more, so that those who failed together do not come back together.
    fn pause_before(&self, tries: u32) -> Duration {
        let pause = FIRST_PAUSE
            .saturating_mul(1 << (tries - 1).min(8))
            .min(LONGEST_PAUSE);
        let spread = self.user.bytes().fold(0u32, |sum, b| {
            sum.wrapping_mul(31).wrapping_add(u32::from(b))
        });
        pause + pause * (spread % 256) / 1024
    }

    /// Looks for the answer in Dify's own records. A chatflow goes on without us, so while its answer is not there yet it
    /// is waited for; other runs end with our connection.
    async fn look(&mut self, heard: usize) -> Result<Option<Answer>, GaveUp> {
        let mut looks = 0;
        loop {
            match self.found().await? {
                Some(found) if found.text.len() > heard => return Ok(Some(found)),
                Some(_) if self.app == App::Chatflow && looks < MOST_LOOKS => {}
                _ => return Ok(None),
            }
            looks += 1;
            if let Err(over) = self.patience.pause(self.pause_before(looks)).await {
                return Err(gave_up(over, None));
            }
        }
    }

    /// The record of this question, if Dify has one that did not fail.
    async fn found(&mut self) -> Result<Option<Answer>, GaveUp> {
        match self.patience.within(self.idle, self.record()).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(refusal)) => {
                tracing::warn!(error = %refusal.failure, "Dify's records cannot be read");
                Ok(None)
            }
            Err(Over::Silent) => Ok(None),
            Err(over) => Err(gave_up(over, None)),
        }
    }

    async fn record(&self) -> Result<Option<Answer>, Refusal> {
        let conversation = match &self.conversation {
            Some(conversation) => Some(conversation.clone()),
            None => self.dify.newest_conversation(self.user).await?,
        };
        let Some(conversation) = conversation else {
            return Ok(None);
        };
        let messages = self.dify.messages(self.user, &conversation).await?;
        let since = (self.since - SKEW).as_secs();
        let found = messages.into_iter().find(|message| {
            message.query.trim() == self.query
                && Some(&message.id) != self.last.as_ref()
                && i64::try_from(message.created_at).is_ok_and(|at| at >= since)
        });
        Ok(found
            .filter(|message| !message.failed)
            .map(|message| Answer::of_record(message, self.dify.files_base())))
    }
}

/// How often a chatflow's answer is looked for before it is asked for again.
const MOST_LOOKS: u32 = 6;

impl From<Refusal> for Miss {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            heard: None,
        }
    }
}

impl From<Failure> for Miss {
    fn from(failure: Failure) -> Self {
        Refusal::from(failure).into()
    }
}

fn silent() -> Failure {
    Failure::cut_off("Dify fell silent")
}

/// A refusal of what was sent, rather than of who sent it.
fn is_about_input(miss: &Miss) -> bool {
    let failure = &miss.refusal.failure;
    matches!(failure.status, 400 | 413 | 415)
        && matches!(
            failure.code.as_str(),
            "" | "invalid_param"
                | "bad_request"
                | "file_not_found"
                | "too_many_files"
                | "file_too_large"
                | "unsupported_file_type"
        )
}

fn failed(miss: Miss) -> GaveUp {
    GaveUp::Failed {
        failure: miss.refusal.failure,
        heard: miss.heard.map(Box::new),
    }
}

fn gave_up(over: Over, heard: Option<Answer>) -> GaveUp {
    match over {
        Over::Cancelled => GaveUp::Cancelled,
        Over::Late => GaveUp::Failed {
            failure: Failure::cut_off("no time left"),
            heard: heard.map(Box::new),
        },
        Over::Silent => failed(Miss {
            refusal: silent().into(),
            heard,
        }),
    }
}
