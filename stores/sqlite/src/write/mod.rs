//! The requests that write: accept, commit, settle, and forget what nobody will settle. Each is prepared (serialised) by its caller, so that the
//! writer thread only binds values.

mod accept;
mod commit;
mod forget;
mod settle;

pub(crate) use accept::Accept;
pub(crate) use commit::Commit;
pub(crate) use forget::Forget;
pub(crate) use settle::Settle;

use bridge_core::{
    message::{ConversationId, InboxName},
    store::{NewEntry, StoreError},
};
use rusqlite::{OptionalExtension, ToSql};

use crate::{unavailable, writer::Tx};

/// Numbers reserved at once.
const BLOCK: i64 = 4096;

impl Tx<'_> {
    /// Runs a cached statement; how many rows it changed.
    pub(crate) fn run(&self, sql: &str, values: &[&dyn ToSql]) -> Result<usize, StoreError> {
        self.wrote.set(true);
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(unavailable)
    }

    /// The first column of the first row, if there is one.
    pub(crate) fn one<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        values: &[&dyn ToSql],
    ) -> Result<Option<T>, StoreError> {
        if !sql.starts_with("SELECT") {
            self.wrote.set(true);
        }
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(values, |row| row.get(0)).optional())
            .map_err(unavailable)
    }

    /// An inbox's small number, which keeps keys short and together.
    pub(crate) fn inbox(&mut self, name: &InboxName) -> Result<i64, StoreError> {
        if let Some(id) = self.memo.inboxes.get(name.as_str()) {
            return Ok(*id);
        }
        self.run(
            "INSERT INTO inboxes (name) VALUES (?1) ON CONFLICT DO NOTHING",
            &[&name.as_str()],
        )?;
        let id = self
            .one::<i64>("SELECT id FROM inboxes WHERE name = ?1", &[&name.as_str()])?
            .unwrap_or_default();
        self.memo.inboxes.insert(name.to_string(), id);
        Ok(id)
    }

    /// The last line of a transcript.
    pub(crate) fn tail(&self, id: ConversationId) -> Result<i64, StoreError> {
        let find = "SELECT tail FROM conversations WHERE id = ?1";
        match self.memo.tails.get(&id) {
            Some(tail) => Ok(*tail),
            None => Ok(self.one::<i64>(find, &[&id.0])?.unwrap_or_default()),
        }
    }

    /// Adds a line to a transcript whose last one is `tail`; its number is the new tail.
    pub(crate) fn line(
        &mut self,
        id: ConversationId,
        tail: i64,
        episode: u32,
        entry: &NewEntry,
        author: &str,
        content: &str,
    ) -> Result<i64, StoreError> {
        self.memo.ids.entry += 1;
        let number = self.memo.ids.entry;
        self.run(
            "INSERT INTO entries (id, conversation, prev, trace, episode, at, author, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            &[
                &number,
                &id.0,
                &tail,
                &entry.trace.0,
                &episode,
                &entry.at.0,
                &author,
                &content,
            ],
        )?;
        Ok(number)
    }

    /// A number for a dispatch. Settled dispatches leave their table, so the last number is kept apart, in blocks.
    pub(crate) fn dispatch_id(&mut self) -> Result<i64, StoreError> {
        self.memo.ids.dispatch += 1;
        let id = self.memo.ids.dispatch;
        if id > self.memo.ids.dispatch_reserved {
            self.memo.ids.dispatch_reserved = self.reserve("last_dispatch", id)?;
        }
        Ok(id)
    }

    /// A number for an errand.
    pub(crate) fn errand_id(&mut self) -> Result<i64, StoreError> {
        self.memo.ids.errand += 1;
        let id = self.memo.ids.errand;
        if id > self.memo.ids.errand_reserved {
            self.memo.ids.errand_reserved = self.reserve("last_errand", id)?;
        }
        Ok(id)
    }

    /// Keeps the last numbers of tables that a sweep may empty: a number is never given twice.
    pub(crate) fn keep_numbers(&self) -> Result<(), StoreError> {
        let ids = &self.memo.ids;
        for (key, last) in [("last_arrival", ids.arrival), ("last_entry", ids.entry)] {
            self.reserve(key, last)?;
        }
        Ok(())
    }

    fn reserve(&self, key: &str, from: i64) -> Result<i64, StoreError> {
        let last = from + BLOCK;
        let put = "INSERT INTO facts (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
        self.run(put, &[&key, &last.to_string()])?;
        Ok(last)
    }
}
