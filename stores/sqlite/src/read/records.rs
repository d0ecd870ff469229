//! The records as the bridge asks for them: what is small and asked often comes from the index, the rest from the
//! readers; the few duties that write go through the writer as everything does.

use std::path::Path;

use async_trait::async_trait;
use bridge_core::{
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{ArrivalId, ConversationId, DispatchId, Handle, InboxName, ThreadKey},
    store::{
        Confirmation, Depths, DeskState, Entry, OpenThread, Records, StoreError, StoredMedia, Tie,
        Trace, TraceDispatch,
    },
};
use rusqlite::Connection;

use super::{backup, conversation, first, sweep, trace, transcript};
use crate::{
    Sqlite, confirm, kin,
    rows::{from_json, to_json},
    unavailable,
    write::Forget,
    writer::Tx,
};

#[async_trait]
impl Records for Sqlite {
    async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<(Conversation, Contact)>, StoreError> {
        if let Some(known) = self.index.lock().cached(id) {
            return Ok(Some(known));
        }
        self.readers.run(move |db| conversation(db, id)).await
    }

    async fn find(&self, thread: &ThreadKey) -> Result<Option<ConversationId>, StoreError> {
        let (inbox, peer) = (thread.inbox.to_string(), thread.peer.to_string());
        let sql = "SELECT t.conversation FROM threads t JOIN inboxes i ON i.id = t.inbox WHERE i.name = ?1 AND t.peer = ?2";
        self.readers
            .run(move |db| {
                first(db, sql, &[&inbox, &peer], |row| {
                    Ok(ConversationId(row.get(0)?))
                })
            })
            .await
    }

    async fn kin(
        &self,
        id: ConversationId,
        tie: Option<&Tie>,
    ) -> Result<Vec<(Conversation, Contact)>, StoreError> {
        let tie = tie.cloned();
        let read = move |db: &Connection| {
            let group = kin::concerned(db, id, tie.as_ref())?;
            let known = group.into_iter().map(|id| conversation(db, id));
            Ok(known
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .flatten()
                .collect())
        };
        self.readers.run(read).await
    }

    async fn known_as(&self, handle: &Handle) -> Result<Vec<ConversationId>, StoreError> {
        let handle = handle.clone();
        self.readers.run(move |db| kin::known_as(db, &handle)).await
    }

    async fn recent(
        &self,
        id: ConversationId,
        limit: usize,
        this_opening: bool,
    ) -> Result<Vec<Entry>, StoreError> {
        self.readers
            .run(move |db| transcript::recent(db, id, limit, this_opening))
            .await
    }

    async fn desk(&self) -> Result<DeskState, StoreError> {
        Ok(self.index.lock().people.desk())
    }

    async fn open_threads(&self) -> Result<Vec<OpenThread>, StoreError> {
        Ok(self.index.lock().open_threads())
    }

    async fn trace(&self, id: ArrivalId) -> Result<Option<Trace>, StoreError> {
        self.readers.run(move |db| trace::trace(db, id)).await
    }

    async fn cursor(&self, inbox: &InboxName, topic: &str) -> Result<Option<String>, StoreError> {
        let (inbox, topic) = (inbox.to_string(), topic.to_owned());
        let sql = "SELECT c.cursor FROM cursors c JOIN inboxes i ON i.id = c.inbox WHERE i.name = ?1 AND c.topic = ?2";
        self.readers
            .run(move |db| first(db, sql, &[&inbox, &topic], |row| row.get(0)))
            .await
    }

    async fn media(&self, key: &str) -> Result<Option<StoredMedia>, StoreError> {
        let key = key.to_owned();
        let sql = "SELECT body FROM media WHERE key = ?1";
        let body = move |db: &Connection| first(db, sql, &[&key], |row| row.get::<_, String>(0));
        self.readers
            .run(body)
            .await?
            .map(|body| from_json(&body))
            .transpose()
    }

    async fn put_media(&self, key: &str, media: &StoredMedia) -> Result<(), StoreError> {
        let (key, body) = (key.to_owned(), to_json(media)?);
        const PUT: &str = "INSERT INTO media (key, body) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body";
        self.writer
            .statements(move |tx| tx.run(PUT, &[&key, &body]).map(drop))
            .await
    }

    async fn put_fact(&self, key: &str, value: &str) -> Result<String, StoreError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.writer
            .statements(move |tx| {
                tx.run(
                    "INSERT INTO facts (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    &[&key, &value],
                )?;
                let kept: Option<String> =
                    tx.one("SELECT value FROM facts WHERE key = ?1", &[&key])?;
                Ok(kept.unwrap_or_default())
            })
            .await
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        let index = self.index.lock();
        let (dispatches, held) = index.dispatches.count();
        let (queued, assigned) = index.people.counts();
        Ok(Depths {
            arrivals: index.waiting,
            dispatches: dispatches - held,
            held,
            errands: index.errands.count().0,
            queued,
            assigned,
            open: index.open,
        })
    }

    async fn sweep(&self, before: Timestamp, seen_before: Timestamp) -> Result<u64, StoreError> {
        let history = move |tx: &mut Tx<'_>| sweep::sweep(tx, before, seen_before);
        let rows = self.writer.statements(history).await?;
        Ok(rows + self.writer.run(Forget::new(before)).await?)
    }

    async fn sent(
        &self,
        id: ConversationId,
        external_id: &str,
    ) -> Result<Option<DispatchId>, StoreError> {
        let external_id = external_id.to_owned();
        self.readers
            .run(move |db| Ok(trace::sent_as(db, id, &external_id)?.map(|(_, found)| found.id)))
            .await
    }

    async fn unsent(
        &self,
        id: ConversationId,
        external_id: &str,
        reason: &str,
    ) -> Result<Option<TraceDispatch>, StoreError> {
        let (external_id, reason) = (external_id.to_owned(), reason.to_owned());
        self.writer
            .statements(move |tx| {
                let found = trace::sent_as(tx.db, id, &external_id)?.map(|(trace, mut line)| {
                    (line.state, line.reason) = ("dead".to_owned(), Some(reason.clone()));
                    (trace, line)
                });
                if let Some((trace, line)) = &found {
                    let update = "UPDATE sent SET body = ?3 WHERE trace = ?1 AND id = ?2";
                    tx.run(update, &[&trace.0, &line.id.0, &to_json(line)?])?;
                }
                Ok(found.map(|(_, line)| line))
            })
            .await
    }

    async fn confirm(
        &self,
        id: ConversationId,
        what: &Confirmation,
        at: Timestamp,
    ) -> Result<Vec<TraceDispatch>, StoreError> {
        let wanted = what.clone();
        let look = move |db: &Connection| Ok(confirm::confirmed(db, id, &wanted)?.is_empty());
        // Most receipts say what is known: they cost no commit.
        if self.readers.run(look).await? {
            return Ok(Vec::new());
        }
        let what = what.clone();
        self.writer
            .statements(move |tx| confirm::confirm(tx, id, &what, at))
            .await
    }

    async fn backup(&self, directory: &Path) -> Result<(), StoreError> {
        let (from, to) = (self.path.clone(), directory.join("kefu.db"));
        tokio::task::spawn_blocking(move || backup::copy(&from, &to))
            .await
            .map_err(unavailable)?
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.writer
            .statements(|tx| {
                let put = "INSERT INTO facts (key, value) VALUES ('ping', '1') ON CONFLICT DO UPDATE SET value = 1 - value";
                tx.run(put, &[]).map(drop)
            })
            .await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.writer.close();
        self.readers.close();
        Ok(())
    }
}
