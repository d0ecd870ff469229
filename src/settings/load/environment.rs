//! What the environment and files put into a configuration: `${NAME}` in strings, `x_file` in place of `x`, and
//! `KEFU__SECTION__KEY` over all.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{super::Fault, Reader, join};

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

/// The beginning of a `${NAME` whose brace is missing.
fn unclosed(text: &str) -> Option<&str> {
    let at = text.rfind("${")?;
    let inside = &text[at + 2..];
    let is_name = inside.starts_with(|first: char| first.is_ascii_uppercase() || first == '_');
    // Only the name is told: what follows may be a secret.
    let is_outside = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
    let end = inside.find(is_outside).unwrap_or(inside.len());
    (is_name && !inside.contains('}')).then_some(&text[at..at + 2 + end])
}

/// `KEFU__SERVER__LISTEN=…` sets `server.listen`.
pub(super) fn override_from(value: &mut Value, environment: &BTreeMap<String, String>) {
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

impl Reader {
    /// Puts the environment into strings, and files' contents in place of `x_file`.
    pub(super) fn expand(
        &mut self,
        value: &mut Value,
        path: &str,
        environment: &BTreeMap<String, String>,
    ) {
        match value {
            Value::String(text) => match expanded(text, environment) {
                Ok(new) => {
                    if let Some(at) = unclosed(text) {
                        let zh = format!("“{at}”缺少右花括号");
                        let en = format!("\"{at}\" is never closed by a brace");
                        self.fault(Fault::new(path, zh, en, format!("{at}}}")));
                    }
                    *text = new;
                }
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
            if members.contains_key(&secret) {
                let zh = format!("{secret} 和 {name} 只能写一个");
                let en = format!("{secret} and {name} exclude one another");
                self.fault(Fault::new(join(path, &name), zh, en, ""));
            }
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
}
