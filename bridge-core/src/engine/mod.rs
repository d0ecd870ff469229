//! The loops that move messages: ingress, turns, dispatches, errands, pulls; and beside them the deadlines, the desk and
//! the housekeeping. Each step wakes the next by a notice and polls only as a fallback: an idle bridge does nothing.

mod clerk;
mod contained;
mod context;
mod deadlines;
mod desk;
mod dispatches;
mod drain;
mod errands;
mod hands;
mod holds;
mod housekeeping;
mod ingress;
mod lines;
mod meters;
mod people;
mod presence;
mod pressure;
mod pulls;
mod receipts;
mod settings;
mod tidy;
mod turns;
mod typing;
mod wake;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock, Weak, atomic::AtomicU64},
    time::Duration,
};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::Semaphore, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use contained::contained;
pub use ingress::IngressError;
pub use settings::{EngineSettings, OnUnknown};

use self::{
    context::Ring, desk::DeskKeeper, hands::Hands, holds::Holds, meters::Meters,
    pressure::Pressure, wake::Wake,
};
use crate::{
    bot::{Cancelled, Catalogue},
    broker::{Broker, Notice},
    cache::Cache,
    chain::{AnswerBy, Chain, DecodeDelivery, Guard, OpenTurn, ParseCommands},
    channel::{Channel, PullHint},
    clock::Clock,
    media::MediaLibrary,
    message::{AgentName, ErrandId, InboxName, ThreadKey, WorkerId},
    routing::{Agent, Strategy, WorkingHours},
    store::Backend,
    texts::Texts,
};

/// Everything an engine is made of.
pub struct EngineParts {
    /// The only truth.
    pub store: Arc<dyn Backend>,
    /// Presence and other losable facts.
    pub cache: Arc<dyn Cache>,
    /// Notices between nodes.
    pub broker: Arc<dyn Broker>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Pictures, voices and files.
    pub media: Arc<dyn MediaLibrary>,
    /// The configured inboxes.
    pub channels: Arc<BTreeMap<InboxName, Arc<dyn Channel>>>,
    /// The configured bots.
    pub catalogue: Arc<Catalogue>,
    /// The configured guards, in order.
    pub guards: Vec<Guard>,
    /// The configured agents.
    pub agents: BTreeMap<AgentName, Agent>,
    /// How agents are chosen.
    pub strategy: Strategy,
    /// When the desk works.
    pub hours: WorkingHours,
    /// Who works outside the hours.
    pub on_duty: Vec<AgentName>,
    /// The words people are spoken to in.
    pub texts: Arc<Texts>,
    /// The rest.
    pub settings: EngineSettings,
}

/// The engine of one node: takes what comes in, has turns made of it, and sends what comes of them.
pub struct Engine {
    parts: EngineParts,
    chain: Chain,
    desk: DeskKeeper,
    wake: Wake,
    /// The last words of open conversations, where nodes share a cache.
    ring: Option<Ring>,
    pressure: Pressure,
    meters: Meters,
    hands: Arc<Hands>,
    holds: Arc<Holds>,
    /// Itself, for what goes on when its caller has gone.
    me: Weak<Engine>,
    worker: WorkerId,
    /// Errands that run here and may be cancelled.
    running: Mutex<BTreeMap<ErrandId, Cancelled>>,
    hints: tokio::sync::mpsc::Sender<(InboxName, PullHint)>,
    pulling: pulls::Pulling,
    hinted: Mutex<Option<tokio::sync::mpsc::Receiver<(InboxName, PullHint)>>>,
    wondered: (
        tokio::sync::mpsc::Sender<ThreadKey>,
        Mutex<Option<tokio::sync::mpsc::Receiver<ThreadKey>>>,
    ),
    /// For those who watch conversations live.
    watched: tokio::sync::broadcast::Sender<Notice>,
    stop: CancellationToken,
    /// Nothing is in hand any more, or nobody waits for it.
    finished: CancellationToken,
    tasks: TaskTracker,
    /// What goes on until the others have finished.
    last: TaskTracker,
    /// Where its loops run. A callback comes in on a thread that has callbacks to answer and nothing else.
    home: OnceLock<Handle>,
    cues: AtomicU64,
    /// For those who are shown that somebody is at an answer.
    shows: Arc<Semaphore>,
}

/// Pull hints that may wait; more are dropped, the routine pulls find what they meant.
const HINTS: usize = 1024;
/// Notices that a watcher may be behind; who is further behind looks at everything.
const WATCHED: usize = 1024;

/// After how long a loop that broke begins again.
const AGAIN: Duration = Duration::from_secs(1);

