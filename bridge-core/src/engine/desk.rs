//! The desk as turns see it: agents, loads, presence, the queue. A snapshot, read again when something changed; and the
//! loop that offers free seats to those who wait.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::{Engine, EngineParts};
use crate::{
    clock::Timestamp,
    message::{AgentName, ConversationId, Cue},
    routing::{Agent, Decision, Desk, Request, Subject},
    store::{OpenThread, StoreError, WaitingRow},
};

/// The waiting contacts who are told when the queue moves: those in front.
const TOLD: usize = 10;
/// How often presence is asked for and seats are offered without being told to: hours open without an event.
const LOOK: Duration = Duration::from_secs(30);

/// What other nodes tell of their seats is read again no more often than this, unless it decides something.
const GLANCE: Duration = Duration::from_millis(25);
/// Seats are offered no more often than this: what frees many at once is one look.
const PACE: Duration = Duration::from_millis(20);

/// See [`DeskKeeper::turn`].
pub(super) struct Turn<'a> {
    desk: &'a DeskKeeper,
    id: ConversationId,
}

impl Drop for Turn<'_> {
    /// However the turn ended. One that was committed has said so; of any other nobody knows what came.
    fn drop(&mut self) {
        if self.desk.promised.lock().remove(&self.id).is_some() {
            self.desk.stale();
        }
    }
}

/// Keeps the snapshot. What this node's own turns change is told to it; what others change is read.
pub(super) struct DeskKeeper {
    snapshot: RwLock<Arc<Desk>>,
    /// It must be read before it is used again.
    stale: AtomicBool,
    /// Others have given seats since: it is read again when that is worth while.
    outdated: AtomicBool,
    /// Whether this process has looked for conversations whose agent works elsewhere now.
    looked_for_moved: AtomicBool,
    /// Held while it is read; when that began last.
    reading: tokio::sync::Mutex<Option<Instant>>,
    /// How many readings have begun.
    begun: AtomicU64,
    offline: Mutex<BTreeSet<AgentName>>,
    untold: Mutex<BTreeMap<AgentName, bool>>,
    last: Mutex<Option<AgentName>>,
    /// Seats given in turns that are not over.
    promised: Mutex<BTreeMap<ConversationId, AgentName>>,
    /// What turns have changed while it is read: what is read may lack it.
    meanwhile: Mutex<Option<Vec<Shift>>>,
    /// Mean length of an assignment, in seconds, moving.
    average: Mutex<Option<f64>>,
}

/// A conversation that changed hands.
#[derive(Debug, Clone)]
struct Shift {
    from: Option<AgentName>,
    to: Option<AgentName>,
}

impl Shift {
    fn apply(&self, loads: &mut BTreeMap<AgentName, u32>) {
        if let Some(agent) = &self.from
            && let Some(load) = loads.remove(agent).filter(|load| *load > 1)
        {
            loads.insert(agent.clone(), load - 1);
        }
        if let Some(agent) = &self.to {
            *loads.entry(agent.clone()).or_default() += 1;
        }
    }
}

impl DeskKeeper {
    pub(super) fn new(parts: &EngineParts) -> Self {
        let desk = Desk {
            agents: Arc::new(parts.agents.clone()),
            native: parts
                .channels
                .iter()
                .filter(|(_, channel)| channel.capabilities().native_desk)
                .map(|(inbox, _)| inbox.clone())
                .collect(),
            strategy: parts.strategy,
            hours: parts.hours.clone(),
            on_duty: parts.on_duty.clone(),
            ..Desk::default()
        };
        Self {
            snapshot: RwLock::new(Arc::new(desk)),
            stale: AtomicBool::new(true),
            outdated: AtomicBool::new(false),
            looked_for_moved: AtomicBool::new(false),
            reading: tokio::sync::Mutex::new(None),
            begun: AtomicU64::new(0),
            offline: Mutex::default(),
            untold: Mutex::default(),
            last: Mutex::default(),
            promised: Mutex::default(),
            meanwhile: Mutex::default(),
            average: Mutex::default(),
        }
    }

