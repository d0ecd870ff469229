//! Errands: questions to slow bots, run off the conversation's claim. The answer returns as an arrival whose external
//! id is the errand's, so running it twice changes nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::{counter, histogram};
use tracing::Instrument as _;

use super::{Engine, Side, context::FOR_BOTS, dispatches::LONGEST_PAUSE, holds::Hold};
use crate::{
    bot::{BotError, Cancelled, Effect, Known, Pace, Turn},
    broker::Notice,
    error::Remedy,
    message::{Author, Content, Cue, ErrandId},
    store::{Due, DueKind, DueWhat, Errand, Settlement, StoreError},
};

/// For bots that declare no pace of their own but are asked as an errand.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a bot may do after its answer is not wanted any more, such as telling its provider so.
const CANCELLED: Duration = Duration::from_secs(10);
/// The same where this node ends.
const INTERRUPTED: Duration = Duration::from_millis(500);

impl Engine {
    pub(super) async fn run_errands(self: Arc<Self>) {
        let mut side = Side::new(self.parts.settings.errand_workers);
        while !self.stop.is_cancelled() {
            let heard = self.wake.errands.notified();
            let room = side.room();
            if room == 0 {
                side.one_done().await;
                continue;
            }
            let (full, began) = (side.full(), Instant::now());
            let lease = self.parts.settings.lease;
            let store = &self.parts.store;
            match store
                .due(DueKind::Errand, &self.worker, room, lease, &full)
                .await
            {
                Ok(due) if due.is_empty() => {
                    self.until_due(DueKind::Errand, heard, &full, &mut side)
                        .await;
                }
                Ok(due) => {
                    for Due { id, what } in due {
                        if let DueWhat::Errand(errand) = what
                            && let Some(hold) = self.hold(id, began)
                        {
                            let (engine, bot) = (self.clone(), errand.bot.clone());
                            let work = async move { engine.run(hold, *errand).await };
                            side.start(bot.as_str(), work);
                        }
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "cannot take errands");
                    self.store_is_back().await;
                }
            }
        }
        // Answers in the making are given up: another node, or the next life, asks again.
        for cancelled in self.running.lock().values() {
            cancelled.interrupt();
        }
        side.finish().await;
    }

    pub(super) fn cancel_errand(&self, errand: ErrandId) {
        if let Some(cancelled) = self.running.lock().get(&errand) {
            cancelled.cancel();
        }
    }

    async fn run(&self, hold: Hold, errand: Errand) {
        if !hold.is_sure() {
            // This node stalled before it began: the errand is another's by now, or due again.
            return;
        }
        let started = self.parts.clock.now();
        let cancelled = Cancelled::default();
        self.running.lock().insert(errand.id, cancelled.clone());
        let result = self.ask(&errand, cancelled.clone()).await;
        self.running.lock().remove(&errand.id);
        histogram!("kefu_errand_seconds", "bot" => errand.bot.to_string())
            .record(self.parts.clock.now().since(started));
        if cancelled.is_interrupted() && result.is_err() {
            return self.hand_back(&hold, &errand).await;
        }
        if cancelled.is_cancelled() && !cancelled.is_interrupted() {
            tracing::info!(trace = errand.trace.0, errand = errand.id.0, bot = %errand.bot, "no longer wanted");
            return self.settle(&hold, over()).await;
        }
        let cue = match result {
            Ok(effects) => Cue::Answered {
                bot: errand.bot.clone(),
                errand: errand.id,
                episode: errand.episode,
                effects,
            },
            Err(error) => {
                counter!("kefu_errand_errors_total", "bot" => errand.bot.to_string()).increment(1);
                tracing::warn!(trace = errand.trace.0, errand = errand.id.0, bot = %errand.bot,
                    attempt = errand.attempt, %error, "no answer");
                if let Remedy::Retry { after } = error.remedy
                    && errand.attempt < self.parts.settings.errand_attempts
                {
                    let at = self.parts.clock.now() + after.min(LONGEST_PAUSE);
                    return self
                        .settle(
                            &hold,
                            Settlement::Retry {
                                at,
                                reason: error.detail,
                                tried: true,
                            },
                        )
                        .await;
                }
                let (bot, reason) = (errand.bot.clone(), error.detail);
                Cue::Failed {
                    bot,
                    errand: errand.id,
                    episode: errand.episode,
                    reason,
                }
            }
        };
        self.hand_in(&hold, &errand, cue).await;
    }

