//! Commits: what the turns of claims came to, each all or nothing, many in one call. One with a tie goes alone: its locks
//! reach into other conversations.

mod columns;
mod tied;

use std::{collections::HashMap, collections::HashSet, sync::Arc};

use bridge_core::{
    channel::Dispatch,
    clock::Timestamp,
    message::{AgentName, ArrivalId, DeadlineKind, DispatchId, ErrandId, ThreadKey},
    store::{Ask, Changes, Claim, Committed, Due, DueKind, DueWhat, NewEntry, StoreError, Verdict},
};

use self::columns::Columns;
pub(crate) use self::tied::commit as alone;
use crate::{
    link::{Link, damaged},
    rows::{self, contact_lane, lane, phase_number, to_json},
    shared::Shared,
    steps::{fence, get, taken},
};

/// Calls on their way at once: fewer are larger, and cost the database less.
const AT_ONCE: usize = 2;

/// What a commit made, and what its committer may send at once.
pub(crate) type Done = (Committed, Vec<Due>);

/// How a commit ended, of several in one call.
type Word = Result<Done, StoreError>;

/// A commit as it is written.
pub(crate) struct Commit {
    now: Option<i64>,
    id: i64,
    fence: i64,
    body: String,
    phase: i16,
    agent: Option<AgentName>,
    /// Where a seat of the agent is given: how many there are.
    seats: Option<i32>,
    episode: i32,
    contact: Option<(i64, String)>,
    release: i32,
    lane: String,
    cancel: bool,
    /// For how long its committer would send what it may, in milliseconds.
    hand: Option<i64>,
    done: Vec<(i64, String)>,
    entries: Vec<Line>,
    dispatches: Vec<Outgoing>,
    asks: Vec<Question>,
    threads: Vec<ThreadKey>,
    deadlines: Vec<(String, Option<i64>)>,
}

/// A line of the transcript.
struct Line {
    trace: i64,
    author: String,
    body: String,
    at: i64,
}

/// Something to send.
struct Outgoing {
    lane: String,
    held: bool,
    trace: i64,
    body: String,
    dispatch: Dispatch,
}

/// A question for a slow bot.
struct Question {
    trace: i64,
    bot: String,
    argv: String,
    said: String,
    due: i64,
    latest: i64,
}

impl Commit {
    /// `at`: when its dispatches are made.
    pub(crate) fn of(
        claim: &Claim,
        changes: Changes,
        now: Option<i64>,
        at: Timestamp,
        hand: Option<i64>,
    ) -> Result<Self, StoreError> {
        let conversation = &changes.conversation;
        let agent = conversation.agent().cloned();
        // Seats count where the conversation is given to the very agent they are told for.
        let seats = changes
            .capacity
            .as_ref()
            .filter(|(name, _)| Some(name) == agent.as_ref())
            .map(|(_, seats)| i32::try_from(*seats).unwrap_or(i32::MAX));
        let contact = changes.contact.as_ref();
        let contact = contact.map(|contact| Ok((contact.id.0, to_json(contact)?)));
        let id = claim.conversation.id;
        let outgoing = |new| outgoing(rows::dispatch(new, id, at));
        Ok(Self {
            now,
            id: id.0,
            fence: fence(claim.fence)?,
            body: to_json(conversation)?,
            phase: phase_number(&conversation.phase),
            agent,
            seats,
            episode: i32::try_from(conversation.episode).map_err(damaged)?,
            contact: contact.transpose()?,
            release: i32::try_from(changes.release).unwrap_or(i32::MAX),
            lane: contact_lane(&conversation.thread),
            cancel: changes.cancel_errands,
            hand,
            done: all(&changes.done, done)?,
            entries: all(&changes.entries, line)?,
            asks: all(&changes.asks, question)?,
            deadlines: deadlines(&changes.deadlines)?,
            dispatches: changes
                .dispatches
                .into_iter()
                .map(|new| {
                    let held = new.held;
                    outgoing(new).map(|outgoing| Outgoing { held, ..outgoing })
                })
                .collect::<Result<_, _>>()?,
            threads: changes.threads,
        })
    }

    /// What the database said of it: its dispatches' numbers and fences, and the errands that were cancelled.
    fn done(
        &self,
        dispatched: Vec<(i64, i64)>,
        cancelled: Vec<i64>,
        more: bool,
    ) -> Result<Done, StoreError> {
        let mut hand = Vec::new();
        for ((id, fence), outgoing) in dispatched.iter().zip(&self.dispatches) {
            if *fence > 0 {
                let mut dispatch = outgoing.dispatch.clone();
                (dispatch.id, dispatch.attempt) = (DispatchId(*id), 1);
                hand.push(Due {
                    id: taken(DueKind::Dispatch, *id, None, *fence)?,
                    what: DueWhat::Dispatch(Box::new(dispatch)),
                });
            }
        }
        let committed = Committed {
            dispatches: dispatched.iter().map(|(id, _)| DispatchId(*id)).collect(),
            cancelled: cancelled.into_iter().map(ErrandId).collect(),
            more,
        };
        Ok((committed, hand))
    }
}

