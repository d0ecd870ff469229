//! An engine on a clock of the test's own: what takes minutes on a real one.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::sync::watch;

use super::*;
use crate::{
    bot::Effect,
    cache::MemoryCache,
    channel::{
        Capabilities, ChannelError, ChannelErrorKind, Decoded, Delivery, Dispatch, Persona, Receipt,
    },
    clock::{TestClock, Timestamp},
    error::Remedy,
    message::{Arrival, Author, Content, Cue, PeerId, ThreadKey},
    store::{Due, DueKind, DueWhat, MemoryStore},
    testkit::{NOW, desk, tools},
    texts::Locale,
};

/// A platform that notes what it is sent, unless somebody must mend it first.
struct Platform {
    capabilities: Capabilities,
    sent: watch::Sender<Vec<String>>,
    broken: AtomicBool,
    /// Sends that were begun, and whether they go on.
    begun: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Platform {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            capabilities: Capabilities::default(),
            sent: watch::Sender::default(),
            broken: AtomicBool::new(false),
            begun: watch::Sender::default(),
            open: watch::Sender::new(true),
        })
    }

    /// Waits until something with these words was sent.
    async fn was_sent(&self, words: &str) -> String {
        let mut sent = self.sent.subscribe();
        let found = |sent: &Vec<String>| sent.iter().find(|one| one.contains(words)).cloned();
        let sent = sent.wait_for(|sent| found(sent).is_some()).await.unwrap();
        found(&sent).unwrap()
    }
}

#[async_trait]
impl Channel for Platform {
    fn decode(&self, _: &Delivery) -> Result<Decoded, ChannelError> {
        Err(ChannelError::malformed("nothing comes this way"))
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        if self.broken.load(Ordering::Relaxed) {
            let kind = ChannelErrorKind::Configuration;
            let refused = ChannelError::new(kind, Remedy::retry_secs(60), "48001");
            return Err(refused.advise("没有权限", "no right"));
        }
        self.begun.send_modify(|begun| *begun += 1);
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        let words = dispatch.content.words().unwrap_or_default().to_owned();
        self.sent.send_modify(|sent| sent.push(words));
        Ok(Receipt::default())
    }
}

struct Stage {
    engine: Arc<Engine>,
    clock: Arc<TestClock>,
    mall: Arc<Platform>,
    desk: Arc<Platform>,
}

fn thread() -> ThreadKey {
    ThreadKey {
        inbox: "mall".into(),
        peer: PeerId::new("o-zhou"),
    }
}

impl Stage {
    /// With a conversation that the agent `system` has.
    async fn assigned() -> Self {
        let clock = Arc::new(TestClock::new(NOW));
        let (mall, at_desk) = (Platform::new(), Platform::new());
        let mut channels: BTreeMap<InboxName, Arc<dyn Channel>> = BTreeMap::new();
        channels.insert("mall".into(), mall.clone());
        channels.insert("desk".into(), at_desk.clone());
        let engine = Engine::new(EngineParts {
            store: Arc::new(MemoryStore::new(clock.clone())),
            cache: Arc::new(MemoryCache::new(clock.clone())),
            broker: Arc::new(crate::broker::Embedded),
            clock: clock.clone(),
            media: tools().media,
            channels: Arc::new(channels),
            catalogue: Arc::default(),
            guards: Vec::new(),
            agents: desk().agents.as_ref().clone(),
            strategy: Strategy::default(),
            hours: WorkingHours::default(),
            on_duty: Vec::new(),
            texts: Arc::new(Texts::new(Locale::Zh)),
            settings: EngineSettings::default(),
        });
        engine.start();
        let stage = Self {
            engine,
            clock,
            mall,
            desk: at_desk,
        };
        let assign = Effect::Assign {
            agent: AgentName::new("system"),
            note: None,
        };
        stage.order(&thread(), Author::System, "0", assign).await;
        stage.desk.was_sent("新会话").await;
        stage
    }