impl Engine {
    /// Puts an engine together; nothing runs yet.
    pub fn new(parts: EngineParts) -> Arc<Self> {
        let chain = chain(&parts);
        let desk = DeskKeeper::new(&parts);
        let (wonder, wondered) = tokio::sync::mpsc::channel(people::QUESTIONS);
        let (hints, hinted) = tokio::sync::mpsc::channel(HINTS);
        let settings = &parts.settings;
        let turns = Self::turns_of(settings, parts.store.hands_over());
        let hands = Hands::new(turns, settings.dispatch_workers);
        Arc::new_cyclic(|me| Self {
            chain,
            desk,
            wake: Wake::default(),
            ring: Ring::of(&parts),
            pressure: Pressure::default(),
            meters: Meters::of(parts.channels.keys()),
            hands: Arc::new(hands),
            holds: Arc::default(),
            me: me.clone(),
            worker: WorkerId::new(uuid::Uuid::now_v7().to_string()),
            running: Mutex::default(),
            hints,
            pulling: pulls::Pulling::default(),
            hinted: Mutex::new(Some(hinted)),
            wondered: (wonder, Mutex::new(Some(wondered))),
            watched: tokio::sync::broadcast::channel(WATCHED).0,
            stop: CancellationToken::new(),
            finished: CancellationToken::new(),
            tasks: TaskTracker::new(),
            last: TaskTracker::new(),
            home: OnceLock::new(),
            cues: AtomicU64::new(0),
            shows: Arc::new(Semaphore::new(typing::AT_ONCE)),
            parts,
        })
    }

    /// Starts the loops as tasks of the current runtime.
    pub fn start(self: &Arc<Self>) {
        self.home.get_or_init(Handle::current);
        let turns = Self::turns_of(&self.parts.settings, self.parts.store.hands_over());
        for number in 0..turns {
            self.spawn(move |engine| async move { engine.take_turns(number).await });
        }
        self.spawn(|engine| async move { engine.send_dispatches().await });
        self.spawn(|engine| async move { engine.run_errands().await });
        self.spawn(|engine| async move { engine.watch_deadlines().await });
        self.spawn(|engine| async move { engine.ask_people().await });
        self.spawn(|engine| async move { engine.keep_desk().await });
        self.spawn(|engine| async move { engine.keep_context().await });
        self.spawn(|engine| async move { engine.keep_house().await });
        self.spawn(|engine| async move { engine.hear_notices().await });
        // These outlast the others: until what those have in hand is finished, and nothing comes in any more.
        let last = |work: BoxFuture<'static, ()>| self.last.spawn(work);
        last(Box::pin(self.clone().unbroken(Self::keep_holds)));
        last(Box::pin(self.clone().unbroken(Self::pull_hinted)));
        last(Box::pin(self.clone().unbroken(Self::pull_routinely)));
    }

    /// What the engine is made of.
    pub fn parts(&self) -> &EngineParts {
        &self.parts
    }

    /// Runs a loop. One that broke begins again: what it had in hand comes back with its lease.
    fn spawn<F>(self: &Arc<Self>, work: impl Fn(Arc<Self>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(self.clone().unbroken(work));
    }

    /// Has something done beside its loops.
    fn beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        match self.home.get() {
            Some(home) => drop(self.tasks.spawn_on(work, home)),
            None => drop(self.tasks.spawn(work)),
        }
    }