    /// This node ends before the answer is there: another goes on at once. The try counts, so that its bot knows that the
    /// question may have been heard.
    async fn hand_back(&self, hold: &Hold, errand: &Errand) {
        tracing::info!(trace = errand.trace.0, errand = errand.id.0, bot = %errand.bot, "left to another node");
        let (at, reason) = (self.parts.clock.now(), "its node ended".to_owned());
        let tried = true;
        self.settle(hold, Settlement::Retry { at, reason, tried })
            .await;
        self.notify(Notice::Errands);
    }

    /// The answer is accepted first and the errand settled after: a crash between the two runs it again, and the second
    /// answer is a repeat.
    async fn hand_in(&self, hold: &Hold, errand: &Errand, cue: Cue) {
        let arrival = self.cue(
            &errand.conversation.thread,
            format!("errand:{:020}", errand.id.0),
            cue,
        );
        loop {
            match self.accept(vec![arrival.clone()]).await {
                Ok(_) => break,
                Err(StoreError::Unavailable(_)) if !self.finished.is_cancelled() => {
                    self.pause(Duration::from_millis(500)).await;
                }
                Err(error) => {
                    return tracing::error!(%error, errand = errand.id.0, "the answer was not accepted");
                }
            }
        }
        self.settle(hold, over()).await;
        self.wake.errands.notify_one();
    }

    async fn ask(&self, errand: &Errand, cancelled: Cancelled) -> Result<Vec<Effect>, BotError> {
        let Some(known) = self.parts.catalogue.get(&errand.bot).cloned() else {
            return Err(BotError::permanent("the bot is not configured any more"));
        };
        let args = known.command.clone().try_get_matches_from(&errand.argv);
        let args = args.map_err(|error| BotError::permanent(error.to_string()))?;
        let turn = self.question(errand, cancelled.clone()).await?;
        self.show_typing(errand.conversation.id, &errand.conversation.thread);
        let patience = patience(&known);
        let span = tracing::info_span!("errand", trace = errand.trace.0, bot = %errand.bot);
        let task =
            tokio::spawn(async move { known.bot.answer(args, &turn).await }.instrument(span));
        let stop = task.abort_handle();
        let answer = tokio::select! {
            answer = tokio::time::timeout(patience, task) => answer,
            // Whoever does not heed it.
            () = given_up(&cancelled) => {
                stop.abort();
                return Err(BotError::permanent("nobody waits for it any more"));
            }
        };
        match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(BotError::permanent("it panicked")),
            Err(_) => {
                stop.abort();
                Err(BotError::permanent(format!(
                    "no answer within {patience:?}"
                )))
            }
        }
    }

    async fn question(&self, errand: &Errand, cancelled: Cancelled) -> Result<Turn, BotError> {
        let out_of_reach =
            |error: StoreError| BotError::transient(error.to_string(), Duration::from_secs(1));
        let desk = self.desk.current(&self.parts).await.map_err(out_of_reach)?;
        let recent = self
            .context(&errand.conversation, FOR_BOTS)
            .await
            .map_err(out_of_reach)?;
        let last = errand
            .said
            .last()
            .map_or_else(|| Content::text(""), |said| said.content.clone());
        let mut arrival = self.cue(
            &errand.conversation.thread,
            "",
            Cue::QueueMoved { episode: 0 },
        );
        arrival.author = Author::Contact;
        arrival.what = crate::message::What::Content(last);
        let now = self.parts.clock.now();
        let texts = self.parts.texts.clone();
        let conversation = errand.conversation.clone();
        let mut turn = Turn::bare(
            errand.trace,
            conversation,
            errand.contact.clone(),
            &arrival,
            desk,
            texts,
            now,
        );
        turn.question = errand.said.clone();
        turn.attempt = errand.attempt;
        turn.recent = recent;
        turn.cancelled = cancelled;
        Ok(turn)
    }
}

fn over() -> Settlement {
    Settlement::Done {
        external_id: None,
        lost: Vec::new(),
    }
}

/// A moment after an answer is not wanted any more: a bot may have something to tidy up.
async fn given_up(cancelled: &Cancelled) {
    cancelled.wait().await;
    let tidying = if cancelled.is_interrupted() {
        INTERRUPTED
    } else {
        CANCELLED
    };
    tokio::time::sleep(tidying).await;
}

fn patience(known: &Known) -> Duration {
    match known.spec.pace {
        Pace::Inline => PATIENCE,
        Pace::Background { timeout } => timeout,
    }
}
