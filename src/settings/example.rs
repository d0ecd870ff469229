//! The documented example: values that make sense together (`example.values.toml`), and of each key what the type it is
//! read into says of it. Keys that the values leave out follow as comments with their defaults, and so do channels, bots
//! and guards that are linked and not shown: a distribution's own example shows its own plugins.

use std::{fmt::Write, time::Duration};

use bridge_core::{registry::Registry, settings::Span};
use serde_json::{Map, Value};

use super::schema::schema;

const VALUES: &str = include_str!("example.values.toml");

/// What stands before everything.
const HEAD: &str = "\
# 客服桥配置示例 / Kefu Bridge: the documented example. `kefu-bridge config example` 生成 / generates it.
# 任何字符串都可以写 ${环境变量} 或 ${环境变量:-默认值}；任何密钥 x 都可以写成 x_file = \"路径\"。
# Any string may be ${NAME} or ${NAME:-default}; any secret x may be given as x_file = \"path\".
# KEFU__SERVER__LISTEN=… 覆盖 server.listen / overrides server.listen. 时长 / durations: 30s, 24h, 180d.
# 注释掉的键写的是默认值，没有默认值的写个样子 / keys that are commented out show their defaults, or what such a value looks like.
";

/// The example for what is linked.
pub(crate) fn example(registry: &Registry) -> String {
    let schema = schema(registry);
    let mut page = Page {
        schema: &schema,
        text: HEAD.to_owned(),
    };
    let mut shown = Vec::new();
    for block in VALUES.split("\n\n") {
        shown.extend(page.block(block.trim_matches('\n')));
    }
    page.others(&shown);
    page.text
}

struct Page<'a> {
    schema: &'a Value,
    text: String,
}

