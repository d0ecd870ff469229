//! History by the million in a database file.

use std::path::Path;

use anyhow::Context;

use super::{CONTACTS, REAL};

/// History of `messages` messages, each row a copy of a real one under a number of its own.
pub fn multiply(path: &Path, messages: u64) -> anyhow::Result<()> {
    let db = rusqlite::Connection::open(path)?;
    db.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA temp_store = MEMORY;",
    )?;
    let last = REAL + messages;
    let numbers = |from: u64, to: u64| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})"
        )
    };
    let (contacts, history) = (numbers(REAL, REAL + CONTACTS - 1), numbers(REAL, last - 1));
    let owner = format!("{REAL} + (i - {REAL}) % {CONTACTS}");
    // The conversation's last line: the last number that is its own.
    let tail = format!("i + {CONTACTS} * (({last} - 1 - i) / {CONTACTS})");
    let steps = [
        format!("{contacts} INSERT INTO contacts (id, body) SELECT i, json_set(body, '$.id', i) FROM n, (SELECT body FROM contacts LIMIT 1)"),
        format!("{contacts} INSERT INTO threads (inbox, peer, conversation, desk) SELECT inbox, 'oGrown' || printf('%08d', (i * 7919) % 99999989), i, 0
            FROM n, (SELECT inbox FROM threads WHERE desk = 0 LIMIT 1)"),
        format!("{contacts} INSERT INTO conversations (id, contact, phase, tail, body) SELECT i, i, 3, {tail},
            json_set(body, '$.id', i, '$.contact', i, '$.thread.peer', 'oGrown' || printf('%08d', (i * 7919) % 99999989),
            '$.phase', json('{{\"phase\":\"resolved\",\"since\":1700000000000}}'))
            FROM n, (SELECT body FROM conversations LIMIT 1)"),
        format!("{history} INSERT INTO turned (id, conversation, at, turned_at, verdict, body) SELECT i, {owner}, at, turned_at, verdict, body
            FROM n, (SELECT at, turned_at, verdict, body FROM turned LIMIT 1)"),
        format!("{history} INSERT INTO entries (id, conversation, prev, trace, episode, at, author, body)
            SELECT i, {owner}, CASE WHEN i - {CONTACTS} < {REAL} THEN 0 ELSE i - {CONTACTS} END, i, 1, at, author, body
            FROM n, (SELECT at, author, body FROM entries LIMIT 1)"),
        format!("{history} INSERT INTO sent (trace, id, at, body) SELECT i, i, 1700000000000,
            json_object('id', i, 'inbox', 'mall', 'to', 'oGrown', 'content', json('{{\"kind\":\"text\",\"text\":\"您的订单明天送到，请留意短信。\"}}'),
            'created_at', 1700000000000, 'at', 1700000000000, 'state', 'sent', 'attempts', 1, 'external_id', 'm' || i, 'lost', json('[]')) FROM n"),
        format!("{history} INSERT INTO seen (inbox, external_id, at) SELECT inbox, '17000' || printf('%010d', i) || ':' || i, at
            FROM n, (SELECT inbox, at FROM seen LIMIT 1)"),
        "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
    ];
    for step in steps {
        db.execute_batch(&step)
            .with_context(|| step.chars().take(160).collect::<String>())?;
    }
    Ok(())
}
