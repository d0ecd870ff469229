//! Rows as JSON objects whose members are the columns, and back.

use bridge_core::{
    channel::Dispatch,
    clock::Timestamp,
    conversation::Conversation,
    message::{
        ArrivalId, BotName, ConversationId, DispatchId, EntryId, ErrandId, ExternalId, InboxName,
        PeerId, ThreadKey,
    },
    store::{
        Entry, StoreError, TraceDispatch,
        moving::{ErrandRow, Row, Table},
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    link::damaged,
    rows::{self, from_json, lane, phase_number, to_json},
};

/// A row as an object.
pub(super) fn object(row: &Row) -> Result<Value, StoreError> {
    Ok(match row {
        Row::Fact { key, value } => json!({ "key": key, "value": value }),
        Row::Contact(contact) => json!({ "id": contact.id, "body": to_json(contact)? }),
        Row::Conversation { conversation, tail } => json!({
            "id": conversation.id, "contact": conversation.contact, "phase": phase_number(&conversation.phase),
            "agent": conversation.agent(), "tail": tail, "body": to_json(conversation)?,
        }),
        Row::Thread {
            thread,
            conversation,
            desk,
        } => {
            json!({ "inbox": thread.inbox, "peer": thread.peer, "conversation": conversation, "desk": desk })
        }
        Row::Kin {
            conversation,
            person,
            apart,
        } => json!({ "conversation": conversation, "person": person, "apart": apart }),
        Row::Handle {
            handle,
            conversation,
        } => json!({ "handle": handle, "conversation": conversation }),
        Row::Arrival {
            id,
            conversation,
            at,
            failures,
            arrival,
        } => json!({
            "id": id, "conversation": conversation, "at": at, "failures": failures, "body": to_json(arrival)?,
        }),
        Row::Turned {
            id,
            conversation,
            at,
            turned_at,
            verdict,
            arrival,
        } => json!({
            "id": id, "conversation": conversation, "at": at, "turned_at": turned_at, "verdict": to_json(verdict)?,
            "body": to_json(arrival)?,
        }),
        Row::Entry {
            conversation,
            prev,
            entry,
        } => json!({
            "id": entry.id, "conversation": conversation, "prev": prev, "trace": entry.trace, "episode": entry.episode,
            "at": entry.at, "author": to_json(&entry.author)?, "body": to_json(&entry.content)?,
        }),
        Row::Dispatch {
            dispatch,
            held,
            due_at,
            reason,
        } => waiting(dispatch, *held, *due_at, reason.as_deref())?,
        Row::Sent { trace, line } => sent(*trace, line)?,
        Row::Errand(errand) => json!({
            "id": errand.id, "conversation": errand.conversation, "due_at": errand.due_at, "latest": errand.latest,
            "attempts": errand.attempts, "fence": 0, "until": 0, "trace": errand.trace, "episode": errand.episode,
            "bot": errand.bot, "argv": to_json(&errand.argv)?,
            "said": errand.said.iter().map(to_json).collect::<Result<Vec<_>, _>>()?,
        }),
        Row::Deadline {
            conversation,
            kind,
            at,
            episode,
        } => json!({
            "conversation": conversation, "kind": to_json(kind)?, "at": at, "look_at": at, "episode": episode,
            "fence": 0, "until": 0,
        }),
        Row::Cursor {
            inbox,
            topic,
            cursor,
        } => json!({ "inbox": inbox, "topic": topic, "cursor": cursor }),
        Row::Media { key, media } => json!({ "key": key, "body": to_json(media)? }),
        Row::Seen {
            inbox,
            external_id,
            at,
        } => json!({ "inbox": inbox, "external_id": external_id, "at": at }),
    })
}

/// Something that waits to be sent. Whether it is the first of its lane is seen when all are there.
fn waiting(
    dispatch: &Dispatch,
    held: bool,
    due_at: Timestamp,
    reason: Option<&str>,
) -> Result<Value, StoreError> {
    let sender = dispatch.sender.as_ref().map(|sender| &sender.id);
    Ok(json!({
        "id": dispatch.id, "lane": lane(&dispatch.inbox, &dispatch.to, sender), "head": false, "held": held,
        "due_at": due_at, "attempts": dispatch.attempt, "fence": 0, "until": 0, "trace": dispatch.trace,
        "reason": reason, "body": to_json(&unnumbered(dispatch))?,
    }))
}

/// As its body is written: number and tries are columns.
fn unnumbered(dispatch: &Dispatch) -> Dispatch {
    Dispatch {
        id: DispatchId(0),
        attempt: 0,
        ..dispatch.clone()
    }
}

/// Something that was sent. In whose name is not asked for any more.
fn sent(trace: ArrivalId, line: &TraceDispatch) -> Result<Value, StoreError> {
    let body = Dispatch {
        id: DispatchId(0),
        trace,
        conversation: ConversationId(0),
        inbox: line.inbox.clone(),
        to: line.to.clone(),
        sender: None,
        content: line.content.clone(),
        attempt: 0,
        created_at: line.created_at,
    };
    Ok(json!({
        "trace": trace, "id": line.id, "at": line.at, "state": line.state, "attempts": line.attempts,
        "reason": line.reason, "external_id": line.external_id, "lost": to_json(&line.lost)?, "body": to_json(&body)?,
        "confirmed_at": line.confirmed_at,
    }))
}

/// A row from its object.
pub(super) fn row(table: Table, value: Value) -> Result<Row, StoreError> {
    let columns = Columns(value);
    Ok(match table {
        Table::Facts => Row::Fact {
            key: columns.get("key")?,
            value: columns.get("value")?,
        },
        Table::Contacts => Row::Contact(rows::contact(columns.get("id")?, columns.text("body")?)?),
        Table::Conversations => Row::Conversation {
            conversation: Box::new(conversation(&columns)?),
            tail: columns.get("tail")?,
        },
        Table::Threads => Row::Thread {
            thread: ThreadKey {
                inbox: columns.get("inbox")?,
                peer: columns.get::<PeerId>("peer")?,
            },
            conversation: columns.get("conversation")?,
            desk: columns.get("desk")?,
        },
        Table::Kin => Row::Kin {
            conversation: columns.get("conversation")?,
            person: columns.get("person")?,
            apart: columns.get("apart")?,
        },
        Table::Handles => Row::Handle {
            handle: columns.get("handle")?,
            conversation: columns.get("conversation")?,
        },
        Table::Arrivals => Row::Arrival {
            id: columns.get("id")?,
            conversation: columns.get("conversation")?,
            at: columns.get("at")?,
            failures: columns.get("failures")?,
            arrival: Box::new(columns.json("body")?),
        },
        Table::Turned => Row::Turned {
            id: columns.get("id")?,
            conversation: columns.get("conversation")?,
            at: columns.get("at")?,
            turned_at: columns.get("turned_at")?,
            verdict: columns.json("verdict")?,
            arrival: Box::new(columns.json("body")?),
        },
        Table::Entries => Row::Entry {
            conversation: columns.get("conversation")?,
            prev: columns.get("prev")?,
            entry: Box::new(Entry {
                id: columns.get::<EntryId>("id")?,
                trace: columns.get("trace")?,
                episode: columns.get("episode")?,
                author: columns.json("author")?,
                content: columns.json("body")?,
                at: columns.get("at")?,
            }),
        },
        Table::Dispatches => Row::Dispatch {
            dispatch: Box::new(Dispatch {
                id: columns.get("id")?,
                attempt: columns.get("attempts")?,
                ..columns.json("body")?
            }),
            held: columns.get("held")?,
            due_at: columns.get("due_at")?,
            reason: columns.get("reason")?,
        },
        Table::Sent => Row::Sent {
            trace: columns.get("trace")?,
            line: Box::new(line(&columns)?),
        },
        Table::Errands => Row::Errand(Box::new(errand(&columns)?)),
        Table::Deadlines => Row::Deadline {
            conversation: columns.get("conversation")?,
            kind: columns.json("kind")?,
            at: columns.get("at")?,
            episode: columns.get("episode")?,
        },
        Table::Cursors => Row::Cursor {
            inbox: columns.get::<InboxName>("inbox")?,
            topic: columns.get("topic")?,
            cursor: columns.get("cursor")?,
        },
        Table::Media => Row::Media {
            key: columns.get("key")?,
            media: columns.json("body")?,
        },
        Table::Seen => Row::Seen {
            inbox: columns.get("inbox")?,
            external_id: columns.get::<ExternalId>("external_id")?,
            at: columns.get("at")?,
        },
    })
}

fn conversation(columns: &Columns) -> Result<Conversation, StoreError> {
    let (id, contact) = (columns.get("id")?, columns.get("contact")?);
    rows::conversation(id, contact, columns.text("body")?)
}

fn line(columns: &Columns) -> Result<TraceDispatch, StoreError> {
    let body: Dispatch = columns.json("body")?;
    Ok(TraceDispatch {
        id: columns.get("id")?,
        inbox: body.inbox,
        to: body.to,
        content: body.content,
        created_at: body.created_at,
        at: columns.get("at")?,
        state: columns.get("state")?,
        attempts: columns.get("attempts")?,
        reason: columns.get("reason")?,
        external_id: columns.get("external_id")?,
        lost: columns.json("lost")?,
        confirmed_at: columns.get("confirmed_at")?,
    })
}

fn errand(columns: &Columns) -> Result<ErrandRow, StoreError> {
    let said: Vec<String> = columns.get("said")?;
    Ok(ErrandRow {
        id: columns.get::<ErrandId>("id")?,
        conversation: columns.get("conversation")?,
        trace: columns.get("trace")?,
        episode: columns.get("episode")?,
        bot: columns.get::<BotName>("bot")?,
        argv: columns.json("argv")?,
        said: said
            .iter()
            .map(|said| from_json(said))
            .collect::<Result<_, _>>()?,
        due_at: columns.get("due_at")?,
        latest: columns.get("latest")?,
        attempts: columns.get("attempts")?,
    })
}

/// A row's columns by name.
struct Columns(Value);

impl Columns {
    fn get<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        let value = self.0.get(column).cloned().unwrap_or_default();
        serde_json::from_value(value).map_err(|error| damaged(format!("column {column}: {error}")))
    }

    fn text(&self, column: &str) -> Result<&str, StoreError> {
        let text = self.0.get(column).and_then(Value::as_str);
        text.ok_or_else(|| damaged(format!("column {column}: no text")))
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        from_json(self.text(column)?)
    }
}