impl Page<'_> {
    /// A section as it is in the values; what it shows: a channel, a bot, a guard.
    fn block(&mut self, block: &str) -> Option<String> {
        let header = block.lines().find(|line| line.starts_with('['))?;
        let path = header.trim_matches(['[', ']']);
        let channel = channel(path);
        let section = self.section(path, channel)?.clone();
        self.text.push('\n');
        let notes = block.lines().take_while(|line| line.starts_with('#'));
        match notes.clone().count() {
            0 => self.comment(section["description"].as_str().unwrap_or_default()),
            _ => notes.for_each(|note| self.line(note)),
        }
        let mut left = section["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        left.remove("channel");
        left.retain(|key, _| !VALUES.contains(&format!("[{path}.{key}]")));
        for line in block.lines().skip_while(|line| line.starts_with('#')) {
            let key = line.split(" = ").next().unwrap_or_default();
            if let Some(property) = left.remove(key) {
                self.describe(&property);
            }
            self.line(line);
        }
        self.defaults(&left);
        Some(channel.map_or_else(|| path.to_owned(), |channel| format!("inboxes.{channel}")))
    }

    /// What is linked and not shown: commented out as a whole.
    fn others(&mut self, shown: &[String]) {
        let properties = &self.schema["properties"];
        let named = |kind: &str| {
            let sections = properties[kind]["properties"].as_object();
            let sections = sections.into_iter().flatten();
            let sections =
                sections.map(|(name, section)| (format!("{kind}.{name}"), section.clone()));
            sections.collect::<Vec<_>>()
        };
        let channels = properties["inboxes"]["additionalProperties"]["oneOf"].as_array();
        let channels = channels.into_iter().flatten().map(|section| {
            let channel = section["properties"]["channel"]["const"].as_str();
            (
                format!("inboxes.{}", channel.unwrap_or_default()),
                section.clone(),
            )
        });
        let own = properties.as_object().into_iter().flatten();
        let own = own
            .filter(|(_, section)| section.get("properties").is_some())
            .filter(|(name, _)| !["bots", "guards"].contains(&name.as_str()))
            .map(|(name, section)| (name.clone(), section.clone()));
        let all = own
            .chain(channels)
            .chain(named("bots"))
            .chain(named("guards"));
        for (path, section) in all.filter(|(path, _)| !shown.contains(path)) {
            let mut left = section["properties"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let channel = left.remove("channel");
            if left.is_empty() {
                continue;
            }
            self.text.push('\n');
            self.comment(section["description"].as_str().unwrap_or_default());
            self.line(&format!("# [{path}]"));
            if let Some(channel) = channel {
                self.line(&format!("# channel = {}", channel["const"]));
            }
            self.defaults(&left);
        }
    }

    /// The schema of a section.
    fn section(&self, path: &str, channel: Option<&str>) -> Option<&Value> {
        let properties = &self.schema["properties"];
        match path.split_once('.') {
            Some(("inboxes", inbox)) if inbox.contains('.') => {
                let (inbox, table) = path.rsplit_once('.')?;
                let inbox = self.section(inbox, self::channel(inbox))?;
                Some(self.resolved(&inbox["properties"][table]))
            }
            Some(("inboxes", _)) => {
                let channels = properties["inboxes"]["additionalProperties"]["oneOf"].as_array()?;
                let is_it = |section: &&Value| {
                    section["properties"]["channel"]["const"].as_str() == channel
                };
                channels.iter().find(is_it)
            }
            Some(("agents", _)) => Some(&properties["agents"]["additionalProperties"]),
            Some((kind, name)) => properties[kind]["properties"].get(name),
            None => properties.get(path),
        }
    }

    /// Keys that are left out, with their defaults.
    fn defaults(&mut self, left: &Map<String, Value>) {
        for (key, property) in left {
            self.describe(property);
            let value = self.value(property);
            self.line(&format!("# {key} = {value}"));
        }
    }

    /// What a key is for, and what there is to choose from.
    fn describe(&mut self, property: &Value) {
        self.comment(property["description"].as_str().unwrap_or_default());
        let kind = self.resolved(property);
        let mut choices = choices(kind);
        if choices.is_empty() {
            choices = self::choices(self.resolved(&kind["items"]));
        }
        if !choices.is_empty() {
            self.comment(&choices.join(" | "));
        }
    }

    /// Its default, or what such a value looks like.
    fn value(&self, property: &Value) -> String {
        let default = property.get("default").unwrap_or(&Value::Null);
        // A secret is never shown, not even that there is none.
        if let Ok(Span(span)) = serde_json::from_value(default.clone())
            && property["$ref"]
                .as_str()
                .is_some_and(|kind| kind.ends_with(".Duration"))
        {
            return format!("\"{}\"", plainly(span));
        }
        if *default != Value::Null && *default != "***" {
            return toml(default);
        }
        let kind = self.resolved(property);
        let named = kind["type"].as_str().or_else(|| kind["type"][0].as_str());
        match (choices(kind).first(), named) {
            (Some(choice), _) => format!("{choice:?}"),
            (None, Some("integer" | "number")) => "0".to_owned(),
            (None, Some("boolean")) => "false".to_owned(),
            (None, Some("array")) => "[…]".to_owned(),
            (None, Some("object")) => self.table(kind),
            _ => "\"…\"".to_owned(),
        }
    }

    /// A table within a line.
    fn table(&self, kind: &Value) -> String {
        let properties = kind["properties"].as_object().into_iter().flatten();
        let members: Vec<String> = properties
            .map(|(name, property)| format!("{name} = {}", self.value(property)))
            .collect();
        match members.is_empty() {
            true => "{}".to_owned(),
            false => format!("{{ {} }}", members.join(", ")),
        }
    }

    /// What a reference means.
    fn resolved<'a>(&'a self, property: &'a Value) -> &'a Value {
        let either = property["anyOf"]
            .as_array()
            .or(property["allOf"].as_array());
        let property = either.and_then(|either| either.first()).unwrap_or(property);
        let place = property["$ref"].as_str();
        let name = place.and_then(|place| place.strip_prefix("#/$defs/"));
        match name {
            Some(name) => &self.schema["$defs"][name],
            None => property,
        }
    }

    fn comment(&mut self, words: &str) {
        for line in words.lines() {
            self.line(&format!("# {line}"));
        }
    }

    fn line(&mut self, line: &str) {
        // Writing into a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// The channel of an inbox of the values.
fn channel(path: &str) -> Option<&'static str> {
    let (_, section) = VALUES.split_once(&format!("[{path}]\nchannel = \""))?;
    section.split('"').next()
}

/// A duration in its largest unit that leaves no rest.
fn plainly(span: Duration) -> String {
    let millis = span.as_millis();
    let units = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
    ];
    let unit = units
        .iter()
        .find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit));
    match unit {
        Some((name, unit)) => format!("{}{name}", millis / unit),
        None if millis == 0 => "0s".to_owned(),
        None => format!("{millis}ms"),
    }
}

/// The words a value is one of.
fn choices(kind: &Value) -> Vec<&str> {
    let listed = kind["enum"].as_array().into_iter().flatten();
    let each = kind["oneOf"].as_array().into_iter().flatten();
    let each = each.map(|one| one.get("const").unwrap_or(&one["enum"][0]));
    listed.chain(each).filter_map(Value::as_str).collect()
}

/// A value as TOML writes it in one line.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name} = {}", toml(value)))
                .collect();
            match members.is_empty() {
                true => "{}".to_owned(),
                false => format!("{{ {} }}", members.join(", ")),
            }
        }
        // Strings, numbers and booleans look the same.
        other => other.to_string(),
    }
}
