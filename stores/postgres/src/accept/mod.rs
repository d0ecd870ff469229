//! Accept in batches: while some are on their way, the next gather. One bad intake harms no other: a batch that the
//! database refuses is accepted one by one. A caller with a free turn may be handed the conversation it opened work for,
//! in the same step.

mod batch;

use std::{collections::HashSet, sync::Arc, time::Duration};

use bridge_core::{
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{Arrival, ArrivalId, BotName, ContactId, ConversationId, ThreadKey},
    store::{Claim, Intake, StoreError},
};
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_postgres::types::ToSql;

use self::batch::Batch;
use crate::{link::Link, rows::to_json, steps};

/// Intakes that may wait; more are refused at once, so that a slow database is answered with 503 and not with memory.
const QUEUE: usize = 8192;
/// The most intakes of one batch.
const BATCH: usize = 256;
/// Batches on their way at once; beyond [`FEW`], only where [`MANY`] intakes wait: larger batches cost the database less,
/// more of them keep fewer waiting.
const AT_ONCE: usize = 4;
const FEW: usize = 2;
const MANY: usize = 16;
/// Threads remembered to lead somewhere.
const KNOWN: usize = 100_000;

/// Gathers intakes.
pub(crate) struct Acceptor {
    intakes: mpsc::Sender<Waiting>,
    /// How long an intake may take, with all that it waits for.
    within: Duration,
}

/// What becomes of an intake: the number of each arrival, and the claim that came with them.
pub(crate) type Taken = (Vec<Option<ArrivalId>>, Option<Claim>);

/// An intake and when it came.
pub(crate) struct Waiting {
    intake: Intake,
    /// The arrivals, written by their caller.
    bodies: Vec<String>,
    now: Option<i64>,
    opened_at: Timestamp,
    /// For how long the caller would work on what it opened, in milliseconds.
    hand: Option<i64>,
    answer: oneshot::Sender<Result<Taken, StoreError>>,
}

impl Waiting {
    /// Whether its caller takes what it opens: one conversation, not several.
    fn free(&self) -> bool {
        self.hand.is_some() && self.intake.arrivals.len() == 1
    }
}

/// Threads that lead to a conversation: they always will.
#[derive(Default)]
struct Known(Mutex<HashSet<ThreadKey>>);

impl Acceptor {
    /// Ends when it is dropped.
    pub(crate) fn start(link: Arc<Link>) -> Self {
        let (intakes, waiting) = mpsc::channel(QUEUE);
        let within = link.call;
        tokio::spawn(gather(link, waiting));
        Self { intakes, within }
    }

    pub(crate) async fn accept(
        &self,
        intake: Intake,
        now: Option<i64>,
        opened_at: Timestamp,
        hand: Option<i64>,
    ) -> Result<Taken, StoreError> {
        let (answer, answered) = oneshot::channel();
        let bodies: Result<_, _> = intake.arrivals.iter().map(to_json).collect();
        let waiting = Waiting {
            bodies: bodies?,
            intake,
            now,
            opened_at,
            hand,
            answer,
        };
        let full = |_| StoreError::Unavailable("too much is waiting to be written".to_owned());
        self.intakes.try_send(waiting).map_err(full)?;
        let gone = |_| StoreError::Unavailable("it is closed".to_owned());
        // A platform does not wait for those before it.
        match tokio::time::timeout(self.within, answered).await {
            Ok(answered) => answered.map_err(gone)?,
            Err(_) => Err(StoreError::Unavailable("it takes too long".to_owned())),
        }
    }
}

async fn gather(link: Arc<Link>, mut waiting: mpsc::Receiver<Waiting>) {
    let known = Arc::new(Known::default());
    let (mut writes, mut batch) = (JoinSet::new(), Vec::new());
    loop {
        let room = BATCH - batch.len();
        tokio::select! {
            count = waiting.recv_many(&mut batch, room), if room > 0 => if count == 0 {
                // Whoever asked is answered all the same.
                return writes.detach_all();
            },
            Some(_) = writes.join_next() => {}
        }
        let enough = match writes.len() {
            0..FEW => 1,
            FEW..AT_ONCE => MANY,
            _ => usize::MAX,
        };
        if batch.len() >= enough {
            let (link, known) = (link.clone(), known.clone());
            let mut batch = std::mem::take(&mut batch);
            // Who was answered meanwhile tries again.
            batch.retain(|one: &Waiting| !one.answer.is_closed());
            writes.spawn(async move {
                if !batch.is_empty() {
                    write(&link, &known, batch).await;
                }
            });
        }
    }
}

