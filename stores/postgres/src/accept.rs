//! Accept in batches: while one batch is on its way, the next gathers. One bad intake harms no other: a batch that the
//! database refuses is accepted one by one.

use std::{collections::HashSet, sync::Arc};

use bridge_core::{
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{ArrivalId, ContactId, ConversationId, ThreadKey},
    store::{Intake, StoreError},
};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::{
    link::{Link, damaged},
    rows::to_json,
};

/// Intakes that may wait; more are refused at once, so that a slow database is answered with 503 and not with memory.
const QUEUE: usize = 8192;
/// The most intakes of one batch.
const BATCH: usize = 256;
/// Batches on their way at once.
const AT_ONCE: usize = 4;
/// Threads remembered to lead somewhere.
const KNOWN: usize = 100_000;

/// Gathers intakes.
pub(crate) struct Acceptor {
    intakes: mpsc::Sender<Waiting>,
}

struct Waiting {
    given: Columns,
    now: Option<i64>,
    answer: oneshot::Sender<Result<Vec<Option<ArrivalId>>, StoreError>>,
}

/// What the function takes, a column each.
#[derive(Default, Clone)]
pub(crate) struct Columns {
    inbox: Vec<String>,
    external: Vec<String>,
    peer: Vec<String>,
    body: Vec<String>,
    opened: Vec<Option<String>>,
    contact: Vec<Option<String>>,
    cursor_inbox: Vec<String>,
    cursor_topic: Vec<String>,
    cursor: Vec<String>,
}

/// Threads that lead to a conversation: they always will.
#[derive(Default)]
struct Known(Mutex<HashSet<(String, String)>>);

impl Acceptor {
    /// Ends when it is dropped.
    pub(crate) fn start(link: Arc<Link>) -> Self {
        let (intakes, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(gather(link, waiting));
        Self { intakes }
    }

    pub(crate) async fn accept(
        &self,
        intake: Intake,
        now: Option<i64>,
        opened_at: Timestamp,
    ) -> Result<Vec<Option<ArrivalId>>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            given: Columns::of(intake, opened_at)?,
            now,
            answer,
        };
        let full = |_| StoreError::Unavailable("too much is waiting to be written".to_owned());
        self.intakes.try_send(waiting).map_err(full)?;
        let gone = |_| StoreError::Unavailable("it is closed".to_owned());
        answered.await.map_err(gone)?
    }
}

impl Columns {
    pub(crate) fn of(intake: Intake, opened_at: Timestamp) -> Result<Self, StoreError> {
        let mut columns = Self::default();
        for arrival in intake.arrivals {
            let profile = arrival.profile.clone().unwrap_or_default();
            let thread = ThreadKey {
                inbox: arrival.inbox.clone(),
                peer: arrival.peer.clone(),
            };
            let (id, contact) = (ConversationId(0), ContactId(0));
            let opened = Conversation::open(id, contact, thread, intake.entry.clone(), opened_at);
            columns.opened.push(Some(to_json(&opened)?));
            columns
                .contact
                .push(Some(to_json(&Contact::new(contact, profile))?));
            columns.body.push(to_json(&arrival)?);
            columns.inbox.push(arrival.inbox.to_string());
            columns.external.push(arrival.external_id.to_string());
            columns.peer.push(arrival.peer.to_string());
        }
        if let Some(moved) = intake.cursor {
            columns.cursor_inbox.push(moved.inbox.to_string());
            columns.cursor_topic.push(moved.topic);
            columns.cursor.push(moved.cursor);
        }
        Ok(columns)
    }

    fn extend(&mut self, other: &Self) {
        self.inbox.extend_from_slice(&other.inbox);
        self.external.extend_from_slice(&other.external);
        self.peer.extend_from_slice(&other.peer);
        self.body.extend_from_slice(&other.body);
        self.opened.extend_from_slice(&other.opened);
        self.contact.extend_from_slice(&other.contact);
        self.cursor_inbox.extend_from_slice(&other.cursor_inbox);
        self.cursor_topic.extend_from_slice(&other.cursor_topic);
        self.cursor.extend_from_slice(&other.cursor);
    }

