//! An engine on a clock of the test's own: what takes minutes on a real one.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
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
    clock::TestClock,
    error::Remedy,
    message::{Arrival, Author, Content, Cue, PeerId, ThreadKey},
    store::MemoryStore,
    testkit::{NOW, desk, tools},
    texts::Locale,
};

/// A platform that notes what it is sent, unless somebody must mend it first.
struct Platform {
    capabilities: Capabilities,
    sent: watch::Sender<Vec<String>>,
    broken: AtomicBool,
}

impl Platform {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            capabilities: Capabilities::default(),
            sent: watch::Sender::default(),
            broken: AtomicBool::new(false),
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
