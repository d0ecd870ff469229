//! What the program prints of itself: the example of its configuration, the configuration's schema, what is linked. The
//! example is made from the types; here it is held to the file that is shipped, and to the program's own judgement.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{path::Path, process::Command};

use kefu_bridge::settings::EXAMPLE;
use serde_json::Value;

fn prints(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kefu-bridge"))
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn judged(config: &Path) -> Result<(), String> {
    let output = Command::new(env!("CARGO_BIN_EXE_kefu-bridge"))
        .args(["check", "--offline", "-c"])
        .arg(config)
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[test]
fn the_example_is_made_from_the_types() {
    let made = prints(&["config", "example"]);
    let first = made
        .lines()
        .zip(EXAMPLE.lines())
        .find(|(one, other)| one != other);
    assert!(
        made == EXAMPLE,
        "settings have changed: kefu-bridge config example > config/example.toml\n{first:?}"
    );
}

/// A key that is commented out shows a value that would be accepted there.
#[test]
fn what_is_commented_out_is_true() {
    let mut text = String::new();
    // Sections that are commented out as a whole want values of somebody's own.
    let mut within = true;
    let mut shown = 0;
    for line in EXAMPLE.lines() {
        within &= !line.starts_with("# [");
        // Prose is no TOML; what stands for a value of somebody's own is none either, or has dots for it.
        let is_key = |bare: &&str| {
            bare.parse::<toml::Table>()
                .is_ok_and(|table| !table.is_empty())
        };
        let bare = line.strip_prefix("# ").filter(is_key);
        let bare = bare.filter(|bare| !bare.contains('…'));
        let bare = bare.filter(|_| within);
        shown += usize::from(bare.is_some());
        text.push_str(bare.unwrap_or(line));
        text.push('\n');
    }
    assert!(shown > 20, "{shown}");
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, text).unwrap();
    judged(&config).unwrap();
}

#[test]
fn every_key_is_explained() {
    fn walk(at: &Value, path: &str, keys: &mut usize) {
        let Value::Object(members) = at else { return };
        for (name, property) in members
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            *keys += 1;
            let explained = property["description"].is_string() || property.get("const").is_some();
            assert!(explained, "{path}.{name}");
        }
        for (name, member) in members {
            match member {
                Value::Array(items) => items.iter().for_each(|item| walk(item, path, keys)),
                member => walk(member, &format!("{path}.{name}"), keys),
            }
        }
    }
    let schema: Value = serde_json::from_str(&prints(&["config", "schema"])).unwrap();
    let mut keys = 0;
    for (name, section) in schema["properties"].as_object().unwrap() {
        match name.as_str() {
            // Sections of sections: a section is explained by its keys.
            "bots" | "guards" => {
                let sections = section["properties"].as_object().unwrap();
                sections
                    .iter()
                    .for_each(|(bot, section)| walk(section, bot, &mut keys));
            }
            _ => walk(section, name, &mut keys),
        }
    }
    walk(&schema["$defs"], "$defs", &mut keys);
    assert!(keys > 100, "{keys}");
}

#[test]
fn every_reference_of_the_schema_leads_somewhere() {
    fn walk(at: &Value, whole: &Value, seen: &mut usize) {
        match at {
            Value::Object(members) => {
                for (name, member) in members {
                    if let (Some(place), "$ref") = (member.as_str(), name.as_str()) {
                        let place = place.strip_prefix('#').unwrap();
                        assert!(whole.pointer(place).is_some(), "{place}");
                        *seen += 1;
                    }
                    walk(member, whole, seen);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, whole, seen)),
            _ => {}
        }
    }
    let schema: Value = serde_json::from_str(&prints(&["config", "schema"])).unwrap();
    let mut seen = 0;
    walk(&schema, &schema, &mut seen);
    assert!(seen > 30, "{seen}");
}

#[test]
fn what_is_linked() {
    insta::assert_snapshot!("plugins", prints(&["plugins", "--json"]));
}
