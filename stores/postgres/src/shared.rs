//! Calls that many share: while some are on their way, the next gather, and go as one. What costs PostgreSQL is the
//! transaction, not the row.

use std::{future::Future, sync::Arc};

use bridge_core::store::StoreError;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Questions that may wait; more are refused at once.
const QUEUE: usize = 8192;
/// The most questions of one call.
const TOGETHER: usize = 64;

type Answer<A> = oneshot::Sender<Result<A, StoreError>>;

/// Gathers questions of one kind.
pub(crate) struct Shared<Q, A> {
    questions: mpsc::Sender<(Q, Answer<A>)>,
}

impl<Q, A> Shared<Q, A>
where
    Q: Clone + Send + Sync + 'static,
    A: Send + 'static,
{
    /// `call` answers each of its questions, in order; `at_once` calls may be on their way. Ends when this is dropped.
    pub(crate) fn start<C, F>(at_once: usize, call: C) -> Self
    where
        C: Fn(Vec<Q>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Vec<A>, StoreError>> + Send + 'static,
    {
        let (questions, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(gather(at_once, Arc::new(call), waiting));
        Self { questions }
    }

    pub(crate) async fn ask(&self, question: Q) -> Result<A, StoreError> {
        let (answer, answered) = oneshot::channel();
        let full = |_| StoreError::Unavailable("too much is waiting to be written".to_owned());
        self.questions.try_send((question, answer)).map_err(full)?;
        let gone = |_| StoreError::Unavailable("it is closed".to_owned());
        answered.await.map_err(gone)?
    }
}

async fn gather<Q, A, C, F>(
    at_once: usize,
    call: Arc<C>,
    mut waiting: mpsc::Receiver<(Q, Answer<A>)>,
) where
    Q: Clone + Send + Sync + 'static,
    A: Send + 'static,
    C: Fn(Vec<Q>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Vec<A>, StoreError>> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(at_once));
    loop {
        // First room, then the questions: what comes meanwhile is among them.
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        let mut asked = Vec::new();
        if waiting.recv_many(&mut asked, TOGETHER).await == 0 {
            return;
        }
        // Who has gone wants nothing, and what is claimed for nobody would wait for the end of its lease.
        asked.retain(|(_, answer)| !answer.is_closed());
        let call = call.clone();
        tokio::spawn(async move {
            answer(&*call, asked).await;
            drop(permit);
        });
    }
}

async fn answer<Q, A, C, F>(call: &C, asked: Vec<(Q, Answer<A>)>)
where
    Q: Clone,
    C: Fn(Vec<Q>) -> F,
    F: Future<Output = Result<Vec<A>, StoreError>>,
{
    if asked.is_empty() {
        return;
    }
    match call(asked.iter().map(|(question, _)| question.clone()).collect()).await {
        Ok(answers) => {
            for ((_, one), answer) in asked.into_iter().zip(answers) {
                let _ = one.send(Ok(answer));
            }
        }
        Err(StoreError::Damaged(reason)) if asked.len() > 1 => {
            tracing::warn!(reason, "a shared call was refused; calling one by one");
            for (question, one) in asked {
                let answers = call(vec![question]).await;
                let first = answers.map(|answers| answers.into_iter().next());
                let none = || StoreError::Unavailable("it was not answered".to_owned());
                let _ = one.send(first.and_then(|answer| answer.ok_or_else(none)));
            }
        }
        Err(error) => {
            for (_, one) in asked {
                let _ = one.send(Err(error.clone()));
            }
        }
    }
}
