//! Reading a configuration file.

use std::{collections::BTreeMap, path::Path};

use bridge_core::{
    channel::ChannelSpec,
    engine::OnUnknown,
    message::{AgentName, InboxName, PeerId},
    plugin::read_config,
    registry::Registry,
    routing::{Agent, WorkingHours},
    texts::{Locale, Texts},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    AgentSection, CacheSection, ConversationSection, Fault, Faults, InboxSection,
    OlderRoutesSection, QueueSection, RoutingSection, ServerSection, Settings, StorageSection,
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
    let text = std::fs::read_to_string(path).map_err(|error| {
        let (zh, en) = (
            format!("读不到配置文件：{error}"),
            format!("the file cannot be read: {error}"),
        );
        let example = "kefu-bridge config example > config.toml";
        Faults {
            all: vec![Fault::new(path.display().to_string(), zh, en, example)],
            locale: Locale::Zh,
        }
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
            let at = error
                .span()
                .map(|span| text[..span.start.min(text.len())].lines().count().max(1));
            let path = at.map_or_else(|| "TOML".to_owned(), |line| format!("line {line}"));
            let message = error.message().to_owned();
            reader.fault(Fault::new(
                path,
                format!("TOML 语法错误：{message}"),
                message,
                "",
            ));
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

    /// Puts the environment into strings, and files' contents in place of `x_file`.
    fn expand(&mut self, value: &mut Value, path: &str, environment: &BTreeMap<String, String>) {
        match value {
            Value::String(text) => match expanded(text, environment) {
                Ok(new) => *text = new,
                Err(name) => self.fault(Fault::new(
                    path,
                    format!("环境变量 {name} 没有设置"),
                    format!("the environment variable {name} is not set"),
                    format!("{name}=… kefu-bridge serve, or ${{{name}:-default}}"),
                )),
            },
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.expand(item, path, environment)),
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    self.expand(member, &join(path, name), environment);
                }
                self.read_files(members, path);
            }
            _ => {}
        }
    }

    fn read_files(&mut self, members: &mut Map<String, Value>, path: &str) {
        let names: Vec<String> = members
            .keys()
            .filter(|name| name.ends_with("_file"))
            .cloned()
            .collect();
        for name in names {
            let Some(Value::String(file)) = members.remove(&name) else {
                continue;
            };
            let secret = name.trim_end_matches("_file").to_owned();
            match std::fs::read_to_string(&file) {
                Ok(content) => {
                    members.insert(secret, Value::String(content.trim_end().to_owned()));
                }
                Err(error) => self.fault(Fault::new(
                    join(path, &name),
                    format!("读不到文件：{error}"),
                    format!("the file cannot be read: {error}"),
                    "/run/secrets/name",
                )),
            }
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
        let conversation: ConversationSection = self.section(&mut all, "conversation");
        let routing: RoutingSection = self.section(&mut all, "routing");
        let media: bridge_media::Settings = self.section(&mut all, "media");
        let texts = self.texts(&mut all);
        let hours = self.hours(&routing, &server);
        let registry = self.registry();
        let inboxes = self.inboxes(&mut all, &registry);
        let agents = self.agents(&mut all, &routing, &inboxes);
        self.known_agents("routing.on_duty", &routing.on_duty, &agents);
        let older_routes: OlderRoutesSection = self.section(&mut all, "older_routes");
        self.older_routes(&older_routes, &inboxes, &agents);
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

    fn schemes(&mut self, storage: &StorageSection, cache: &CacheSection, queue: &QueueSection) {
        let known: [(_, _, &[&str], _); 3] = [
            (
                "storage.url",
                storage.url.expose(),
                &["sqlite", "postgres", "postgresql"],
                "sqlite://data/kefu.db",
            ),
            (
                "cache.url",
                cache.url.expose(),
                &["memory", "redis", "rediss"],
                "redis://127.0.0.1:6379/0",
            ),
            (
                "queue.url",
                queue.url.expose(),
                &["embedded", "amqp", "amqps"],
                "amqp://guest:guest@127.0.0.1:5672/%2f",
            ),
        ];
        for (path, url, schemes, example) in known {
            let given = url.split_once("://").map_or("", |(scheme, _)| scheme);
            if !schemes.contains(&given) {
                let there = schemes.join("://, ");
                let zh = format!("不支持 {given}://，可用：{there}://");
                let en = format!("{given}:// is not known; there are {there}://");
                self.fault(Fault::new(path, zh, en, example));
            } else if let Err(error) = url::Url::parse(url) {
                // The URL itself may hold a password.
                let zh = format!("不是有效的地址：{error}");
                self.fault(Fault::new(path, zh, error.to_string(), example));
            }
        }
        // RabbitMQ keeps "amq." for itself, and a name within 255 bytes.
        let exchange = &queue.exchange;
        if exchange.is_empty() || exchange.len() > 200 || exchange.starts_with("amq.") {
            let zh = "应为 1 到 200 字节，且不以 amq. 开头";
            let en = "must have 1 to 200 bytes and not begin with amq.";
            self.fault(Fault::new("queue.exchange", zh, en, "kefu.notices"));
        }
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

    fn hours(&mut self, routing: &RoutingSection, server: &ServerSection) -> WorkingHours {
        let zone = jiff::tz::TimeZone::get(&server.timezone).unwrap_or_else(|_| {
            let (zh, en) = ("没有这个时区", "there is no such time zone");
            self.fault(Fault::new("server.timezone", zh, en, "Asia/Shanghai"));
            jiff::tz::TimeZone::UTC
        });
        WorkingHours::parse(&routing.working_hours, zone).unwrap_or_else(|error| {
            let zh = format!("“{}” 不是有效的工作时间", error.text);
            self.fault(Fault::new(
                "routing.working_hours",
                zh,
                error.to_string(),
                "Mon-Fri 09:00-18:00",
            ));
            WorkingHours::default()
        })
    }

    fn older_routes(
        &mut self,
        section: &OlderRoutesSection,
        inboxes: &BTreeMap<InboxName, InboxSection>,
        agents: &BTreeMap<AgentName, Agent>,
    ) {
        if section.token.is_empty() {
            return;
        }
        if section.token.expose().len() < 16 {
            let (zh, en) = ("至少 16 个字符", "must have at least 16 characters");
            let example = "${OLDER_TOKEN}";
            self.fault(Fault::new("older_routes.token", zh, en, example));
        }
        let named = section.inbox.as_deref().unwrap_or_default();
        if !inboxes.contains_key(named) {
            let known: Vec<&str> = inboxes.keys().map(InboxName::as_str).collect();
            let (zh, en) = ("没有这个收件箱", "there is no such inbox");
            let example = known.join(", ");
            self.fault(Fault::new("older_routes.inbox", zh, en, example));
        }
        let named: Vec<String> = section.employees.values().cloned().collect();
        self.known_agents("older_routes.employees", &named, agents);
    }

    fn registry(&mut self) -> Registry {
        Registry::linked().unwrap_or_else(|error| {
            self.fault(Fault::new(
                "plugins",
                format!("插件重名：{error}"),
                error.to_string(),
                "",
            ));
            Registry::default()
        })
    }

    fn inboxes(
        &mut self,
        all: &mut Map<String, Value>,
        registry: &Registry,
    ) -> BTreeMap<InboxName, InboxSection> {
        let mut inboxes = BTreeMap::new();
        for (name, value) in self.members(all, "inboxes") {
            let path = format!("inboxes.{name}");
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            {
                let (zh, en) = (
                    "收件箱名只能用字母、数字、- 和 _",
                    "an inbox is named with letters, digits, - and _",
                );
                self.fault(Fault::new(path, zh, en, "[inboxes.mall]"));
                continue;
            }
            if let Some(inbox) = self.inbox(value, &path, &registry.channels) {
                inboxes.insert(InboxName::new(&name), inbox);
            }
        }
        inboxes
    }

    fn inbox(
        &mut self,
        value: Value,
        path: &str,
        channels: &BTreeMap<&'static str, &'static ChannelSpec>,
    ) -> Option<InboxSection> {
        let Value::Object(mut members) = value else {
            self.fault(Fault::new(
                path,
                "应为一个配置段",
                "is to be a section",
                "[inboxes.mall]",
            ));
            return None;
        };
        let linked = channels.keys().copied().collect::<Vec<_>>().join(", ");
        let channel = match members.remove("channel") {
            Some(Value::String(channel)) => channel,
            _ => {
                self.fault(Fault::new(
                    format!("{path}.channel"),
                    "缺少渠道",
                    "is missing",
                    linked,
                ));
                return None;
            }
        };
        if !channels.contains_key(channel.as_str()) {
            let zh = format!(
                "没有链接名为 {channel} 的渠道；已链接：{linked}。用 `use 所在的_crate as _;` 链接"
            );
            let en = format!(
                "no channel called {channel} is linked; linked are: {linked}. Link its crate with `use the_crate as _;`"
            );
            self.fault(Fault::new(format!("{path}.channel"), zh, en, "wechat"));
            return None;
        }
        let on_unknown = match members.remove("on_unknown") {
            Some(value) => self
                .typed(value, &format!("{path}.on_unknown"))
                .unwrap_or_default(),
            None => OnUnknown::default(),
        };
        Some(InboxSection {
            channel,
            on_unknown,
            config: Value::Object(members),
        })
    }

    fn agents(
        &mut self,
        all: &mut Map<String, Value>,
        routing: &RoutingSection,
        inboxes: &BTreeMap<InboxName, InboxSection>,
    ) -> BTreeMap<AgentName, Agent> {
        let mut agents = BTreeMap::new();
        for (name, value) in self.members(all, "agents") {
            let path = format!("agents.{name}");
            let Some(section) = self.typed::<AgentSection>(value, &path) else {
                continue;
            };
            let Some(inbox) = section.inbox.or_else(|| routing.desk.clone()) else {
                let (zh, en) = (
                    "没有指定收件箱，routing.desk 也没有设置",
                    "names no inbox, and routing.desk is not set",
                );
                self.fault(Fault::new(format!("{path}.inbox"), zh, en, "desk"));
                continue;
            };
            if !inboxes.contains_key(inbox.as_str()) {
                let names = inboxes
                    .keys()
                    .map(InboxName::as_str)
                    .collect::<Vec<_>>()
                    .join(", ");
                let zh = format!("没有名为 {inbox} 的收件箱；已有：{names}");
                let en = format!("there is no inbox {inbox}; there are: {names}");
                self.fault(Fault::new(format!("{path}.inbox"), zh, en, "desk"));
            }
            let agent = Agent {
                name: AgentName::new(&name),
                display_name: section.name.unwrap_or_else(|| name.clone()),
                inbox: InboxName::from(inbox),
                account: PeerId::from(section.user_id),
                capacity: section.capacity,
                weight: section.weight,
                skills: section.skills,
                default: section.default,
            };
            agents.insert(agent.name.clone(), agent);
        }
        agents
    }

    fn known_agents(&mut self, path: &str, names: &[String], agents: &BTreeMap<AgentName, Agent>) {
        for name in names
            .iter()
            .filter(|name| !agents.contains_key(name.as_str()))
        {
            let zh = format!("没有名为 {name} 的客服");
            self.fault(Fault::new(
                path,
                zh,
                format!("there is no agent {name}"),
                "[agents.system]",
            ));
        }
    }

    fn plugins(
        &mut self,
        all: &mut Map<String, Value>,
        kind: &str,
        linked: Vec<&str>,
    ) -> BTreeMap<String, Value> {
        let members = self.members(all, kind);
        for name in members
            .keys()
            .filter(|name| !linked.contains(&name.as_str()))
        {
            let there = linked.join(", ");
            let zh = format!("没有链接这个插件；已链接：{there}。用 `use 所在的_crate as _;` 链接");
            let en = format!(
                "nothing of that name is linked; linked are: {there}. Link its crate with `use the_crate as _;`"
            );
            self.faults.push(Fault::new(
                format!("{kind}.{name}"),
                zh,
                en,
                nearest(name, linked.iter().copied()),
            ));
        }
        members
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

    fn public_url(&mut self, server: &ServerSection) {
        let good = url::Url::parse(&server.public_url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !good || server.public_url.ends_with('/') {
            let zh = "应为 http(s) 地址，末尾不带斜杠";
            let en = "must be an http(s) URL without a slash at the end";
            self.fault(Fault::new(
                "server.public_url",
                zh,
                en,
                "https://kefu.example.com",
            ));
        }
    }
}

/// `${NAME}` and `${NAME:-default}`; the name of what is not set.
pub(crate) fn expanded(
    text: &str,
    environment: &BTreeMap<String, String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((inside, tail)) = after.split_once('}') else {
            out.push_str("${");
            rest = after;
            continue;
        };
        let (name, default) = inside
            .split_once(":-")
            .map_or((inside, None), |(name, default)| (name, Some(default)));
        match environment
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
            .or(default)
        {
            Some(value) => out.push_str(value),
            None => return Err(name.to_owned()),
        }
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// `KEFU__SERVER__LISTEN=…` sets `server.listen`.
fn override_from(value: &mut Value, environment: &BTreeMap<String, String>) {
    for (name, text) in environment {
        let Some(path) = name.strip_prefix("KEFU__") else {
            continue;
        };
        let mut place = &mut *value;
        for part in path.split("__").map(str::to_lowercase) {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            // An object now, by the line above.
            place = &mut place[part];
        }
        *place = scalar(text);
    }
}

/// A number, a truth value or a list as TOML writes it; anything else is a string.
fn scalar(text: &str) -> Value {
    let parsed = format!("x = {text}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut table| table.remove("x"));
    match parsed {
        Some(
            value @ (toml::Value::Integer(_)
            | toml::Value::Boolean(_)
            | toml::Value::Array(_)
            | toml::Value::Float(_)),
        ) => serde_json::to_value(value).unwrap_or_default(),
        _ => Value::String(text.to_owned()),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn nearest<'a>(name: &str, among: impl IntoIterator<Item = &'a str>) -> String {
    let score = |other: &&str| {
        // Shared letters in order from the front: enough to find a slip of the pen.
        other
            .chars()
            .zip(name.chars())
            .filter(|(a, b)| a == b)
            .count()
    };
    among
        .into_iter()
        .max_by_key(score)
        .unwrap_or_default()
        .to_owned()
}