    async fn order(&self, thread: &ThreadKey, author: Author, id: &str, effect: Effect) {
        let order = Cue::Order {
            by: AgentName::new("system"),
            effects: vec![effect],
        };
        let arrival = Arrival {
            author,
            ..self.engine.cue(thread, format!("order:{id}"), order)
        };
        self.engine.accept(vec![arrival]).await.unwrap();
    }

    /// The agent says something to the contact.
    async fn says(&self, words: &str) {
        let desk = ThreadKey {
            inbox: "desk".into(),
            peer: Persona::id_of(&thread()),
        };
        let agent = Author::Agent(PeerId::new("agent_system"));
        let effect = Effect::Relay(Content::text(words));
        self.order(&desk, agent, words, effect).await;
    }
}

#[tokio::test]
async fn who_writes_on_while_the_operator_is_needed_knows_how_many_wait_and_when_they_go() {
    let stage = Stage::assigned().await;
    stage.mall.broken.store(true, Ordering::Relaxed);
    stage.says("一").await;
    let told = stage.desk.was_sent("暂时无法送达").await;
    assert!(told.contains("一") && told.contains("没有权限"), "{told}");
    stage.says("二").await;
    let told = stage.desk.was_sent("共 2 条").await;
    assert!(told.contains("没有权限"), "{told}");
    stage.says("三").await;
    stage.clock.advance(Duration::from_secs(61));
    stage.says("四").await;
    stage.desk.was_sent("共 4 条").await;

    stage.mall.broken.store(false, Ordering::Relaxed);
    stage.clock.advance(Duration::from_secs(61));
    stage.desk.was_sent("已恢复送达，等待中的 4 条").await;
    stage.mall.was_sent("四").await;
    let all = stage.mall.sent.borrow().clone();
    let said: Vec<&String> = all.iter().filter(|one| one.chars().count() == 1).collect();
    assert_eq!(said, ["一", "二", "三", "四"]);
    let told = stage.desk.sent.borrow().clone();
    let counted = told.iter().filter(|one| one.contains("条消息在等待"));
    assert_eq!(counted.count(), 2, "once a minute: {told:?}");

    // It is as it was before: nothing waits, nothing is told.
    stage.says("五").await;
    stage.mall.was_sent("五").await;
    assert_eq!(*stage.desk.sent.borrow(), told);
    stage.engine.drain(Duration::from_secs(1)).await;
}

/// When somebody else may take what is being sent.
async fn lease_ends(stage: &Stage) -> Timestamp {
    let store = &stage.engine.parts.store;
    let next = store.next_due(DueKind::Dispatch, &[]).await.unwrap();
    next.expect("something is being sent")
}

/// Waits until it may be taken by somebody else at that time, not before.
async fn lease_moves_to(stage: &Stage, end: Timestamp) {
    while lease_ends(stage).await != end {
        tokio::task::yield_now().await;
    }
}

/// The agent has said something that the platform is slow to take.
async fn slow_send() -> Stage {
    let stage = Stage::assigned().await;
    stage.mall.was_sent("为您服务").await;
    all_is_settled(&stage).await;
    stage.mall.open.send_replace(false);
    let begun = *stage.mall.begun.borrow();
    stage.says("慢").await;
    let mut all = stage.mall.begun.subscribe();
    all.wait_for(|all| *all > begun).await.unwrap();
    stage
}

/// What the contact got after the word that an agent is there.
fn sent_after_all(stage: &Stage) -> Vec<String> {
    stage.mall.sent.borrow()[1..].to_vec()
}

