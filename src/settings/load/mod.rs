//! Reading a configuration file: all of it, whatever is wrong on the way, so that every fault is told at once.

mod desk;
mod environment;
mod linked;
mod over;
mod sense;
mod urls;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use bridge_core::{
    plugin::read_config,
    texts::{Locale, Texts},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::environment::override_from;
pub(crate) use self::{environment::expanded, over::laid_over};
use super::{
    CacheSection, ConversationSection, Fault, Faults, OlderRoutesSection, QueueSection,
    RoutingSection, ServerSection, Settings, StorageSection,
    wording::{self, nearest},
};

/// The sections there are.
const SECTIONS: [&str; 13] = [
    "server",
    "storage",
    "cache",
    "queue",
    "inboxes",
    "bots",
    "guards",
    "conversation",
    "media",
    "routing",
    "agents",
    "older_routes",
    "texts",
];

/// Reads the file at `path` with the process's environment.
///
/// # Errors
/// All faults, each with its path, what is wrong and an example.
pub fn load(path: &Path) -> Result<Settings, Faults> {
    let text = std::fs::read_to_string(path).map_err(|error| Faults {
        all: vec![wording::unreadable(path, &error)],
        locale: Locale::Zh,
    })?;
    read(&text, &std::env::vars().collect())
}

/// Reads a configuration's text with an environment.
///
/// # Errors
/// As [`load`].
pub fn read(text: &str, environment: &BTreeMap<String, String>) -> Result<Settings, Faults> {
    let mut reader = Reader::default();
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let error: toml::de::Error = error;
            reader.fault(wording::of_toml(text, &error));
            return Err(reader.into_faults());
        }
    };
    // A TOML table is a JSON object but for dates, which no setting here is.
    let mut value = serde_json::to_value(table).unwrap_or_default();
    reader.expand(&mut value, "", environment);
    override_from(&mut value, environment);
    reader.read(value)
}

#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
    locale: Locale,
}

impl Reader {
    fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    fn into_faults(self) -> Faults {
        Faults {
            all: self.faults,
            locale: self.locale,
        }
    }

    fn read(mut self, value: Value) -> Result<Settings, Faults> {
        let Value::Object(mut all) = value else {
            return Err(self.into_faults());
        };
        let server: ServerSection = self.section(&mut all, "server");
        self.locale = server.locale;
        for name in all
            .keys()
            .filter(|name| !SECTIONS.contains(&name.as_str()))
            .cloned()
            .collect::<Vec<_>>()
        {
            let nearest = nearest(&name, SECTIONS);
            self.fault(Fault::new(
                name,
                "没有这个配置段",
                "there is no such section",
                format!("[{nearest}]"),
            ));
        }
        let storage: StorageSection = self.section(&mut all, "storage");
        let cache: CacheSection = self.section(&mut all, "cache");
        let queue: QueueSection = self.section(&mut all, "queue");
        self.schemes(&storage, &cache, &queue);
        let given = names(&all, "conversation");
        let mut conversation: ConversationSection = self.section(&mut all, "conversation");
        if !given.contains("transfer_words") {
            conversation.transfer_words = ConversationSection::transfer_words(self.locale);
        }
        let routing: RoutingSection = self.section(&mut all, "routing");
        let media: bridge_media::Settings = self.section(&mut all, "media");
        let texts = self.texts(&mut all);
        let hours = self.hours(&routing, &server);
        let registry = self.registry();
        let inboxes = self.inboxes(&mut all, &registry);
        self.spans(&server, &conversation);
        self.counts(&storage, &conversation, &media);
        let named = names(&all, "agents");
        let agents = self.agents(&mut all, &routing, &inboxes);
        self.accounts(&routing, &inboxes, &agents);
        self.known_agents("routing.on_duty", &routing.on_duty, &named);
        let older_routes: OlderRoutesSection = self.section(&mut all, "older_routes");
        self.older_routes(&older_routes, &inboxes, &named);
        let bots = self.plugins(&mut all, "bots", registry.bots.keys().copied().collect());
        let guards = self.plugins(
            &mut all,
            "guards",
            registry.guards.keys().copied().collect(),
        );
        self.public_url(&server);
        if !self.faults.is_empty() {
            return Err(self.into_faults());
        }
        Ok(Settings {
            server,
            storage,
            cache,
            queue,
            conversation,
            routing,
            older_routes,
            media,
            inboxes,
            bots,
            guards,
            agents,
            texts,
            hours,
        })
    }

    fn section<T: DeserializeOwned>(&mut self, all: &mut Map<String, Value>, name: &str) -> T {
        let value = all
            .remove(name)
            .unwrap_or_else(|| Value::Object(Map::new()));
        self.typed(value, name).unwrap_or_else(|| {
            // The fault is noted; defaults let the reading go on, so that all faults are found.
            let empty = serde_json::from_value(Value::Object(Map::new()));
            empty.unwrap_or_else(|error| {
                panic!("every section of the program has defaults: {name}: {error}")
            })
        })
    }

    fn typed<T: DeserializeOwned>(&mut self, value: Value, path: &str) -> Option<T> {
        read_config(value)
            .map_err(|error| self.fault(Fault::below(path, error)))
            .ok()
    }

    fn texts(&mut self, all: &mut Map<String, Value>) -> Texts {
        let replaced: BTreeMap<String, String> = all
            .remove("texts")
            .and_then(|value| self.typed(value, "texts"))
            .unwrap_or_default();
        Texts::with(self.locale, replaced).unwrap_or_else(|error| {
            let path = format!("texts.{}", error.name);
            self.fault(Fault::new(
                path,
                "没有这条文案",
                "there is no such text",
                format!("texts.{}", error.nearest),
            ));
            Texts::new(self.locale)
        })
    }

    fn members(&mut self, all: &mut Map<String, Value>, name: &str) -> BTreeMap<String, Value> {
        match all.remove(name) {
            None => BTreeMap::new(),
            Some(Value::Object(members)) => members.into_iter().collect(),
            Some(_) => {
                self.fault(Fault::new(
                    name,
                    "应为配置段",
                    "is to be sections",
                    format!("[{name}.name]"),
                ));
                BTreeMap::new()
            }
        }
    }
}

/// The names of a section's members, whatever is wrong with them.
fn names(all: &Map<String, Value>, section: &str) -> BTreeSet<String> {
    let members = all.get(section).and_then(Value::as_object);
    members.into_iter().flat_map(Map::keys).cloned().collect()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
