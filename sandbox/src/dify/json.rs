//! JSON as each version of Dify writes it: 0.15 spaced and escaped to ASCII, 1.x compact and raw (Dify notes, 4.1 and 15).

use serde_json::Value;

use crate::settings::Shape;

pub(super) fn write(value: &Value, shape: Shape) -> String {
    match shape {
        Shape::V1_13 => value.to_string(),
        Shape::V0_15 => {
            let mut text = String::new();
            spaced(value, &mut text);
            text
        }
    }
}

fn spaced(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => list(text, ['[', ']'], items.iter(), spaced),
        Value::Object(fields) => list(text, ['{', '}'], fields.iter(), |(name, value), text| {
            escaped(name, text);
            text.push_str(": ");
            spaced(value, text);
        }),
        Value::String(string) => escaped(string, text),
        plain => text.push_str(&plain.to_string()),
    }
}

fn list<T>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    write: impl Fn(T, &mut String),
) {
    text.push(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        write(item, text);
    }
    text.push(close);
}

/// A string with everything beyond ASCII as `\uXXXX`, pairs of them beyond the basic plane.
fn escaped(string: &str, text: &mut String) {
    for c in Value::from(string).to_string().chars() {
        if c.is_ascii() {
            text.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_version_writes_its_own_way() {
        let value = json!({"a": ["你\n😀", 1, null], "b": {"c": true}});
        assert_eq!(write(&value, Shape::V1_13), value.to_string());
        let old = write(&value, Shape::V0_15);
        assert_eq!(
            old,
            r#"{"a": ["\u4f60\n\ud83d\ude00", 1, null], "b": {"c": true}}"#
        );
        assert_eq!(serde_json::from_str::<Value>(&old).unwrap(), value);
    }
}
