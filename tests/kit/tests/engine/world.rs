//! The world of one engine: its store, its clock, a platform where contacts are and one where agents are.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use bridge_core::{
    bot::{BotError, BotSpec, Catalogue, ChatBot, Effect, Turn},
    broker::Embedded,
    chain::Guard,
    channel::{
        Capabilities, Channel, ChannelError, Decoded, Delivery, Dispatch, Persona, Presence, Pull,
        Receipt,
    },
    clock::{Clock, TestClock},
    conversation::Conversation,
    engine::{Engine, EngineParts, EngineSettings},
    message::{
        AgentName, Arrival, ArrivalId, Author, BotName, Content, ExternalId, InboxName, PeerId,
        ThreadKey, Trigger, What,
    },
    plugin::{BuildError, Plugin, Tools},
    registry::Registry,
    routing::{Agent, Strategy, WorkingHours},
    store::{Backend, Depths, MemoryStore, Records},
    testkit,
    texts::{Locale, Texts},
};
use bridge_plugins as _;
use parking_lot::Mutex;
use tokio::sync::watch;

/// How long anything may take in real time, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a platform does with a dispatch.
pub enum Does {
    /// Refuses it.
    Refuses(ChannelError),
    /// Says nothing until it is told to, then this.
    Waits(watch::Receiver<bool>, Result<(), ChannelError>),
    /// Says nothing, ever.
    Hangs,
    /// Breaks.
    Panics,
}

/// A platform.
#[derive(Default)]
pub struct Platform {
    pub capabilities: Capabilities,
    /// What it took.
    pub took: watch::Sender<Vec<Dispatch>>,
    /// What it was asked to take, taken or not.
    pub asked: watch::Sender<u64>,
    /// What it does with the next ones; then it takes them.
    pub does: Mutex<VecDeque<Does>>,
    /// What it does with all for which nothing is ordered.
    pub always: Mutex<Option<ChannelError>>,
    /// How it reads a callback.
    pub decodes: Option<Box<dyn Fn(&Delivery) -> Decoded + Send + Sync>>,
    pub pull: Option<Box<dyn Pull>>,
    pub presence: Option<Box<dyn Presence>>,
}

#[async_trait]
impl Channel for Platform {
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        let decodes = self.decodes.as_ref();
        let read = decodes.map(|decode| decode(delivery));
        read.ok_or_else(|| ChannelError::malformed("nobody calls back"))
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn pull(&self) -> Option<&dyn Pull> {
        self.pull.as_deref()
    }

    fn presence(&self) -> Option<&dyn Presence> {
        self.presence.as_deref()
    }

    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        tracing::info!("the platform is asked");
        let ordered = self.does.lock().pop_front();
        self.asked.send_modify(|asked| *asked += 1);
        match ordered {
            Some(Does::Refuses(error)) => return Err(error),
            Some(Does::Waits(mut bell, then)) => {
                let _ = bell.wait_for(|rung| *rung).await;
                then?;
            }
            Some(Does::Hangs) => std::future::pending().await,
            Some(Does::Panics) => panic!("on purpose"),
            None => {
                let always = self.always.lock().clone();
                always.map_or(Ok(()), Err)?;
            }
        }
        self.took.send_modify(|took| took.push(dispatch.clone()));
        Ok(Receipt::default())
    }
}

impl Platform {
    pub fn with(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            ..Self::default()
        }
    }

    /// What it does next.
    pub fn does(&self, does: Does) {
        self.does.lock().push_back(does);
    }

    /// The words it took, in order.
    pub fn words(&self) -> Vec<String> {
        let took = self.took.borrow();
        let words = took.iter().filter_map(|one| one.content.words());
        words.map(str::to_owned).collect()
    }

    /// Waits for words.
    pub async fn hears(&self, part: &str) -> Dispatch {
        let mut took = self.took.subscribe();
        let is_it = |one: &&Dispatch| {
            one.content
                .words()
                .is_some_and(|words| words.contains(part))
        };
        let heard = took.wait_for(|took| took.iter().any(|one| is_it(&one)));
        let heard = tokio::time::timeout(PATIENCE, heard).await;
        let took = heard
            .unwrap_or_else(|_| panic!("never heard {part:?}: {:?}", self.words()))
            .unwrap();
        took.iter().find(is_it).unwrap().clone()
    }

    /// Waits until it was asked to take so many, taken or not.
    pub async fn is_asked(&self, times: u64) {
        let mut asked = self.asked.subscribe();
        let asked = asked.wait_for(|asked| *asked >= times);
        let asked = tokio::time::timeout(PATIENCE, asked).await;
        asked
            .unwrap_or_else(|_| panic!("never asked {times} times"))
            .unwrap();
    }
}