    /// The columns of arrivals, for steps that accept on the way.
    pub(crate) fn arrivals(&self) -> [&(dyn tokio_postgres::types::ToSql + Sync); 6] {
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

async fn gather(link: Arc<Link>, mut waiting: mpsc::Receiver<Waiting>) {
    let known = Arc::new(Known::default());
    let room = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    loop {
        // First room, then the batch: what comes meanwhile is in it.
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        let mut batch = Vec::new();
        if waiting.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let (link, known) = (link.clone(), known.clone());
        tokio::spawn(async move {
            write(&link, &known, batch).await;
            drop(permit);
        });
    }
}

async fn write(link: &Link, known: &Known, batch: Vec<Waiting>) {
    let mut all = Columns::default();
    let mut shares = Vec::with_capacity(batch.len());
    for one in &batch {
        shares.push(one.given.inbox.len());
        all.extend(&one.given);
    }
    // One clock for all: they came together.
    let now = batch.first().and_then(|one| one.now);
    match accept(link, known, &mut all, now).await {
        Ok(ids) => {
            let mut ids = ids.into_iter();
            for (one, share) in batch.into_iter().zip(shares) {
                // Whoever asked may have gone; what was written stays.
                let _ = one.answer.send(Ok(ids.by_ref().take(share).collect()));
            }
        }
        Err(StoreError::Damaged(reason)) if batch.len() > 1 => {
            tracing::warn!(reason, "a batch was refused; accepting one by one");
            for mut one in batch {
                let result = accept(link, known, &mut one.given, one.now).await;
                let _ = one.answer.send(result);
            }
        }
        Err(error) => {
            for one in batch {
                let _ = one.answer.send(Err(error.clone()));
            }
        }
    }
}

async fn accept(
    link: &Link,
    known: &Known,
    columns: &mut Columns,
    now: Option<i64>,
) -> Result<Vec<Option<ArrivalId>>, StoreError> {
    let whole = known.leave_out(columns);
    match call(link, columns, now).await {
        Err(StoreError::Damaged(reason)) if whole.is_some() => {
            // Another database than before, perhaps: what was remembered of it does not hold.
            tracing::debug!(reason, "accepting without what was remembered");
            known.0.lock().clear();
            (columns.opened, columns.contact) = whole.unwrap_or_default();
            call(link, columns, now).await
        }
        Ok(ids) => {
            known.learn(columns);
            Ok(ids)
        }
        Err(error) => Err(error),
    }
}

async fn call(
    link: &Link,
    columns: &Columns,
    now: Option<i64>,
) -> Result<Vec<Option<ArrivalId>>, StoreError> {
    let sql = "SELECT kefu_accept($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let [inbox, external, peer, body, opened, contact] = columns.arrivals();
    let (cursor_inbox, topic, cursor) = (
        &columns.cursor_inbox,
        &columns.cursor_topic,
        &columns.cursor,
    );
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 10] = [
        &now,
        inbox,
        external,
        peer,
        body,
        opened,
        contact,
        cursor_inbox,
        topic,
        cursor,
    ];
    let row = link.first(sql, &values).await?;
    let ids: Vec<Option<i64>> = row
        .ok_or_else(|| damaged("accept said nothing"))?
        .try_get(0)
        .map_err(damaged)?;
    Ok(ids.into_iter().map(|id| id.map(ArrivalId)).collect())
}

/// Bodies to open conversations with.
type Opening = (Vec<Option<String>>, Vec<Option<String>>);

impl Known {
    /// Leaves the bodies out that are not needed; what was there before, where any was.
    fn leave_out(&self, columns: &mut Columns) -> Option<Opening> {
        let known = self.0.lock();
        let needless: Vec<usize> = (0..columns.inbox.len())
            .filter(|index| {
                let key = (columns.inbox[*index].clone(), columns.peer[*index].clone());
                known.contains(&key)
            })
            .collect();
        if needless.is_empty() {
            return None;
        }
        let before = (columns.opened.clone(), columns.contact.clone());
        for index in needless {
            (columns.opened[index], columns.contact[index]) = (None, None);
        }
        Some(before)
    }

    fn learn(&self, columns: &Columns) {
        let mut known = self.0.lock();
        if known.len() > KNOWN {
            known.clear();
        }
        for (inbox, peer) in columns.inbox.iter().zip(&columns.peer) {
            known.insert((inbox.clone(), peer.clone()));
        }
    }
}
