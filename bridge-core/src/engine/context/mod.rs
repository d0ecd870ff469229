//! The context: what was said last in an opening, for whoever takes a conversation over and for slow bots. The transcript
//! in the store has it. Where nodes share a cache, the last words of every open conversation are there, too, as a capped
//! list, so that a handover does not read history; and here it is decided when that list may be believed.
//!
//! Each entry is what one commit said, and names the arrival it goes up to and the one that the entry before it went up to.
//! The conversation, which a claim brings along, names the last. So whatever a list lacks shows as a gap, and then the store
//! is read and the list begun anew. It is written beside the message path, after the commit, and may fail at any time.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use metrics::counter;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::Engine;
use crate::{
    cache::{Bounds, Cache, CacheError},
    conversation::{Conversation, Phase},
    message::{ArrivalId, Content, ConversationId, EntryId},
    store::{Changes, Entry, EntryAuthor, NewEntry, StoreError},
};

/// Lines of the context that a slow bot may read.
pub(super) const FOR_BOTS: usize = 20;
/// How far back the store is asked for words among notes and notices.
const FARTHEST: usize = 2000;
/// Writes that may wait; what is beyond is left out, and found missing by whoever reads.
const WAITING: usize = 4096;
/// Writes made at once.
const BATCH: usize = 64;
/// A turn waits no longer than this for the cache: reading the store takes about as long.
const PATIENCE: Duration = Duration::from_millis(30);
/// Before everything that is said.
const BEGINNING: ArrivalId = ArrivalId(0);

/// Whether a line is something that was said between both sides.
pub(super) fn is_said(author: &EntryAuthor, content: &Content) -> bool {
    !matches!(author, EntryAuthor::Note | EntryAuthor::System)
        && !matches!(content, Content::Event(_))
}

/// What one commit said: an entry of the list.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Words {
    /// Up to where the entry before this one goes; `None` where nobody knows.
    after: Option<ArrivalId>,
    /// Up to where this one goes.
    upto: ArrivalId,
    /// What was said, oldest first.
    lines: Vec<Entry>,
}

impl Words {
    /// What these changes say, and the note of it in the conversation.
    pub(super) fn of(changes: &mut Changes) -> Option<Self> {
        let conversation = &changes.conversation;
        let (opened_at, episode) = (conversation.opened_at, conversation.episode);
        let said = changes
            .entries
            .iter()
            .filter(|entry| entry.at >= opened_at && is_said(&entry.author, &entry.content));
        let lines: Vec<Entry> = said.map(|entry| line(entry, episode)).collect();
        let (upto, _) = *changes.done.last().filter(|_| !lines.is_empty())?;
        let after = changes.conversation.said_upto.replace(upto);
        Some(Self { after, upto, lines })
    }
}

/// A line as it will be. Its number is the store's affair.
pub(super) fn line(entry: &NewEntry, episode: u32) -> Entry {
    Entry {
        id: EntryId(0),
        trace: entry.trace,
        episode,
        author: entry.author.clone(),
        content: entry.content.clone(),
        at: entry.at,
    }
}

/// Why a list was of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// There is none: it never was, or its time was over, or the cache was emptied.
    Absent,
    /// Something that was said is not in it.
    Gap,
    /// The cache gave no answer in time.
    Away,
}

/// The last words of open conversations, in the cache.
pub(super) struct Ring {
    bounds: Bounds,
    /// The largest entry.
    bytes: usize,
    waiting: mpsc::Sender<Write>,
    written: Mutex<Option<mpsc::Receiver<Write>>>,
}

/// A change of one conversation's list.
enum Write {
    Append(ConversationId, String),
    Restart(ConversationId, String),
    Drop(ConversationId),
}

impl Ring {
    /// `None` where it does not pay: a node by itself has the store as near as its own memory.
    pub(super) fn of(parts: &super::EngineParts) -> Option<Self> {
        let settings = &parts.settings;
        if !parts.cache.shared() || settings.context_ttl.is_zero() {
            return None;
        }
        let (waiting, written) = mpsc::channel(WAITING);
        Some(Self {
            bounds: Bounds {
                keep: settings.context_messages.max(FOR_BOTS),
                ttl: settings.context_ttl,
            },
            bytes: settings.context_bytes,
            waiting,
            written: Mutex::new(Some(written)),
        })
    }

    /// What was committed, for later readers; a conversation that is over needs no context.
    pub(super) fn committed(
        &self,
        conversation: ConversationId,
        words: Option<&Words>,
        over: bool,
    ) {
        match (over, words) {
            (true, _) => self.write(Write::Drop(conversation)),
            (false, Some(words)) => {
                if let Some(text) = self.text(words) {
                    self.write(Write::Append(conversation, text));
                }
            }
            (false, None) => {}
        }
    }

    fn text(&self, words: &Words) -> Option<String> {
        let text = serde_json::to_string(words).ok();
        let text = text.filter(|text| text.len() <= self.bytes);
        if text.is_none() {
            left_out("large");
        }
        text
    }

    fn write(&self, write: Write) {
        if self.waiting.try_send(write).is_err() {
            left_out("busy");
        }
    }