/// How a world is set up.
pub struct Set {
    pub agents: Vec<&'static str>,
    pub guards: Vec<Guard>,
    pub entry: &'static str,
    pub mall: Option<Platform>,
    pub desk: Platform,
    /// Another place where agents work; those named `…@annex` work there.
    pub annex: Platform,
    pub turn: fn(&mut EngineSettings),
    pub locale: Locale,
}

impl Default for Set {
    fn default() -> Self {
        Self {
            agents: vec!["system"],
            guards: Vec::new(),
            entry: "transfer",
            mall: Some(Platform::default()),
            desk: Platform::default(),
            annex: Platform::default(),
            turn: |_| {},
            locale: Locale::Zh,
        }
    }
}

/// The world of one engine.
pub struct World {
    pub clock: Arc<TestClock>,
    pub store: Arc<MemoryStore>,
    pub engine: Arc<Engine>,
    pub mall: Arc<Platform>,
    pub desk: Arc<Platform>,
    pub annex: Arc<Platform>,
    /// How often the assistant was asked.
    pub asked: watch::Sender<u64>,
    number: AtomicU64,
}

impl World {
    pub fn new(set: Set) -> Self {
        let clock = Arc::new(TestClock::default());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        Self::on(clock, store, set, 0)
    }

    /// The next life of the same store, under another configuration.
    pub async fn next_life(self, set: Set) -> Self {
        self.engine.drain(PATIENCE).await;
        let number = self.number.load(Relaxed);
        Self::on(self.clock, self.store, set, number)
    }

    fn on(clock: Arc<TestClock>, store: Arc<MemoryStore>, set: Set, number: u64) -> Self {
        let (mall, desk) = (set.mall.map(Arc::new), Arc::new(set.desk));
        let tools = testkit::tools_at(clock.clone());
        let asked = watch::Sender::default();
        let mut channels: BTreeMap<InboxName, Arc<dyn Channel>> = BTreeMap::new();
        channels.insert(InboxName::new("desk"), desk.clone());
        let annex = Arc::new(set.annex);
        channels.insert(InboxName::new("annex"), annex.clone());
        if let Some(mall) = &mall {
            channels.insert(InboxName::new("mall"), mall.clone());
        }
        let mut settings = EngineSettings {
            entry: BotName::new(set.entry),
            merge_window: Duration::ZERO,
            merge_latest: Duration::ZERO,
            rating: false,
            ..EngineSettings::default()
        };
        (set.turn)(&mut settings);
        let engine = Engine::new(EngineParts {
            store: store.clone() as Arc<dyn Backend>,
            cache: tools.cache.clone(),
            broker: Arc::new(Embedded),
            clock: clock.clone(),
            media: tools.media.clone(),
            channels: Arc::new(channels),
            catalogue: Arc::new(catalogue(&tools, &asked)),
            guards: set.guards,
            agents: set.agents.iter().map(|name| agent(name)).collect(),
            strategy: Strategy::default(),
            hours: WorkingHours::default(),
            on_duty: Vec::new(),
            texts: Arc::new(Texts::new(set.locale)),
            settings,
        });
        engine.start();
        Self {
            clock,
            store,
            engine,
            mall: mall.unwrap_or_default(),
            desk,
            annex,
            asked,
            number: AtomicU64::new(number),
        }
    }

    /// An arrival on a thread; its number is its external id.
    pub fn arrival(&self, inbox: &str, peer: &str, author: Author, content: Content) -> Arrival {
        let number = self.number.fetch_add(1, Relaxed);
        let now = self.clock.now();
        Arrival {
            inbox: InboxName::new(inbox),
            external_id: ExternalId::from(format!("m{number}")),
            peer: PeerId::new(peer),
            trigger: (author == Author::Contact).then_some(Trigger::Message),
            author,
            what: What::Content(content),
            sent_at: now,
            received_at: now,
            decoded_at: None,
            profile: None,
        }
    }

    pub async fn take(&self, arrivals: Vec<Arrival>) -> Vec<Option<ArrivalId>> {
        self.engine.accept(arrivals).await.unwrap()
    }