    /// Something changed: the next to ask reads again.
    pub(super) fn stale(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// Others have changed something: read again before it decides anything.
    pub(super) fn outdated(&self) {
        self.outdated.store(true, Ordering::Release);
    }

    /// A turn of this node was committed, and its conversation changed hands.
    pub(super) fn shifted(
        &self,
        id: ConversationId,
        from: Option<&AgentName>,
        to: Option<&AgentName>,
    ) {
        let shift = Shift {
            from: from.cloned(),
            to: to.cloned(),
        };
        let mut meanwhile = self.meanwhile.lock();
        shift.apply(&mut Arc::make_mut(&mut self.snapshot.write()).loads);
        if let Some(meanwhile) = &mut *meanwhile {
            meanwhile.push(shift);
        }
        drop(meanwhile);
        self.promised.lock().remove(&id);
    }

    /// The desk as far as is known.
    pub(super) async fn current(&self, parts: &EngineParts) -> Result<Arc<Desk>, StoreError> {
        if self.stale.load(Ordering::Acquire) {
            return self.fresh(parts).await;
        }
        if self.outdated.load(Ordering::Acquire)
            // Who reads it now reads it for all.
            && let Ok(mut last) = self.reading.try_lock()
            && last.is_none_or(|last| last.elapsed() >= GLANCE)
        {
            *last = Some(Instant::now());
            self.read(parts).await?;
        }
        Ok(self.snapshot.read().clone())
    }

    /// The desk as it is now.
    pub(super) async fn fresh(&self, parts: &EngineParts) -> Result<Arc<Desk>, StoreError> {
        let before = self.begun.load(Ordering::Acquire);
        let mut last = self.reading.lock().await;
        if self.begun.load(Ordering::Acquire) == before || self.stale.load(Ordering::Acquire) {
            *last = Some(Instant::now());
            self.read(parts).await?;
        }
        Ok(self.snapshot.read().clone())
    }

    async fn read(&self, parts: &EngineParts) -> Result<(), StoreError> {
        self.begun.fetch_add(1, Ordering::AcqRel);
        // Cleared before reading: a change during the read counts again.
        self.stale.store(false, Ordering::Release);
        self.outdated.store(false, Ordering::Release);
        *self.meanwhile.lock() = Some(Vec::new());
        let state = parts.store.desk().await;
        let mut meanwhile = self.meanwhile.lock();
        let shifts = meanwhile.take().unwrap_or_default();
        let state = state.inspect_err(|_| self.stale())?;
        let mut desk = Desk::clone(&self.snapshot.read());
        desk.loads = state.loads.into_iter().collect();
        shifts.iter().for_each(|shift| shift.apply(&mut desk.loads));
        desk.waiting = Arc::new(state.waiting);
        desk.offline = self.offline.lock().clone();
        desk.last = self.last.lock().clone();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a mean of non-negative seconds"
        )]
        let average = self.average.lock().map_or(0, |seconds| seconds as u64);
        desk.average_seconds = average;
        *self.snapshot.write() = Arc::new(desk);
        Ok(())
    }

    /// Routes. Nobody is made to wait by what may have changed meanwhile: that is read first.
    pub(super) async fn place(
        &self,
        parts: &EngineParts,
        request: &Request,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let decision = self.give(request, now);
        if matches!(decision, Decision::Wait) {
            self.fresh(parts).await?;
            return Ok(self.give(request, now));
        }
        Ok(decision)
    }

    /// Routes by the snapshot, counting what other turns have just given away: conversations that come at the same moment
    /// would otherwise all go to whoever was free when the first of them looked.
    fn give(&self, request: &Request, now: Timestamp) -> Decision {
        let own = request.subject.conversation;
        let mut promised = self.promised.lock();
        let mut desk = Desk::clone(&self.snapshot.read());
        for (_, agent) in promised.iter().filter(|(id, _)| **id != own) {
            *desk.loads.entry(agent.clone()).or_default() += 1;
        }
        desk.last = self.last.lock().clone();
        let decision = desk.route(request, now);
        if let Decision::Assign(agent) = &decision {
            promised.insert(own, agent.clone());
        }
        decision
    }

    /// A conversation's turn, until it is dropped: what it gives away counts at once.
    pub(super) fn turn(&self, id: ConversationId) -> Turn<'_> {
        Turn { desk: self, id }
    }

    /// An agent is there, or is not; whether that is news.
    pub(super) fn presence(&self, agent: &AgentName, online: bool) -> bool {
        let mut offline = self.offline.lock();
        let changed = if online {
            offline.remove(agent)
        } else {
            offline.insert(agent.clone())
        };
        if changed {
            self.stale();
        }
        changed
    }

    /// What is known here and could not be told the other nodes.
    pub(super) fn untold(&self) -> MutexGuard<'_, BTreeMap<AgentName, bool>> {
        self.untold.lock()
    }

    /// An agent was given a conversation.
    pub(super) fn assigned(&self, agent: &AgentName) {
        *self.last.lock() = Some(agent.clone());
    }

    /// An agent gave a conversation away, having had it so long.
    pub(super) fn finished(&self, had: Duration) {
        let mut average = self.average.lock();
        let seconds = had.as_secs_f64();
        *average = Some(average.map_or(seconds, |mean| mean.mul_add(0.9, seconds * 0.1)));
    }
}

impl Engine {
    pub(super) async fn keep_desk(self: Arc<Self>) {
        let mut ask_at = self.parts.clock.now();
        while !self.stop.is_cancelled() {
            let (heard, began) = (self.wake.desk.notified(), Instant::now());
            self.recall_presence().await;
            let now = self.parts.clock.now();
            // Or the clock was set back.
            if now >= ask_at || now + LOOK < ask_at {
                // Other nodes give seats, too, and their word may have been lost.
                self.desk.stale();
                self.ask_presence().await;
                ask_at = self.parts.clock.now() + LOOK;
            }
            if let Err(error) = self.offer_seats().await {
                tracing::warn!(%error, "cannot offer seats");
            }
            if let Err(error) = self.find_stranded().await {
                tracing::warn!(%error, "cannot see whose agent is gone");
            }
            self.wait_for(heard, LOOK).await;
            tokio::time::sleep(PACE.saturating_sub(began.elapsed())).await;
        }
    }

