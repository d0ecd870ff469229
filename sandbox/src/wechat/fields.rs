//! The content of a callback as ordered fields, and its two ways of being written (WeChat: message push, 2.1).

use serde_json::{Map, Value};

use crate::settings::Format;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field {
    /// Text: CDATA in XML, a string in JSON.
    Text(String),
    /// A number as it is written: bare in both.
    Number(String),
    /// Nested fields.
    Group(Fields),
}

/// Ordered fields. A name may repeat: XML repeats the element, JSON makes an array of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields(Vec<(String, Field)>);

impl Fields {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn text(self, name: &str, value: impl Into<String>) -> Self {
        self.field(name, Field::Text(value.into()))
    }

    pub fn number(self, name: &str, value: impl ToString) -> Self {
        self.field(name, Field::Number(value.to_string()))
    }

    pub fn group(self, name: &str, fields: Fields) -> Self {
        self.field(name, Field::Group(fields))
    }

    pub fn field(mut self, name: &str, field: Field) -> Self {
        self.0.push((name.to_owned(), field));
        self
    }

    /// These fields, then those.
    pub fn and(mut self, others: Fields) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Fields from JSON: arrays repeat their name, booleans and nulls become text.
    pub fn from_json(object: &Map<String, Value>) -> Self {
        object.iter().fold(Self::new(), |fields, (name, value)| {
            fields.add_json(name, value)
        })
    }

    fn add_json(self, name: &str, value: &Value) -> Self {
        match value {
            Value::Array(values) => values.iter().fold(self, |f, v| f.add_json(name, v)),
            Value::Object(object) => self.group(name, Self::from_json(object)),
            Value::Number(number) => self.number(name, number),
            Value::String(text) => self.text(name, text),
            Value::Null => self.text(name, ""),
            Value::Bool(flag) => self.text(name, flag.to_string()),
        }
    }

    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Xml => format!("<xml>{}</xml>", self.xml()),
            Format::Json => self.json().to_string(),
        }
    }

    fn xml(&self) -> String {
        let elements = self.0.iter().map(|(name, field)| {
            let inner = match field {
                Field::Text(text) => cdata(text),
                Field::Number(number) => number.clone(),
                Field::Group(fields) => fields.xml(),
            };
            format!("<{name}>{inner}</{name}>")
        });
        elements.collect()
    }

    fn json(&self) -> Value {
        let mut object = Map::new();
        for (name, field) in &self.0 {
            let value = field.json();
            match object.get_mut(name) {
                None => drop(object.insert(name.clone(), value)),
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Value::Object(object)
    }
}

impl Field {
    fn json(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.clone()),
            // A number that is none stays readable.
            Self::Number(number) => {
                serde_json::from_str(number).unwrap_or_else(|_| Value::String(number.clone()))
            }
            Self::Group(fields) => fields.json(),
        }
    }
}

/// A CDATA section; `]]>` inside is split over two, what XML 1.0 forbids is left out.
pub(crate) fn cdata(text: &str) -> String {
    let legal: String = text.chars().filter(|c| is_legal(*c)).collect();
    format!("<![CDATA[{}]]>", legal.replace("]]>", "]]]]><![CDATA[>"))
}

fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_and_json_say_the_same() {
        let fields = Fields::new()
            .text("Content", "a]]>b & <c>")
            .number("MsgId", 25_373_744_922_163_313_u64)
            .group("Info", Fields::new().number("Count", 2));
        assert_eq!(
            fields.write(Format::Xml),
            "<xml><Content><![CDATA[a]]]]><![CDATA[>b & <c>]]></Content><MsgId>25373744922163313</MsgId><Info><Count>2</Count></Info></xml>"
        );
        let json: Value = serde_json::from_str(&fields.write(Format::Json)).unwrap();
        assert_eq!(json["MsgId"].as_u64(), Some(25_373_744_922_163_313));
        assert_eq!(json["Info"]["Count"], 2);
        assert_eq!(json["Content"], "a]]>b & <c>");
    }

    #[test]
    fn a_repeated_name_is_an_array_only_when_it_repeats() {
        let item = |id: &str| Fields::new().text("TemplateId", id);
        let one = Fields::new().group("List", item("a"));
        assert!(one.json()["List"].is_object());
        let three = one.group("List", item("b")).group("List", item("c"));
        assert_eq!(three.json()["List"][2]["TemplateId"], "c");
        assert_eq!(three.xml().matches("<List>").count(), 3);
    }

    #[test]
    fn json_becomes_fields_and_back() {
        let value = serde_json::json!({"A": "x", "B": 1, "C": [1, 2], "D": {"E": "y"}});
        let fields = Fields::from_json(value.as_object().unwrap());
        assert_eq!(fields.json(), value);
    }

    #[test]
    fn what_xml_forbids_is_left_out() {
        assert_eq!(cdata("a\u{0}\u{8}b\u{fffe}\n"), "<![CDATA[ab\n]]>");
    }
}
