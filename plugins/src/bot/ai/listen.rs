//! Listening to an answer to its end: a stream is read until Dify closes it, because what comes last differs from
//! version to version and an error may come after the words (Dify: SSE, 4.2).

use std::time::Duration;

use bridge_convertors::dify::{Accumulator, Answer, Failure, StreamReader};
use bridge_core::clock::Timestamp;
use reqwest::Response;

use super::{
    client::{Dify, Reply},
    patience::{Over, Patience},
};
use crate::http;

/// How long the run's last events may stay behind its first last one.
const TWIN: Duration = Duration::from_secs(2);
/// How long Dify may take to acknowledge a stop.
const STOP: Duration = Duration::from_secs(5);

/// What was heard.
pub(super) struct Heard {
    /// The answer, as far as it came.
    pub(super) answer: Answer,
    /// Why it did not come to its end.
    pub(super) broken: Option<Broken>,
}

/// Why an answer did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// We went away.
    Over(Over),
    /// They did.
    Cut(Failure),
}

/// One answer, being heard.
pub(super) struct Listener<'a> {
    pub(super) dify: &'a Dify,
    pub(super) user: &'a str,
    pub(super) patience: &'a Patience,
    pub(super) idle: Duration,
}

impl Listener<'_> {
    /// Hears a reply to its end, or to the end of patience; a run that nobody waits for is stopped on Dify's side too.
    pub(super) async fn hear(&self, reply: Reply) -> Heard {
        let mut answer = Accumulator::with_base(self.dify.files_base());
        let broken = match reply {
            Reply::Whole(body) => {
                answer.fold_blocking(&body);
                None
            }
            Reply::Stream(response) => self.read(response, &mut answer).await.err(),
        };
        if let Some(Broken::Over(over)) = broken
            && self.is_final(over)
        {
            self.stop(&answer).await;
        }
        Heard {
            answer: answer.finish(),
            broken,
        }
    }

    async fn read(&self, mut response: Response, answer: &mut Accumulator) -> Result<(), Broken> {
        let mut reader = StreamReader::default();
        let mut over_at: Option<Timestamp> = None;
        loop {
            let wait = match over_at {
                Some(at) => TWIN.saturating_sub(self.patience.now().since(at)),
                None => self.idle,
            };
            let piece = match self.patience.within(wait, response.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => break,
                // Whatever ends a stream after its end is no matter.
                _ if over_at.is_some() => break,
                Ok(Err(error)) => {
                    return Err(Broken::Cut(Failure::cut_off(&http::chain(&error))));
                }
                Err(over) => return Err(Broken::Over(over)),
            };
            let events = reader
                .push(&piece)
                .map_err(|error| Broken::Cut(Failure::unreadable(&error.to_string())))?;
            events.into_iter().for_each(|event| answer.fold(event));
            if answer.is_over() && over_at.is_none() {
                over_at = Some(self.patience.now());
            }
        }
        reader
            .finish()
            .into_iter()
            .for_each(|event| answer.fold(event));
        Ok(())
    }

    /// Whether nobody will come back for the answer. Someone who will must not stop the run: Dify keeps what a stopped run
    /// had said so far, which then looks like the whole answer.
    fn is_final(&self, over: Over) -> bool {
        match over {
            Over::Cancelled => !self.patience.is_interrupted(),
            Over::Late => true,
            Over::Silent => false,
        }
    }

    /// Ends the run on Dify's side, which would otherwise go on and cost. Reported not to work in several versions: so
    /// nothing depends on it.
    async fn stop(&self, answer: &Accumulator) {
        let Some(task) = answer.ids().task.as_ref().filter(|_| !answer.is_over()) else {
            return;
        };
        let stopping = self.dify.stop(self.user, task);
        match self.patience.last(STOP, stopping).await {
            Some(Ok(())) => tracing::info!(%task, "stopped a run that nobody waits for"),
            Some(Err(refusal)) => {
                tracing::warn!(%task, error = %refusal.failure, "a run could not be stopped");
            }
            None => tracing::warn!(%task, "a run could not be stopped in time"),
        }
    }
}