    /// Offers free seats to those who wait, first come first served within priority, and tells those in front where
    /// they are now.
    async fn offer_seats(&self) -> Result<(), StoreError> {
        let desk = self.desk.fresh(&self.parts).await?;
        if desk.waiting.is_empty() {
            return Ok(());
        }
        let now = self.parts.clock.now();
        let mut after = Desk::clone(&desk);
        let mut cues = Vec::new();
        let mut left = Vec::new();
        for row in desk.waiting.iter() {
            match after.route(&request(row, &desk), now) {
                Decision::Assign(agent) => {
                    *after.loads.entry(agent.clone()).or_default() += 1;
                    after.last = Some(agent);
                    let key = self.cue_key("seat", now);
                    cues.push(self.cue(
                        &row.thread,
                        key,
                        Cue::SeatFree {
                            episode: row.episode,
                        },
                    ));
                }
                Decision::Wait | Decision::Closed | Decision::Nobody => left.push(row),
            }
        }
        for row in left.into_iter().take(TOLD) {
            let key = self.cue_key("moved", now);
            if self.position_is_news(row.conversation).await? {
                cues.push(self.cue(
                    &row.thread,
                    key,
                    Cue::QueueMoved {
                        episode: row.episode,
                    },
                ));
            }
        }
        if !cues.is_empty() {
            self.accept(cues).await?;
        }
        Ok(())
    }

    /// Has a look at conversations whose agent is not configured any more, and at those brought to an inbox where their
    /// agent works no more; their turns find somebody else, or bring them. The same cue for each, however many nodes look
    /// however often.
    async fn find_stranded(&self) -> Result<(), StoreError> {
        let desk = self.desk.current(&self.parts).await?;
        let is_gone = |agent: &AgentName| !desk.agents.contains_key(agent);
        // Where an agent works changes with the configuration, and so with the process.
        let first = !self.desk.looked_for_moved.swap(true, Ordering::Relaxed);
        if !first && !desk.loads.keys().any(is_gone) {
            return Ok(());
        }
        let open = self.parts.store.open_threads().await.inspect_err(|_| {
            self.desk.looked_for_moved.store(false, Ordering::Relaxed);
        })?;
        let mut cues = Vec::new();
        for open in &open {
            // Any of its threads leads to the conversation.
            let Some(thread) = open.threads.first() else {
                continue;
            };
            let (since, peer) = (open.since.as_secs(), &thread.peer);
            match desk.agents.get(&open.agent) {
                None => {
                    let key = format!("{since}:stranded:{peer}");
                    cues.push(self.cue(thread, key, Cue::QueueMoved { episode: 0 }));
                }
                Some(agent) if !desk.native.contains(&agent.inbox) && !is_brought(open, agent) => {
                    let key = format!("{since}:moved:{}:{peer}", agent.inbox);
                    let agent = open.agent.clone();
                    cues.push(self.cue(thread, key, Cue::DeskMoved { agent }));
                }
                Some(_) => {}
            }
        }
        if !cues.is_empty() {
            self.accept(cues).await?;
        }
        Ok(())
    }

    /// Whether a waiting contact was told another position than the present one.
    async fn position_is_news(
        &self,
        id: crate::message::ConversationId,
    ) -> Result<bool, StoreError> {
        let Some((conversation, _)) = self.parts.store.conversation(id).await? else {
            return Ok(false);
        };
        let desk = self.desk.current(&self.parts).await?;
        let now = self.parts.clock.now();
        Ok(match (conversation.told_position, desk.position(id)) {
            (Some(told), Some(position)) => {
                told.position != position
                    && now.since(told.at) >= self.parts.settings.position_interval
            }
            _ => false,
        })
    }
}

/// Whether a conversation leads to where its agent works.
fn is_brought(open: &OpenThread, agent: &Agent) -> bool {
    open.threads
        .iter()
        .any(|thread| thread.inbox == agent.inbox)
}

/// What a waiting contact's row asks of routing.
fn request(row: &WaitingRow, desk: &Desk) -> Request {
    let (skill, agent) = desk.still_possible(&row.waiting);
    Request {
        skill,
        agent,
        dedicated: row.dedicated.clone(),
        except: None,
        subject: Subject {
            conversation: row.conversation,
            ..Subject::default()
        },
        inbox: Some(row.thread.inbox.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_the_last_conversation_away_has_none() {
        let (lin, wu) = (AgentName::new("lin"), AgentName::new("wu"));
        let mut loads = BTreeMap::from([(lin.clone(), 1), (wu.clone(), 2)]);
        let moved = |from: &AgentName, to: &AgentName| Shift {
            from: Some(from.clone()),
            to: Some(to.clone()),
        };
        moved(&lin, &wu).apply(&mut loads);
        assert_eq!(loads, BTreeMap::from([(wu.clone(), 3)]));
        moved(&wu, &lin).apply(&mut loads);
        assert_eq!(loads, BTreeMap::from([(lin, 1), (wu, 2)]));
    }
}