    pub async fn contact_says(&self, peer: &str, text: &str) {
        let said = self.arrival("mall", peer, Author::Contact, Content::text(text));
        self.take(vec![said]).await;
    }

    /// What an agent says to a contact's stand-in.
    pub fn said_by(&self, agent: &str, to: &str, text: &str) -> Arrival {
        let author = Author::Agent(PeerId::new(format!("agent_{agent}")));
        self.arrival("desk", stand_in(to).as_str(), author, Content::text(text))
    }

    pub async fn agent_says(&self, agent: &str, to: &str, text: &str) {
        self.take(vec![self.said_by(agent, to, text)]).await;
    }

    /// A contact who has an agent.
    pub async fn with_agent(&self, peer: &str) {
        self.contact_says(peer, "你好").await;
        self.mall.hears("为您服务").await;
        self.settled().await;
    }

    pub async fn conversation(&self, peer: &str) -> Conversation {
        let id = self.store.find(&thread(peer)).await.unwrap().unwrap();
        self.store.conversation(id).await.unwrap().unwrap().0
    }

    pub async fn depths(&self) -> Depths {
        self.store.depths().await.unwrap()
    }

    /// Waits until the books say so.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Depths) -> bool) {
        let wait = async {
            while !is_so(&self.depths().await) {
                // The books ring no bell.
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("never {what}: {:?}", self.depths().await);
        }
    }

    /// Waits until nothing is in work.
    pub async fn settled(&self) {
        let nothing = |depths: &Depths| depths.arrivals + depths.dispatches + depths.errands == 0;
        self.until("settled", nothing).await;
    }

    /// Lets time pass in steps until the books say so: pauses between tries are served one after the other.
    pub async fn passes(&self, step: Duration, most: Duration, is_so: impl AsyncFn(&Self) -> bool) {
        let end = self.clock.now() + most;
        let wait = async {
            while !is_so(self).await {
                if self.clock.now() < end {
                    self.clock.advance(step);
                }
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("never: {:?}", self.depths().await);
        }
    }
}

pub fn thread(peer: &str) -> ThreadKey {
    ThreadKey {
        inbox: InboxName::new("mall"),
        peer: PeerId::new(peer),
    }
}

pub fn stand_in(peer: &str) -> PeerId {
    Persona::id_of(&thread(peer))
}

fn agent(name: &str) -> (AgentName, Agent) {
    let (name, inbox) = name.split_once('@').unwrap_or((name, "desk"));
    let agent = Agent {
        name: AgentName::new(name),
        display_name: name.to_owned(),
        inbox: InboxName::new(inbox),
        account: PeerId::new(format!("agent_{name}")),
        capacity: 2,
        weight: 1,
        skills: vec!["售前".to_owned()],
        default: false,
    };
    (agent.name.clone(), agent)
}

fn catalogue(tools: &Tools, asked: &watch::Sender<u64>) -> Catalogue {
    let mut catalogue = Catalogue::default();
    let registry = Registry::linked().unwrap();
    let usual = registry.bots.values().filter(|spec| !spec.needs_section);
    for spec in usual {
        let bot = spec.build(serde_json::json!({}), tools).unwrap();
        catalogue.insert(**spec, bot);
    }
    let spec = BotSpec::new::<Assistant>("ai").background(Duration::from_secs(60));
    catalogue.insert(spec, Arc::new(Assistant(asked.clone())));
    catalogue
}

/// An assistant who says everything twice, and thinks for ever about some things when first asked.
struct Assistant(watch::Sender<u64>);

#[derive(clap::Args)]
struct Nothing {}

impl Plugin for Assistant {
    type Config = ();

    fn build((): (), _: &Tools) -> Result<Self, BuildError> {
        Ok(Self(watch::Sender::default()))
    }
}

#[async_trait]
impl ChatBot for Assistant {
    type Args = Nothing;

    async fn answer(&self, _: Nothing, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        let said = turn.question.iter().filter_map(|said| said.content.words());
        let words = said.collect::<Vec<_>>().join("，");
        self.0.send_modify(|asked| *asked += 1);
        if words.contains("想一想") && turn.attempt <= 1 {
            std::future::pending::<()>().await;
        }
        let once = format!("您说：{words}");
        Ok(vec![
            Effect::reply(once),
            Effect::reply("还有什么可以帮您？"),
        ])
    }
}
