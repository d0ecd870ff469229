//! What a commit asks slow bots: new errands, and words added to those that wait.

use bridge_core::{
    clock::Timestamp,
    message::ConversationId,
    store::{Ask, Said, StoreError},
};

use crate::{
    index::Index,
    memo::Undo,
    rows::{ErrandRow, to_json},
    writer::Tx,
};

/// An errand that is new, or had words added.
pub(super) enum Asked {
    New(i64, ErrandRow, Timestamp),
    Added(i64, ErrandRow, Timestamp),
}

/// Writes what a commit asks slow bots, but for errands that it `cancelled`.
pub(super) fn write(
    tx: &mut Tx<'_>,
    id: ConversationId,
    episode: u32,
    asks: &[Ask],
    cancelled: &[i64],
) -> Result<Vec<Asked>, StoreError> {
    let mut asked: Vec<Asked> = Vec::new();
    for ask in asks {
        let next = match asked.pop() {
            Some(last) if last.takes(ask) => last.add(ask),
            last => {
                asked.extend(last);
                match waiting(tx, id, ask, episode, cancelled) {
                    Some((number, row, due_at)) => Asked::Added(number, row, due_at).add(ask),
                    None => Asked::New(tx.errand_id()?, new_errand(ask, id, episode), ask.due_at),
                }
            }
        };
        asked.push(next);
    }
    for asked in &asked {
        asked.write(tx)?;
    }
    Ok(asked)
}

fn new_errand(ask: &Ask, conversation: ConversationId, episode: u32) -> ErrandRow {
    let Ask {
        trace,
        bot,
        argv,
        said,
        latest,
        ..
    } = ask.clone();
    ErrandRow {
        trace,
        conversation,
        episode,
        bot,
        argv,
        said,
        latest,
    }
}

/// An errand of the same bot, words and episode that nobody ever took: it is kept from being taken until the words are
/// added. One that was taken before may have been answered already, and its answer is accepted once.
fn waiting(
    tx: &mut Tx<'_>,
    id: ConversationId,
    ask: &Ask,
    episode: u32,
    cancelled: &[i64],
) -> Option<(i64, ErrandRow, Timestamp)> {
    let mut index = tx.index.lock();
    let fits = |number: &i64| {
        let Some(item) = index.errands.get(*number) else {
            return false;
        };
        let row = &item.thing;
        !cancelled.contains(number)
            && item.fresh
            && !item.held
            && (&row.bot, &row.argv, row.episode) == (&ask.bot, &ask.argv, episode)
    };
    let number = index.errands.lane(&id).find(fits)?;
    index.errands.change(number, |item| item.held = true);
    tx.undo.push(Undo::Kept(number));
    index
        .errands
        .get(number)
        .map(|item| (number, item.thing.clone(), item.due_at))
}

impl Asked {
    fn takes(&self, ask: &Ask) -> bool {
        let (Self::New(_, row, _) | Self::Added(_, row, _)) = self;
        (&row.bot, &row.argv) == (&ask.bot, &ask.argv)
    }

    fn add(mut self, ask: &Ask) -> Self {
        let (Self::New(_, row, due_at) | Self::Added(_, row, due_at)) = &mut self;
        Said::add(&mut row.said, ask.said.iter().cloned());
        *due_at = ask.due_at.min(row.latest).max(*due_at);
        self
    }

    fn write(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        match self {
            Self::New(number, row, due_at) => tx.run(
                "INSERT INTO errands (id, due_at, attempts, body) VALUES (?1, ?2, 0, ?3)",
                &[number, &due_at.0, &to_json(row)?],
            )?,
            Self::Added(number, row, due_at) => tx.run(
                "UPDATE errands SET due_at = ?2, body = ?3 WHERE id = ?1",
                &[number, &due_at.0, &to_json(row)?],
            )?,
        };
        Ok(())
    }

    pub(super) fn index(self, index: &mut Index) {
        match self {
            Self::New(number, row, due_at) => {
                index.errands.push(
                    number,
                    row.bot.clone().as_str(),
                    row.conversation,
                    due_at,
                    false,
                    0,
                    row,
                );
            }
            Self::Added(number, row, due_at) => {
                index.errands.change(number, |item| {
                    (item.thing, item.due_at, item.held) = (row, due_at, false)
                });
            }
        }
    }
}