/// Lets time pass, and everybody see it.
async fn pass(stage: &Stage, span: Duration) {
    stage.clock.advance(span);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Waits until nothing is to be sent any more.
async fn all_is_settled(stage: &Stage) {
    let store = &stage.engine.parts.store;
    while store.depths().await.unwrap().dispatches > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_lease_does_not_end_under_who_sends_and_is_not_long() {
    let stage = slow_send().await;
    let lease = stage.engine.parts.settings.lease;
    assert!(lease <= Duration::from_secs(10));
    assert_eq!(lease_ends(&stage).await, stage.clock.now() + lease);
    let mut ends = Vec::new();
    for _ in 0..16 {
        pass(&stage, lease / 4).await;
        ends.push(lease_ends(&stage).await.since(stage.clock.now()));
    }
    let shortest = ends.into_iter().min();
    assert!(shortest >= Some(lease / 2), "{shortest:?}");
    stage.mall.open.send_replace(true);
    all_is_settled(&stage).await;
    assert_eq!(sent_after_all(&stage), ["慢"]);
    stage.engine.drain(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn who_drains_renews_to_the_last() {
    let stage = slow_send().await;
    let lease = stage.engine.parts.settings.lease;
    let engine = stage.engine.clone();
    let drained = tokio::spawn(async move { engine.drain(Duration::from_secs(60)).await });
    while !stage.engine.draining() {
        tokio::task::yield_now().await;
    }
    for _ in 0..8 {
        pass(&stage, lease / 4).await;
    }
    assert!(lease_ends(&stage).await > stage.clock.now());
    stage.mall.open.send_replace(true);
    drained.await.unwrap();
    assert_eq!(sent_after_all(&stage), ["慢"]);
}

/// A machine that slept, or a clock that was set: every lease is over at once, also under who lives.
#[tokio::test]
async fn what_a_node_takes_from_itself_is_not_sent_twice() {
    let stage = slow_send().await;
    let lease = stage.engine.parts.settings.lease;
    let begun = *stage.mall.begun.borrow();
    stage
        .clock
        .set(stage.clock.now() + Duration::from_secs(3600));
    stage.engine.notify(Notice::Dispatches);
    lease_moves_to(&stage, stage.clock.now() + lease).await;
    stage.mall.open.send_replace(true);
    all_is_settled(&stage).await;
    assert_eq!(*stage.mall.begun.borrow(), begun);
    assert_eq!(sent_after_all(&stage), ["慢"]);
    stage.engine.drain(Duration::from_secs(1)).await;
}

/// A node that stalled between taking and sending, while another took over.
#[tokio::test]
async fn what_is_another_s_by_now_is_not_begun() {
    let stage = slow_send().await;
    stage.mall.open.send_replace(true);
    all_is_settled(&stage).await;
    stage.engine.drain(Duration::from_secs(1)).await;
    stage.says("晚").await;
    let store = stage.engine.parts.store.clone();
    let (late, other) = (WorkerId::new("late"), WorkerId::new("other"));
    let lease = stage.engine.parts.settings.lease;
    let claim = store.claim(&late, lease).await.unwrap().unwrap();
    stage.engine.work(claim).await;
    let take = async |worker| {
        let due = store.due(DueKind::Dispatch, worker, 9, lease, &[]).await;
        due.unwrap()
    };
    let taken = take(&late).await;
    let began = Instant::now();
    stage.clock.advance(lease);
    let again = take(&other).await;
    assert_eq!(again.len(), 1);
    let begun = *stage.mall.begun.borrow();
    for Due { id, what } in taken {
        let DueWhat::Dispatch(dispatch) = what else {
            panic!("{what:?}")
        };
        let hold = stage.engine.holds.hold(id, began).unwrap();
        stage.engine.deliver(hold, *dispatch).await;
    }
    assert_eq!(*stage.mall.begun.borrow(), begun);
    assert_eq!(lease_ends(&stage).await, stage.clock.now() + lease);
}

#[tokio::test]
async fn a_clock_set_back_holds_up_no_retry() {
    let stage = Stage::assigned().await;
    stage.mall.was_sent("为您服务").await;
    all_is_settled(&stage).await;
    stage.mall.broken.store(true, Ordering::Relaxed);
    stage.says("等等").await;
    stage.desk.was_sent("暂时无法送达").await;
    stage.mall.broken.store(false, Ordering::Relaxed);
    stage
        .clock
        .set(stage.clock.now() - Duration::from_secs(3600));
    for _ in 0..75 {
        pass(&stage, Duration::from_secs(1)).await;
    }
    all_is_settled(&stage).await;
    assert_eq!(sent_after_all(&stage), ["等等"]);
    stage.engine.drain(Duration::from_secs(1)).await;
}
