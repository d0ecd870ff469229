//! A callback's fields, from XML or JSON: a list of paths and values in the order they came. Unknown ones are kept.
//! Bounded in depth and number; entities and DTDs are not expanded (WeChat: 1.5, 2.1).

use quick_xml::{Reader, events::Event};

/// The deepest nesting read.
const DEPTH: usize = 8;
/// The most fields read.
const COUNT: usize = 512;
/// The longest name of one element or key: every field repeats the names above it, so that long ones multiply.
const NAME: usize = 64;

/// Paths such as `Content`, `ScanCodeInfo.ScanResult`, and their values. Repeated elements repeat their path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(Vec<Field>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    path: String,
    value: String,
    /// Which element or object it stands in; they are numbered as their first fields come.
    parent: u32,
}

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Neither XML nor JSON.
    #[error("neither XML nor JSON")]
    Neither,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// Broken XML, or XML that no platform sends.
    #[error("XML: {0}")]
    Xml(String),
    /// Broken JSON.
    #[error("JSON: {0}")]
    Json(String),
    /// Too deep, too many fields, or names too long.
    #[error("more than {DEPTH} levels or {COUNT} fields, or a name of more than {NAME} bytes")]
    TooLarge,
}

impl Fields {
    /// Reads a body, whichever of the two it is: its first character tells.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(body).map_err(|_| Unreadable::Encoding)?;
        let text = text.trim_start_matches('\u{feff}').trim();
        match text.as_bytes().first() {
            Some(b'<') => xml(text),
            Some(b'{') => json(text),
            _ => Err(Unreadable::Neither),
        }
    }

    /// The value of a path, ids without regard to case (`MsgId`, `MsgID`, `msgid`). An empty value is a value.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|field| field.path.eq_ignore_ascii_case(path))
            .map(|field| field.value.as_str())
    }

    /// The value of a path unless it is empty.
    pub fn some(&self, path: &str) -> Option<&str> {
        self.get(path).filter(|value| !value.is_empty())
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|field| (field.path.as_str(), field.value.as_str()))
    }

    /// The fields of each element or object of this name, wherever it stands: names without what is before them.
    pub fn each(&self, name: &str) -> Vec<Vec<(&str, &str)>> {
        let mut found: Vec<(u32, Vec<(&str, &str)>)> = Vec::new();
        for field in &self.0 {
            let mut parts = field.path.rsplit('.');
            let (Some(last), Some(holder)) = (parts.next(), parts.next()) else {
                continue;
            };
            if holder != name {
                continue;
            }
            let entry = (last, field.value.as_str());
            match found.iter_mut().find(|(parent, _)| *parent == field.parent) {
                Some((_, fields)) => fields.push(entry),
                None => found.push((field.parent, vec![entry])),
            }
        }
        found.into_iter().map(|(_, fields)| fields).collect()
    }

    /// Adds a field to the element or object that `parent` numbers, or will number now.
    fn push(
        &mut self,
        path: String,
        value: String,
        parent: &mut Option<u32>,
    ) -> Result<(), Unreadable> {
        if self.0.len() >= COUNT {
            return Err(Unreadable::TooLarge);
        }
        let next = || self.0.iter().map(|field| field.parent + 1).max();
        let parent = *parent.get_or_insert_with(|| next().unwrap_or_default());
        self.0.push(Field {
            path,
            value,
            parent,
        });
        Ok(())
    }
}

fn xml(text: &str) -> Result<Fields, Unreadable> {
    let broken = |error: &dyn std::fmt::Display| Unreadable::Xml(error.to_string());
    let mut reader = Reader::from_str(text);
    let mut fields = Fields(Vec::with_capacity(12));
    let mut path: Vec<String> = Vec::with_capacity(3);
    let mut value = String::new();
    // The numbers of the elements in hand.
    let mut numbers: Vec<Option<u32>> = Vec::with_capacity(3);
    let mut nowhere = None;
    // Whether the element in hand has children: then the white space between them is no value.
    let mut parent = false;
    let mut closed = false;
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                let root = path.is_empty();
                if closed || (root && name != "xml") {
                    return Err(Unreadable::Xml(format!("unexpected element <{name}>")));
                }
                if path.len() >= DEPTH || name.len() > NAME {
                    return Err(Unreadable::TooLarge);
                }
                path.push(name);
                numbers.push(None);
                value.clear();
                parent = false;
            }
            Event::Text(part) => value.push_str(&part),
            Event::CData(part) => value.push_str(&part),
            Event::GeneralRef(name) => value.push_str(&entity(&name)?),
            Event::Empty(empty) if !path.is_empty() => {
                let name = empty.name().as_ref().to_owned();
                if name.len() > NAME {
                    return Err(Unreadable::TooLarge);
                }
                let number = numbers.last_mut().unwrap_or(&mut nowhere);
                fields.push(joined(&path, Some(&name)), String::new(), number)?;
                parent = true;
            }
            Event::End(_) => {
                numbers.pop();
                if !parent && path.len() > 1 {
                    let number = numbers.last_mut().unwrap_or(&mut nowhere);
                    fields.push(joined(&path, None), std::mem::take(&mut value), number)?;
                }
                path.pop();
                parent = true;
                closed = path.is_empty();
            }
            Event::DocType(_) => return Err(Unreadable::Xml("a DOCTYPE".to_owned())),
            Event::Eof if closed => return Ok(fields),
            Event::Eof => return Err(Unreadable::Xml("it ends early".to_owned())),
            _ => {}
        }
    }
}

/// The five entities of XML and character references; anything else would need a DTD.
fn entity(name: &quick_xml::events::BytesRef<'_>) -> Result<String, Unreadable> {
    if let Some(character) = name
        .resolve_char_ref()
        .map_err(|error| Unreadable::Xml(error.to_string()))?
    {
        return Ok(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(name)
        .map(str::to_owned)
        .ok_or_else(|| Unreadable::Xml(format!("unknown entity &{};", &**name)))
}

/// The path below the root.
fn joined(path: &[String], last: Option<&str>) -> String {
    match (path, last) {
        ([_, name], None) => name.clone(),
        ([_], Some(last)) => last.to_owned(),
        (path, last) => {
            let mut all: Vec<&str> = path.iter().skip(1).map(String::as_str).collect();
            all.extend(last);
            all.join(".")
        }
    }
}

fn json(text: &str) -> Result<Fields, Unreadable> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| Unreadable::Json(error.to_string()))?;
    let mut fields = Fields::default();
    flatten(&value, "", 0, &mut None, &mut fields)?;
    Ok(fields)
}

fn flatten(
    value: &serde_json::Value,
    path: &str,
    depth: usize,
    parent: &mut Option<u32>,
    fields: &mut Fields,
) -> Result<(), Unreadable> {
    use serde_json::Value;
    if depth > DEPTH {
        return Err(Unreadable::TooLarge);
    }
    match value {
        Value::Object(members) => {
            let mut number = None;
            members.iter().try_for_each(|(name, value)| {
                // Published samples have keys with a space in front (WeChat: 2.1).
                let name = name.trim();
                if name.len() > NAME {
                    return Err(Unreadable::TooLarge);
                }
                let path = if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}.{name}")
                };
                flatten(value, &path, depth + 1, &mut number, fields)
            })
        }
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| flatten(item, path, depth + 1, parent, fields)),
        Value::String(text) => fields.push(path.to_owned(), text.clone(), parent),
        Value::Null => fields.push(path.to_owned(), String::new(), parent),
        other => fields.push(path.to_owned(), other.to_string(), parent),
    }
}