    /// The last `wanted` things said, up to where the conversation says, if the list has them all.
    async fn read(
        &self,
        cache: &dyn Cache,
        of: &Conversation,
        wanted: usize,
    ) -> Result<Vec<Entry>, Missing> {
        let key = key(of.id);
        let listed = tokio::time::timeout(PATIENCE, cache.list(&key)).await;
        let Ok(Ok(entries)) = listed else {
            return Err(Missing::Away);
        };
        if entries.is_empty() {
            return Err(Missing::Absent);
        }
        let words = entries
            .iter()
            .filter_map(|text| serde_json::from_str(text).ok());
        chained(words, of.said_upto, wanted).ok_or(Missing::Gap)
    }

    /// Begins a list anew with what the store told.
    fn refill(&self, of: &Conversation, lines: &[Entry], whole: bool) {
        let (Some(upto), false) = (of.said_upto, is_over(of)) else {
            return;
        };
        // Who reads without a claim may have read what was said since.
        let lines = lines.iter().filter(|line| line.trace <= upto).cloned();
        let words = Words {
            after: whole.then_some(BEGINNING),
            upto,
            lines: lines.collect(),
        };
        if let Some(text) = self.text(&words).filter(|_| !words.lines.is_empty()) {
            self.write(Write::Restart(of.id, text));
        }
    }

    async fn make(&self, cache: &dyn Cache, write: &Write) -> Result<(), CacheError> {
        match write {
            Write::Append(of, text) => cache.append(&key(*of), text, self.bounds).await,
            Write::Restart(of, text) => cache.restart(&key(*of), text, self.bounds).await,
            Write::Drop(of) => cache.drop_list(&key(*of)).await,
        }
    }
}

/// Follows entries back from `upto`, whatever their order: nodes that commit one after the other may write the other way
/// round. `None` where one is missing before there are enough.
fn chained(
    entries: impl Iterator<Item = Words>,
    upto: Option<ArrivalId>,
    wanted: usize,
) -> Option<Vec<Entry>> {
    let mut by_end: HashMap<ArrivalId, Words> = entries.map(|words| (words.upto, words)).collect();
    let (mut next, mut pieces, mut count) = (upto, Vec::new(), 0);
    while count < wanted && next != Some(BEGINNING) {
        // Taken out, so that no circle goes on for ever.
        let words = by_end.remove(&next?)?;
        count += words.lines.len();
        next = words.after;
        pieces.push(words.lines);
    }
    let mut lines: Vec<Entry> = pieces.into_iter().rev().flatten().collect();
    lines.drain(..lines.len().saturating_sub(wanted));
    Some(lines)
}

fn key(conversation: ConversationId) -> String {
    format!("context:{conversation}")
}

fn left_out(why: &'static str) {
    counter!("kefu_context_left_out_total", "why" => why).increment(1);
}

pub(super) fn is_over(conversation: &Conversation) -> bool {
    matches!(conversation.phase, Phase::Resolved { .. })
}

impl Engine {
    /// What was said last in this opening, oldest first, as far as it is committed.
    pub(super) async fn context(
        &self,
        of: &Conversation,
        wanted: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        if wanted == 0 || of.said_upto == Some(BEGINNING) {
            return Ok(Vec::new());
        }
        let Some(ring) = &self.ring else {
            return Ok(self.said(of.id, wanted).await?.0);
        };
        let read = ring.read(&*self.parts.cache, of, wanted).await;
        let from = match &read {
            Ok(_) => "cache",
            Err(Missing::Absent) => "absent",
            Err(Missing::Gap) => "gap",
            Err(Missing::Away) => "away",
        };
        counter!("kefu_context_reads_total", "from" => from).increment(1);
        let missing = match read {
            Ok(lines) => return Ok(lines),
            Err(missing) => missing,
        };
        let (mut lines, whole) = self.said(of.id, wanted.max(ring.bounds.keep)).await?;
        if missing != Missing::Away {
            ring.refill(of, &lines, whole);
        }
        lines.drain(..lines.len().saturating_sub(wanted));
        Ok(lines)
    }

    /// The same by the store, and whether that is all of this opening.
    async fn said(
        &self,
        of: ConversationId,
        wanted: usize,
    ) -> Result<(Vec<Entry>, bool), StoreError> {
        let mut reach = wanted.saturating_mul(2);
        loop {
            let mut lines = self.parts.store.recent(of, reach, true).await?;
            let all = lines.len() < reach;
            lines.retain(|line| is_said(&line.author, &line.content));
            if all || lines.len() >= wanted || reach >= FARTHEST {
                let surplus = lines.len().saturating_sub(wanted);
                lines.drain(..surplus);
                lines.iter_mut().for_each(|line| line.id = EntryId(0));
                return Ok((lines, all && surplus == 0));
            }
            reach = reach.saturating_mul(4);
        }
    }

    /// Writes what was committed into the cache, beside the message path.
    pub(super) async fn keep_context(self: std::sync::Arc<Self>) {
        let Some(ring) = &self.ring else { return };
        let Some(mut written) = ring.written.lock().take() else {
            return;
        };
        let mut writes = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                count = written.recv_many(&mut writes, BATCH) => if count == 0 { return },
            }
            let making = writes
                .iter()
                .map(|write| ring.make(&*self.parts.cache, write));
            for made in join_all(making).await {
                if made.is_err() {
                    left_out("away");
                }
            }
            writes.clear();
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