    async fn unbroken<F>(self: Arc<Self>, work: impl Fn(Arc<Self>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        while contained(work(self.clone()), Duration::MAX).await.is_err() {
            tracing::error!("a loop of the engine panicked; it begins again");
            self.wait_for(std::future::pending(), AGAIN).await;
            if self.stop.is_cancelled() {
                return;
            }
        }
    }

    /// What happens to conversations, on this node and the others: [`Notice::Changed`], [`Notice::Typing`], and
    /// [`Notice::All`] whenever some may have been missed.
    pub fn watch(&self) -> tokio::sync::broadcast::Receiver<Notice> {
        self.watched.subscribe()
    }

    /// Tells this node's loops, and the other nodes where this one will not see to it soon.
    fn notify(&self, notice: Notice) {
        self.wake.notice(notice);
        if !self.sees_to(notice) {
            self.parts.broker.publish(notice);
        }
    }

    /// Tells those who watch live, here and on the other nodes.
    fn announce(&self, notice: Notice) {
        // Nobody watches: nobody is told.
        let _ = self.watched.send(notice);
        self.parts.broker.publish(notice);
    }

    /// What other nodes tell.
    async fn hear_notices(self: Arc<Self>) {
        let Some(mut notices) = self.parts.broker.subscribe() else {
            return;
        };
        loop {
            let notice = tokio::select! {
                () = self.stop.cancelled() => return,
                notice = notices.recv() => notice,
            };
            match notice {
                Ok(Notice::Cancelled(errand)) => self.cancel_errand(errand),
                Ok(notice @ (Notice::Desk | Notice::Seats)) => {
                    self.desk.outdated();
                    self.wake.notice(notice);
                }
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) | Ok(Notice::All) => {
                    self.desk.stale();
                    self.wake.all();
                    let _ = self.watched.send(Notice::All);
                }
                Ok(notice @ (Notice::Changed(_) | Notice::Typing(_))) => {
                    let _ = self.watched.send(notice);
                }
                Ok(notice) => self.wake.notice(notice),
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    }
}

fn chain(parts: &EngineParts) -> Chain {
    let settings = &parts.settings;
    Chain {
        decode: Box::new(DecodeDelivery {
            channels: parts.channels.clone(),
        }),
        conversation: Box::new(OpenTurn {
            texts: parts.texts.clone(),
            menu_words: settings.menu_words.clone(),
            one_chat: lines::one_chat(&parts.channels),
            buttons: lines::buttons(&parts.catalogue, &parts.texts),
        }),
        guards: crate::chain::guarded(&parts.guards),
        command_parse: Box::new(ParseCommands {
            catalogue: parts.catalogue.clone(),
            transfer_words: settings.transfer_words.clone(),
        }),
        chat_bot: Box::new(AnswerBy {
            catalogue: parts.catalogue.clone(),
        }),
    }
}

/// How many times as much as is free one group may have in work.
const GREED: usize = 3;

/// Runs pieces of work side by side, at most so many; a panic in one is that one's failure. Whatever a group (an inbox, a
/// bot) has to do, and however slow it is, something is left for the others: nobody may have more than [`GREED`] times
/// what is free. One alone gets three quarters; two that hang get three sevenths each, and so on.
struct Side {
    limit: usize,
    running: JoinSet<()>,
    groups: HashMap<tokio::task::Id, String>,
}

impl Side {
    fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            running: JoinSet::new(),
            groups: HashMap::new(),
        }
    }

    /// How many more may start now.
    fn room(&mut self) -> usize {
        while let Some(done) = self.running.try_join_next_with_id() {
            self.forget(done);
        }
        self.limit - self.running.len().min(self.limit)
    }

    fn start(&mut self, group: &str, work: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(work).id();
        self.groups.insert(id, group.to_owned());
    }

    /// Groups that have their share in work.
    fn full(&self) -> Vec<String> {
        let free = self.limit - self.running.len().min(self.limit);
        let mut counts: HashMap<&String, usize> = HashMap::new();
        for group in self.groups.values() {
            *counts.entry(group).or_default() += 1;
        }
        let full = counts
            .into_iter()
            .filter(|(_, count)| *count > GREED * free);
        full.map(|(group, _)| group.clone()).collect()
    }

    fn forget(&mut self, done: Result<(tokio::task::Id, ()), tokio::task::JoinError>) {
        let id = done.map_or_else(|error| error.id(), |(id, ())| id);
        self.groups.remove(&id);
    }

    /// Waits until one has finished; at once when none runs... for ever, so that a `select!` waits for its other arms.
    async fn one_done(&mut self) {
        match self.running.join_next_with_id().await {
            Some(done) => self.forget(done),
            None => std::future::pending::<()>().await,
        }
    }

    /// Waits for all.
    async fn finish(mut self) {
        while self.running.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod sides {
    use super::*;

    #[tokio::test]
    async fn whoever_hangs_leaves_room_for_others() {
        let mut side = Side::new(512);
        let hang = std::future::pending::<()>;
        let mut full = Vec::new();
        for inbox in ["dead", "dead too"] {
            while !side.full().iter().any(|name| name == inbox) {
                side.start(inbox, hang());
            }
            full.push(inbox.to_owned());
        }
        assert_eq!(side.full().len(), 2);
        let room = side.room();
        assert!(room > 512 / 20, "room for others: {room}");
        let (ring, heard) = tokio::sync::oneshot::channel::<()>();
        side.start("alive", async move {
            let _ = heard.await;
        });
        side.start("broken", async { panic!("on purpose") });
        side.one_done().await;
        drop(ring);
        side.one_done().await;
        assert_eq!(side.room(), room, "a panic gives its place back, too");
        assert_eq!(side.groups.len(), 512 - room);
    }
}
