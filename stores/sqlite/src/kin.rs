//! Who is whom: rows only for contacts that are tied to others or set apart. A person is called by the smallest number of
//! their conversations.

use std::collections::BTreeSet;

use bridge_core::{
    message::{ConversationId, Handle},
    store::{StoreError, Tie, Tied},
};
use rusqlite::{Connection, ToSql};

use crate::{rows::to_json, unavailable, writer::Tx};

/// The most conversations that one handle finds.
const MOST: i64 = 100;

type Group = BTreeSet<ConversationId>;

/// Whoever is known by a handle.
pub(crate) fn known_as(
    db: &Connection,
    handle: &Handle,
) -> Result<Vec<ConversationId>, StoreError> {
    let sql = "SELECT conversation FROM handles WHERE handle = ?1 ORDER BY conversation LIMIT ?2";
    numbers(db, sql, &[&handle.as_str(), &MOST])
}

/// Whom a tie concerns; without one, whoever is one person with this one.
pub(crate) fn concerned(
    db: &Connection,
    id: ConversationId,
    tie: Option<&Tie>,
) -> Result<Group, StoreError> {
    let mut group = Group::new();
    join(db, &mut group, id)?;
    match tie {
        Some(Tie::Join(with)) => join(db, &mut group, *with)?,
        Some(Tie::Known(handles)) if !is_apart(db, id)? => {
            for handle in handles {
                for other in known_as(db, handle)? {
                    if !is_apart(db, other)? {
                        join(db, &mut group, other)?;
                    }
                }
            }
        }
        Some(Tie::Known(_) | Tie::Part(_)) | None => {}
    }
    Ok(group)
}

/// Adds one and whoever is one person with it.
fn join(db: &Connection, group: &mut Group, id: ConversationId) -> Result<(), StoreError> {
    let same = "SELECT m.conversation FROM kin k JOIN kin m ON m.person = k.person WHERE k.conversation = ?1";
    group.insert(id);
    group.extend(numbers(db, same, &[&id.0])?);
    Ok(())
}

fn is_apart(db: &Connection, id: ConversationId) -> Result<bool, StoreError> {
    let sql = "SELECT conversation FROM kin WHERE conversation = ?1 AND apart = 1";
    Ok(!numbers(db, sql, &[&id.0])?.is_empty())
}

fn numbers(
    db: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<ConversationId>, StoreError> {
    let mut statement = db.prepare_cached(sql).map_err(unavailable)?;
    let rows = statement
        .query_map(values, |row| row.get(0).map(ConversationId))
        .map_err(unavailable)?;
    rows.collect::<Result<_, _>>().map_err(unavailable)
}

impl Tx<'_> {
    /// Writes a tie and its notes, if it still concerns whom the turn saw.
    pub(crate) fn tie(&mut self, id: ConversationId, tied: &Tied) -> Result<(), StoreError> {
        let mut group = concerned(self.db, id, Some(&tied.tie))?;
        if !group.iter().eq(&tied.seen) {
            return Err(StoreError::Moved);
        }
        match &tied.tie {
            Tie::Known(handles) => {
                for handle in handles {
                    let insert = "INSERT INTO handles (handle, conversation) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                    self.run(insert, &[&handle.as_str(), &id.0])?;
                }
            }
            Tie::Join(_) => self.untie(&group)?,
            Tie::Part(who) => {
                self.untie(&group)?;
                group.remove(who);
                self.put_kin(*who, *who, true)?;
            }
        }
        if let (Some(person), true) = (group.first(), group.len() > 1) {
            for one in &group {
                self.put_kin(*one, *person, false)?;
            }
        }
        for noted in &tied.notes {
            let (entry, other) = (&noted.entry, noted.conversation);
            let (author, content) = (to_json(&entry.author)?, to_json(&entry.content)?);
            let tail = self.tail(other)?;
            let tail = self.line(other, tail, noted.episode, entry, &author, &content)?;
            let update = "UPDATE conversations SET tail = ?2 WHERE id = ?1";
            self.run(update, &[&other.0, &tail])?;
            self.memo.tails.insert(other, tail);
        }
        Ok(())
    }

    fn untie(&self, group: &Group) -> Result<(), StoreError> {
        for one in group {
            self.run("DELETE FROM kin WHERE conversation = ?1", &[&one.0])?;
        }
        Ok(())
    }

    fn put_kin(
        &self,
        id: ConversationId,
        person: ConversationId,
        apart: bool,
    ) -> Result<(), StoreError> {
        let put = "INSERT INTO kin (conversation, person, apart) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET person = excluded.person, apart = excluded.apart";
        self.run(put, &[&id.0, &person.0, &apart]).map(drop)
    }
}