fn all<T, R>(of: &[T], one: impl Fn(&T) -> Result<R, StoreError>) -> Result<Vec<R>, StoreError> {
    of.iter().map(one).collect()
}

fn done((id, verdict): &(ArrivalId, Verdict)) -> Result<(i64, String), StoreError> {
    Ok((id.0, to_json(verdict)?))
}

fn line(entry: &NewEntry) -> Result<Line, StoreError> {
    Ok(Line {
        trace: entry.trace.0,
        author: to_json(&entry.author)?,
        body: to_json(&entry.content)?,
        at: entry.at.0,
    })
}

fn outgoing(dispatch: Dispatch) -> Result<Outgoing, StoreError> {
    let sender = dispatch.sender.as_ref().map(|sender| &sender.id);
    Ok(Outgoing {
        lane: lane(&dispatch.inbox, &dispatch.to, sender),
        held: false,
        trace: dispatch.trace.0,
        body: to_json(&dispatch)?,
        dispatch,
    })
}

fn question(ask: &Ask) -> Result<Question, StoreError> {
    Ok(Question {
        trace: ask.trace.0,
        bot: ask.bot.to_string(),
        argv: to_json(&ask.argv)?,
        said: to_json(&ask.said)?,
        due: ask.due_at.0,
        latest: ask.latest.0,
    })
}

/// Of two words on one deadline the last counts.
fn deadlines(
    all: &[(DeadlineKind, Option<Timestamp>)],
) -> Result<Vec<(String, Option<i64>)>, StoreError> {
    let mut last: Vec<(DeadlineKind, Option<Timestamp>)> = Vec::new();
    for (kind, at) in all {
        last.retain(|(other, _)| other != kind);
        last.push((*kind, *at));
    }
    last.into_iter()
        .map(|(kind, at)| Ok((to_json(&kind)?, at.map(|at| at.0))))
        .collect()
}

/// Commits of many.
pub(crate) fn share(link: Arc<Link>) -> Shared<Arc<Commit>, Word> {
    Shared::start(AT_ONCE, move |asked: Vec<Arc<Commit>>| {
        let link = link.clone();
        async move { together(&link, &asked).await }
    })
}

async fn together(link: &Link, asked: &[Arc<Commit>]) -> Result<Vec<Word>, StoreError> {
    // Two commits of one conversation: at most one of them holds its claim, and which one is seen one after the other.
    let mut met = HashSet::new();
    let (first, again): (Vec<usize>, Vec<usize>) =
        (0..asked.len()).partition(|index| met.insert(asked[*index].id));
    let mut words: HashMap<usize, Word> = HashMap::new();
    let commits: Vec<&Commit> = first.iter().map(|index| &*asked[*index]).collect();
    words.extend(first.into_iter().zip(call(link, &commits).await?));
    for index in again {
        let word = call(link, &[&asked[index]]).await;
        let word = word.and_then(|mut words| words.pop().unwrap_or(Err(StoreError::Lost)));
        words.insert(index, word);
    }
    let word = |index| words.remove(&index).unwrap_or(Err(StoreError::Lost));
    Ok((0..asked.len()).map(word).collect())
}

async fn call(link: &Link, commits: &[&Commit]) -> Result<Vec<Word>, StoreError> {
    let columns = Columns::of(commits)?;
    let row = link.first(columns::COMMIT, &columns.values()).await?;
    let row = row.ok_or_else(|| damaged("commit said nothing"))?;
    let (outcomes, more): (Vec<&str>, Vec<bool>) = (get(&row, 0)?, get(&row, 1)?);
    let of: Vec<i32> = get::<Option<_>>(&row, 2)?.unwrap_or_default();
    let ids: Vec<i64> = get::<Option<_>>(&row, 3)?.unwrap_or_default();
    let fences: Vec<i64> = get::<Option<_>>(&row, 4)?.unwrap_or_default();
    let (cancelled_of, cancelled): (Vec<i32>, Vec<i64>) = (get(&row, 5)?, get(&row, 6)?);
    let mut words = Vec::with_capacity(commits.len());
    for (nth, commit) in (1..).zip(commits) {
        let index = words.len();
        words.push(match outcomes.get(index) {
            Some(&"ok") => {
                let ours = of.iter().zip(ids.iter().zip(&fences));
                let ours = ours.filter(|(of, _)| **of == nth);
                let dispatched = ours.map(|(_, (id, fence))| (*id, *fence)).collect();
                let cancelled = cancelled_of.iter().zip(&cancelled);
                let cancelled = cancelled.filter(|(of, _)| **of == nth);
                let cancelled = cancelled.map(|(_, id)| *id).collect();
                let more = more.get(index).copied().unwrap_or(true);
                commit.done(dispatched, cancelled, more)
            }
            Some(&"seat") => Err(commit
                .agent
                .clone()
                .map_or(StoreError::Lost, StoreError::SeatTaken)),
            _ => Err(StoreError::Lost),
        });
    }
    Ok(words)
}
