//! Reading beside the message path: transcripts, traces, the desk, counts; and the few small things kept there.

use std::{collections::BTreeMap, path::Path};

use async_trait::async_trait;
use bridge_core::{
    channel::Dispatch,
    clock::Timestamp,
    conversation::{Contact, Conversation, Phase},
    message::{
        AgentName, Arrival, ArrivalId, ConversationId, DispatchId, EntryId, Handle, InboxName,
        PeerId, ThreadKey,
    },
    store::{
        Confirmation, Depths, DeskState, Entry, OpenThread, Records, StoreError, StoredMedia, Tie,
        Trace, TraceArrival, TraceDispatch, WaitingRow,
    },
};
use tokio_postgres::{Row, types::FromSql};

use crate::{
    Postgres, Time, confirm, kin,
    link::{PING, damaged},
    rows::{self, from_json, to_json},
};

/// Lines looked at when a dispatch is searched by the platform's id.
pub(crate) const LOOK_BACK: i64 = 200;
/// Rows removed in one step of a sweep.
const STEP: i64 = 2000;
/// Lanes whose held dispatches are forgotten in one: each is a lock.
const LANES: i32 = 200;

fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(damaged)
}

fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// The last lines of a conversation along the chain of its lines, newest first.
const CHAIN: &str = "WITH RECURSIVE lines AS (
    SELECT e.*, (e.at >= $3)::integer AS nth FROM conversations c JOIN entries e ON e.id = c.tail AND e.conversation = c.id WHERE c.id = $1
    UNION ALL
    SELECT e.*, lines.nth + (e.at >= $3)::integer FROM lines JOIN entries e ON e.id = lines.prev AND e.conversation = $1
    WHERE lines.nth < $2 AND (e.at >= $3 OR e.author = '{\"by\":\"note\"}'))";

fn entry(row: &Row) -> Result<Entry, StoreError> {
    Ok(Entry {
        id: EntryId(get(row, 0)?),
        trace: ArrivalId(get(row, 1)?),
        episode: u32::try_from(get::<i32>(row, 2)?).map_err(damaged)?,
        at: Timestamp(get(row, 3)?),
        author: from_json(get(row, 4)?)?,
        content: from_json(get(row, 5)?)?,
    })
}

/// A dispatch that was settled: id, time, state, tries, reason, external id, losses, body, when it was confirmed.
pub(crate) fn settled(row: &Row) -> Result<TraceDispatch, StoreError> {
    let body: Dispatch = from_json(get(row, 7)?)?;
    Ok(TraceDispatch {
        id: DispatchId(get(row, 0)?),
        inbox: body.inbox,
        to: body.to,
        content: body.content,
        created_at: body.created_at,
        at: Timestamp(get(row, 1)?),
        state: get(row, 2)?,
        attempts: u32::try_from(get::<i32>(row, 3)?).unwrap_or_default(),
        reason: get(row, 4)?,
        external_id: get(row, 5)?,
        lost: from_json(get(row, 6)?)?,
        confirmed_at: get::<Option<i64>>(row, 8)?.map(Timestamp),
    })
}

#[async_trait]
impl Records for Postgres {
    async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<(Conversation, Contact)>, StoreError> {
        let sql = "SELECT c.body, p.id, p.body FROM conversations c JOIN contacts p ON p.id = c.contact WHERE c.id = $1";
        let Some(row) = self.link.first(sql, &[&id.0]).await? else {
            return Ok(None);
        };
        let contact: i64 = get(&row, 1)?;
        Ok(Some((
            rows::conversation(id.0, contact, get(&row, 0)?)?,
            rows::contact(contact, get(&row, 2)?)?,
        )))
    }

    async fn find(&self, thread: &ThreadKey) -> Result<Option<ConversationId>, StoreError> {
        let sql = "SELECT conversation FROM threads WHERE inbox = $1 AND peer = $2";
        let (inbox, peer) = (thread.inbox.as_str(), thread.peer.as_str());
        let row = self.link.first(sql, &[&inbox, &peer]).await?;
        row.map(|row| get(&row, 0).map(ConversationId)).transpose()
    }

