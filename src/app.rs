//! The one place where concrete stores, channels, bots and the engine meet.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::{Context, anyhow};
use bridge_core::{
    bot::{Catalogue, standing},
    chain::Guard,
    channel::Channel,
    clock::{Clock, SystemClock},
    engine::{Engine, EngineParts, EngineSettings},
    message::{AgentName, BotName, InboxName},
    plugin::{Keyring, Tools},
    registry::Registry,
    settings::Span,
    store::Backend,
};
use bridge_media::{Library, StoreLedger, Surroundings};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    cli::Failure,
    settings::{Fault, Faults, Settings},
    shared, storage,
};

/// A bridge that is put together.
pub struct App {
    /// The engine, ready to start.
    pub engine: Arc<Engine>,
    /// The store.
    pub store: Arc<dyn Backend>,
    /// The media library, which serves `/media`.
    pub library: Library,
    /// The settings it was built from.
    pub settings: Settings,
}

impl App {
    /// Puts a bridge together; nothing runs yet.
    pub(crate) async fn build(settings: Settings) -> Result<Self, Failure> {
        Self::build_on(settings, Arc::new(SystemClock)).await
    }

    /// The same on another clock.
    pub(crate) async fn build_on(
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let store = storage::open(&settings, &clock).await?;
        let (cache, broker) = (
            shared::cache(&settings, &clock)?,
            shared::broker(&settings)?,
        );
        let library = open_library(&settings, &store, &clock).await?;
        let tools = Tools {
            name: Arc::from(""),
            clock: clock.clone(),
            cache: cache.clone(),
            media: Arc::new(library.clone()),
            locale: settings.server.locale,
            public_url: settings.server.public_url.clone(),
            keys: open_keyring(&store).await?,
        };
        let built = Plugins::build(&settings, &tools)?;
        library.connect(
            built
                .channels
                .iter()
                .map(|(name, channel)| (name.clone(), channel)),
        );
        let engine = Engine::new(EngineParts {
            store: store.clone(),
            cache,
            broker,
            clock,
            media: Arc::new(library.clone()),
            channels: Arc::new(built.channels),
            catalogue: Arc::new(built.catalogue),
            guards: built.guards,
            agents: settings.agents.clone(),
            strategy: settings.routing.strategy,
            hours: settings.hours.clone(),
            on_duty: settings
                .routing
                .on_duty
                .iter()
                .map(AgentName::new)
                .collect(),
            texts: Arc::new(settings.texts.clone()),
            settings: engine_settings(&settings),
        });
        Ok(Self {
            engine,
            store,
            library,
            settings,
        })
    }
}

async fn open_library(
    settings: &Settings,
    store: &Arc<dyn Backend>,
    clock: &Arc<dyn Clock>,
) -> Result<Library, Failure> {
    let base = |inbox: &crate::settings::InboxSection| {
        inbox.config.get("api_base")?.as_str()?.parse::<Url>().ok()
    };
    let bot = settings
        .bots
        .values()
        .filter_map(|bot| bot.get("api_base")?.as_str()?.parse::<Url>().ok());
    let api_bases = settings
        .inboxes
        .values()
        .filter_map(base)
        .chain(bot)
        .collect();
    let public_url = settings
        .server
        .public_url
        .parse()
        .context("server.public_url")?;
    let link_key = bridge_media::link_key(&**store)
        .await
        .context("the store does not keep the key of media links")?;
    let ledger = Arc::new(StoreLedger(store.clone()));
    let surroundings = Surroundings {
        public_url,
        api_bases,
        link_key,
        clock: clock.clone(),
        ledger,
    };
    Ok(Library::open(settings.media.clone(), surroundings).context("media")?)
}

/// The installation's own secret: the first node makes it, the store keeps it.
async fn open_keyring(store: &Arc<dyn Backend>) -> Result<Keyring, Failure> {
    let fresh: [u8; 16] = rand::random();
    let fresh = format!("{:032x}", u128::from_be_bytes(fresh));
    let kept = store
        .put_fact("installation.secret", &fresh)
        .await
        .context("the store does not keep the installation's secret")?;
    Ok(Keyring::new(Sha256::digest(kept).into()))
}