async fn write(link: &Link, known: &Known, all: Vec<Waiting>) {
    match accept(link, known, &all).await {
        Ok(taken) => {
            for (one, taken) in all.into_iter().zip(taken) {
                // Whoever asked may have gone; what was written stays, and is for others to work on.
                let now = one.now;
                if let Err(Ok((_, Some(claim)))) = one.answer.send(Ok(taken)) {
                    let _ = steps::abandon(link, now, &claim).await;
                }
            }
        }
        Err(StoreError::Damaged(reason)) if all.len() > 1 => {
            tracing::warn!(reason, "a batch was refused; accepting one by one");
            for one in all {
                let result = accept(link, known, std::slice::from_ref(&one)).await;
                let taken = result.map(|mut taken| taken.pop().unwrap_or_default());
                let _ = one.answer.send(taken);
            }
        }
        Err(error) => {
            for one in all {
                let _ = one.answer.send(Err(error.clone()));
            }
        }
    }
}

async fn accept(link: &Link, known: &Known, all: &[Waiting]) -> Result<Vec<Taken>, StoreError> {
    let batch = Batch::of(all, |thread| known.holds(thread))?;
    match batch.accept(link).await {
        Err(StoreError::Damaged(reason)) if batch.trusts() => {
            // Another database than before, perhaps: what was remembered of it does not hold.
            tracing::debug!(reason, "accepting without what was remembered");
            known.forget();
            Batch::of(all, |_| false)?.accept(link).await
        }
        Ok(taken) => {
            known.learn(all);
            Ok(taken)
        }
        Err(error) => Err(error),
    }
}

impl Known {
    fn holds(&self, thread: &ThreadKey) -> bool {
        self.0.lock().contains(thread)
    }

    fn forget(&self) {
        self.0.lock().clear();
    }

    fn learn(&self, all: &[Waiting]) {
        let mut known = self.0.lock();
        if known.len() > KNOWN {
            known.clear();
        }
        for arrival in all.iter().flat_map(|one| &one.intake.arrivals) {
            let thread = thread(arrival);
            if !known.contains(&thread) {
                known.insert(thread);
            }
        }
    }
}

fn thread(arrival: &Arrival) -> ThreadKey {
    ThreadKey {
        inbox: arrival.inbox.clone(),
        peer: arrival.peer.clone(),
    }
}

/// The bodies of a conversation and a contact for a thread that leads nowhere yet.
fn opened(
    arrival: &Arrival,
    entry: &BotName,
    at: Timestamp,
) -> Result<(String, String), StoreError> {
    let profile = arrival.profile.clone().unwrap_or_default();
    let (id, contact) = (ConversationId(0), ContactId(0));
    let opened = Conversation::open(id, contact, thread(arrival), entry.clone(), at);
    Ok((to_json(&opened)?, to_json(&Contact::new(contact, profile))?))
}

/// Arrivals as columns, for steps that accept on the way.
#[derive(Default)]
pub(crate) struct Columns {
    inbox: Vec<String>,
    external: Vec<String>,
    peer: Vec<String>,
    body: Vec<String>,
    opened: Vec<String>,
    contact: Vec<String>,
}

impl Columns {
    pub(crate) fn of(
        arrivals: &[Arrival],
        entry: &BotName,
        at: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut columns = Self::default();
        for arrival in arrivals {
            let (opened, contact) = opened(arrival, entry, at)?;
            columns.opened.push(opened);
            columns.contact.push(contact);
            columns.body.push(to_json(arrival)?);
            columns.inbox.push(arrival.inbox.to_string());
            columns.external.push(arrival.external_id.to_string());
            columns.peer.push(arrival.peer.to_string());
        }
        Ok(columns)
    }

    pub(crate) fn values(&self) -> [&(dyn ToSql + Sync); 6] {
        [
            &self.inbox,
            &self.external,
            &self.peer,
            &self.body,
            &self.opened,
            &self.contact,
        ]
    }
}