    async fn kin(
        &self,
        id: ConversationId,
        tie: Option<&Tie>,
    ) -> Result<Vec<(Conversation, Contact)>, StoreError> {
        let (with, handles) = kin::concern(tie);
        let sql = "SELECT c.id, c.body, p.id, p.body FROM conversations c JOIN contacts p ON p.id = c.contact
            WHERE c.id = ANY (ARRAY(SELECT unnest(kefu_concerned($1, $2, $3)))) ORDER BY c.id";
        let rows = self.link.query(sql, &[&id.0, &with, &handles]).await?;
        let read = |row: &Row| {
            let contact: i64 = get(row, 2)?;
            Ok((
                rows::conversation(get(row, 0)?, contact, get(row, 1)?)?,
                rows::contact(contact, get(row, 3)?)?,
            ))
        };
        rows.iter().map(read).collect()
    }

    async fn known_as(&self, handle: &Handle) -> Result<Vec<ConversationId>, StoreError> {
        let sql =
            "SELECT conversation FROM handles WHERE handle = $1 ORDER BY conversation LIMIT 100";
        let rows = self.link.query(sql, &[&handle.as_str()]).await?;
        rows.iter()
            .map(|row| get(row, 0).map(ConversationId))
            .collect()
    }

    async fn recent(
        &self,
        id: ConversationId,
        limit: usize,
        this_opening: bool,
    ) -> Result<Vec<Entry>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let since = match this_opening {
            true => Records::conversation(self, id)
                .await?
                .map_or(i64::MIN, |(conversation, _)| conversation.opened_at.0),
            false => i64::MIN,
        };
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let sql = format!(
            "{CHAIN} SELECT id, trace, episode, at, author, body FROM lines WHERE at >= $3 ORDER BY nth DESC"
        );
        let rows = self.link.query(&sql, &[&id.0, &limit, &since]).await?;
        rows.iter().map(entry).collect()
    }

    async fn desk(&self) -> Result<DeskState, StoreError> {
        let loads = "SELECT agent, count(*) FROM conversations WHERE phase = 2 GROUP BY agent ORDER BY agent";
        let waiting = "SELECT c.id, p.id, c.body, p.body FROM conversations c JOIN contacts p ON p.id = c.contact
            WHERE c.phase = 1";
        let mut state = DeskState::default();
        for row in self.link.query(loads, &[]).await? {
            let agent = AgentName::new(get::<&str>(&row, 0)?);
            let load = u32::try_from(get::<i64>(&row, 1)?).unwrap_or(u32::MAX);
            state.loads.push((agent, load));
        }
        for row in self.link.query(waiting, &[]).await? {
            let contact: i64 = get(&row, 1)?;
            let conversation = rows::conversation(get(&row, 0)?, contact, get(&row, 2)?)?;
            if let Phase::Queued(waiting) = conversation.phase {
                state.waiting.push(WaitingRow {
                    conversation: conversation.id,
                    thread: conversation.thread,
                    episode: conversation.episode,
                    waiting,
                    dedicated: rows::contact(contact, get(&row, 3)?)?.dedicated,
                });
            }
        }
        state.waiting.sort_by_key(|row| {
            let first = std::cmp::Reverse(row.waiting.priority);
            (first, row.waiting.since, row.conversation)
        });
        Ok(state)
    }

    async fn open_threads(&self) -> Result<Vec<OpenThread>, StoreError> {
        let sql = "SELECT c.id, c.body, t.inbox, t.peer FROM conversations c
            LEFT JOIN threads t ON t.conversation = c.id AND t.desk WHERE c.phase = 2";
        let mut open: BTreeMap<i64, OpenThread> = BTreeMap::new();
        for row in self.link.query(sql, &[]).await? {
            let id: i64 = get(&row, 0)?;
            let conversation: Conversation = from_json(get(&row, 1)?)?;
            let Phase::Assigned { agent, since } = conversation.phase else {
                continue;
            };
            let one = open.entry(id).or_insert(OpenThread {
                agent,
                threads: Vec::new(),
                since,
            });
            let thread: (Option<&str>, Option<&str>) = (get(&row, 2)?, get(&row, 3)?);
            if let (Some(inbox), Some(peer)) = thread {
                one.threads.push(ThreadKey {
                    inbox: InboxName::new(inbox),
                    peer: PeerId::new(peer),
                });
            }
        }
        Ok(open.into_values().collect())
    }

    async fn trace(&self, id: ArrivalId) -> Result<Option<Trace>, StoreError> {
        let sql =
            "SELECT conversation, at, body, NULL::bigint, NULL::text FROM arrivals WHERE id = $1
            UNION ALL SELECT conversation, at, body, turned_at, verdict FROM turned WHERE id = $1";
        let Some(row) = self.link.first(sql, &[&id.0]).await? else {
            return Ok(None);
        };
        let turned: (Option<i64>, Option<&str>) = (get(&row, 3)?, get(&row, 4)?);
        let turned = match turned {
            (Some(at), Some(verdict)) => Some((Timestamp(at), from_json(verdict)?)),
            _ => None,
        };
        let arrival: Arrival = from_json(get(&row, 2)?)?;
        let arrival = TraceArrival {
            id,
            conversation: ConversationId(get(&row, 0)?),
            decoded_at: arrival.decoded(),
            arrival,
            accepted_at: Timestamp(get(&row, 1)?),
            turned,
        };
        let sql = "SELECT id, at, state, attempts, reason, external_id, lost, body, confirmed_at FROM sent WHERE trace = $1
            UNION ALL SELECT id, due_at, CASE WHEN held THEN 'held' ELSE 'waiting' END, attempts, reason, NULL, '[]', body, NULL
            FROM dispatches WHERE trace = $1 ORDER BY id";
        let rows = self.link.query(sql, &[&id.0]).await?;
        Ok(Some(Trace {
            arrival,
            dispatches: rows.iter().map(settled).collect::<Result<_, _>>()?,
        }))
    }

    async fn cursor(&self, inbox: &InboxName, topic: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT cursor FROM cursors WHERE inbox = $1 AND topic = $2";
        let row = self.link.first(sql, &[&inbox.as_str(), &topic]).await?;
        row.map(|row| get(&row, 0)).transpose()
    }

    async fn media(&self, key: &str) -> Result<Option<StoredMedia>, StoreError> {
        let sql = "SELECT body FROM media WHERE key = $1";
        let row = self.link.first(sql, &[&key]).await?;
        row.map(|row| from_json(get(&row, 0)?)).transpose()
    }

    async fn put_media(&self, key: &str, media: &StoredMedia) -> Result<(), StoreError> {
        let sql = "INSERT INTO media (key, body) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET body = excluded.body";
        let body = to_json(media)?;
        self.link.query(sql, &[&key, &body]).await.map(drop)
    }

    async fn put_fact(&self, key: &str, value: &str) -> Result<String, StoreError> {
        // Updated to itself, so that the row is returned whoever wrote it.
        let sql = "INSERT INTO facts (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = facts.value
            RETURNING value";
        let row = self.link.first(sql, &[&key, &value]).await?;
        get(&row.ok_or_else(|| damaged("a fact was not kept"))?, 0)
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM arrivals), (SELECT count(*) FROM dispatches WHERE NOT held),
            (SELECT count(*) FROM dispatches WHERE held), (SELECT count(*) FROM errands),
            count(*) FILTER (WHERE phase = 1), count(*) FILTER (WHERE phase = 2), count(*),
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint
            FROM conversations WHERE phase < 3";
        let asked = self.clock.now();
        let row = self.link.first(sql, &[]).await?;
        let row = row.ok_or_else(|| damaged("nothing was counted"))?;
        if self.time == Time::Database {
            self.skew.seen(asked, get(&row, 7)?, self.clock.now());
        }
        let depth = |column| get(&row, column).map(number);
        Ok(Depths {
            arrivals: depth(0)?,
            dispatches: depth(1)?,
            held: depth(2)?,
            errands: depth(3)?,
            queued: depth(4)?,
            assigned: depth(5)?,
            open: depth(6)?,
        })
    }

    async fn sweep(&self, before: Timestamp, seen_before: Timestamp) -> Result<u64, StoreError> {
        // Oldest rows have the smallest keys: each walk begins at the left edge and stops where nothing is old. Inboxes are
        // found by stepping from one to the next along the index: DISTINCT would read every key there is.
        let sql = "WITH RECURSIVE inboxes AS (
                (SELECT inbox FROM seen ORDER BY inbox LIMIT 1)
                UNION ALL
                SELECT (SELECT s.inbox FROM seen s WHERE s.inbox > i.inbox ORDER BY s.inbox LIMIT 1)
                FROM inboxes i WHERE i.inbox IS NOT NULL),
            a AS (DELETE FROM turned WHERE id IN (SELECT id FROM
                (SELECT id, turned_at FROM turned ORDER BY id LIMIT $3) AS t WHERE turned_at < $1) RETURNING 1),
            b AS (DELETE FROM entries WHERE id IN (SELECT id FROM
                (SELECT id, at FROM entries ORDER BY id LIMIT $3) AS t WHERE at < $1) RETURNING 1),
            c AS (DELETE FROM sent WHERE (trace, id) IN (SELECT trace, id FROM
                (SELECT trace, id, at FROM sent ORDER BY trace, id LIMIT $3) AS t WHERE at < $1) RETURNING 1),
            d AS (DELETE FROM seen s USING inboxes AS i CROSS JOIN LATERAL (
                (SELECT external_id, at FROM seen x WHERE x.inbox = i.inbox ORDER BY external_id LIMIT $3)
                UNION ALL
                (SELECT external_id, at FROM seen x WHERE x.inbox = i.inbox AND external_id >= 'errand:'
                    ORDER BY external_id LIMIT $3)) AS old
                WHERE s.inbox = i.inbox AND s.external_id = old.external_id AND old.at < $2 RETURNING 1)
            SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) + (SELECT count(*) FROM c)
                + (SELECT count(*) FROM d)";
        let row = self
            .link
            .first(sql, &[&before.0, &seen_before.0, &STEP])
            .await?;
        let rows = row.map(|row| get::<i64>(&row, 0)).transpose()?;
        let forget = "SELECT kefu_forget($1, $2, $3)";
        let row = self
            .link
            .first(forget, &[&self.now(), &before.0, &LANES])
            .await?;
        let forgotten = row.map(|row| get::<i64>(&row, 0)).transpose()?;
        Ok(number(rows.unwrap_or_default()) + number(forgotten.unwrap_or_default()))
    }

    async fn sent(
        &self,
        id: ConversationId,
        external_id: &str,
    ) -> Result<Option<DispatchId>, StoreError> {
        let (limit, since) = (i32::try_from(LOOK_BACK).unwrap_or(i32::MAX), i64::MIN);
        let sql = format!(
            "{CHAIN} SELECT s.id FROM (SELECT DISTINCT trace FROM lines) AS l JOIN sent s ON s.trace = l.trace
            WHERE s.external_id = $4 ORDER BY s.id DESC LIMIT 1"
        );
        let row = self
            .link
            .first(&sql, &[&id.0, &limit, &since, &external_id])
            .await?;
        row.map(|row| get(&row, 0).map(DispatchId)).transpose()
    }

    async fn unsent(
        &self,
        id: ConversationId,
        external_id: &str,
        reason: &str,
    ) -> Result<Option<TraceDispatch>, StoreError> {
        let (limit, since) = (i32::try_from(LOOK_BACK).unwrap_or(i32::MAX), i64::MIN);
        let sql = format!(
            "{CHAIN} UPDATE sent SET state = 'dead', reason = $5 WHERE (trace, id) = (
                SELECT s.trace, s.id FROM (SELECT DISTINCT trace FROM lines) AS l JOIN sent s ON s.trace = l.trace
                WHERE s.external_id = $4 ORDER BY s.id DESC LIMIT 1)
            RETURNING id, at, state, attempts, reason, external_id, lost, body, confirmed_at"
        );
        let row = self
            .link
            .first(&sql, &[&id.0, &limit, &since, &external_id, &reason])
            .await?;
        row.as_ref().map(settled).transpose()
    }

    async fn confirm(
        &self,
        id: ConversationId,
        what: &Confirmation,
        at: Timestamp,
    ) -> Result<Vec<TraceDispatch>, StoreError> {
        confirm::confirm(&self.link, id, what, at).await
    }

    async fn backup(&self, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unavailable(
            "PostgreSQL is backed up by its own tools: pg_dump -Fc, or a base backup with WAL archiving".to_owned(),
        ))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.link.query(PING, &[]).await.map(drop)
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.link.close();
        Ok(())
    }
}