fn engine_settings(settings: &Settings) -> EngineSettings {
    let conversation = &settings.conversation;
    let Span(idle_timeout) = conversation.idle_timeout;
    EngineSettings {
        entry: entry(settings),
        lease: settings.server.lease.0,
        context_messages: conversation.context_messages,
        context_ttl: settings.cache.context_ttl.0,
        context_bytes: usize::try_from(settings.cache.context_entry.0).unwrap_or(usize::MAX),
        idle_timeout,
        retention: conversation.retention.0,
        merge_window: conversation.merge_window.0,
        merge_latest: conversation.merge_window.0 * 5,
        transfer_words: conversation.transfer_words.clone(),
        menu_words: conversation.menu_words.clone(),
        rating: conversation.rating,
        low_allowance: conversation.low_allowance,
        position_interval: conversation.position_interval.0,
        on_unknown: settings
            .inboxes
            .iter()
            .map(|(name, inbox)| (name.clone(), inbox.on_unknown))
            .collect(),
        desks: settings
            .agents
            .values()
            .map(|agent| agent.inbox.clone())
            .collect::<BTreeSet<_>>(),
        ..EngineSettings::default()
    }
}

/// Who answers a new conversation.
fn entry(settings: &Settings) -> BotName {
    let named = settings.conversation.entry.as_deref();
    let usual = if settings.bots.contains_key(standing::ASSISTANT) {
        standing::ASSISTANT
    } else {
        standing::TRANSFER
    };
    BotName::new(named.unwrap_or(usual))
}

/// What the configuration's sections are built into.
pub(crate) struct Plugins {
    pub(crate) channels: BTreeMap<InboxName, Arc<dyn Channel>>,
    pub(crate) catalogue: Catalogue,
    pub(crate) guards: Vec<Guard>,
}

impl Plugins {
    /// Builds every section; all faults, not only the first.
    pub(crate) fn build(settings: &Settings, tools: &Tools) -> Result<Self, Failure> {
        let registry = Registry::linked().map_err(|error| anyhow!(error))?;
        let mut faults = Vec::new();
        let named = |name: &str| Tools {
            name: Arc::from(name),
            ..tools.clone()
        };
        let mut channels = BTreeMap::new();
        for (name, inbox) in &settings.inboxes {
            let Some(spec) = registry.channels.get(inbox.channel.as_str()) else {
                continue;
            };
            match spec.build(inbox.config.clone(), &named(name.as_str())) {
                Ok(channel) => drop(channels.insert(name.clone(), channel)),
                Err(error) => faults.push(Fault::below(&format!("inboxes.{name}"), error)),
            }
        }
        let mut catalogue = Catalogue::default();
        for spec in registry.bots.values() {
            let section = settings.bots.get(spec.name);
            if section.is_none() && spec.needs_section {
                continue;
            }
            let config = section
                .cloned()
                .unwrap_or_else(|| Value::Object(serde_json::Map::new()));
            match spec.build(config, &named(spec.name)) {
                Ok(bot) => catalogue.insert(**spec, bot),
                Err(error) => faults.push(Fault::below(&format!("bots.{}", spec.name), error)),
            }
        }
        let guards = build_guards(settings, &registry, &named, &mut faults);
        let answers = catalogue.answers_speech(&entry(settings)).err();
        faults.extend(answers.map(|error| {
            Fault::new(
                "conversation.entry",
                format!("不能作为入口机器人：{error}"),
                error.to_string(),
                "ai",
            )
        }));
        match faults.is_empty() {
            true => Ok(Self {
                channels,
                catalogue,
                guards,
            }),
            false => Err(Faults {
                all: faults,
                locale: settings.server.locale,
            }
            .into()),
        }
    }
}

fn build_guards(
    settings: &Settings,
    registry: &Registry,
    named: &impl Fn(&str) -> Tools,
    faults: &mut Vec<Fault>,
) -> Vec<Guard> {
    let mut specs: Vec<_> = registry
        .guards
        .values()
        .filter(|spec| settings.guards.contains_key(spec.name))
        .collect();
    specs.sort_by_key(|spec| (spec.order, spec.name));
    let mut guards = Vec::new();
    for spec in specs {
        let config = settings.guards.get(spec.name).cloned().unwrap_or_default();
        match spec.build(config, &named(spec.name)) {
            Ok(guard) => guards.push(guard),
            Err(error) => faults.push(Fault::below(&format!("guards.{}", spec.name), error)),
        }
    }
    guards
}

/// Says at start what is there, so that a missing link is seen.
pub(crate) fn announce(app: &App) {
    let parts = app.engine.parts();
    let bots: Vec<&str> = parts
        .catalogue
        .iter()
        .map(|known| known.spec.name)
        .collect();
    let inboxes: Vec<String> = app
        .settings
        .inboxes
        .iter()
        .map(|(name, inbox)| format!("{name} ({})", inbox.channel))
        .collect();
    let agents: Vec<&str> = parts.agents.keys().map(AgentName::as_str).collect();
    let store = storage::place(&app.settings);
    tracing::info!(bots = bots.join(", "), inboxes = inboxes.join(", "), agents = agents.join(", "),
        store = %store, "the bridge is put together");
    if agents.is_empty() {
        tracing::warn!("no agents are configured: whoever asks for a person finds nobody");
    }
}
