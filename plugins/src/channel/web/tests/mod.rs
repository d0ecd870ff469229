//! What a site's channel makes of what strangers send, and what its pages are told.

mod page;
mod saying;
mod telling;
mod tokens;

use bridge_core::{
    channel::{Live as _, Visit},
    clock::Timestamp,
    plugin::{BuildError, Keyring, Plugin as _, Tools, read_config},
    testkit::{NOW, tools},
};
use serde_json::{Value, json};

use super::Web;

/// The usual site, with some settings of its own.
fn site_with(more: Value) -> Result<Web, BuildError> {
    let mut config = json!({ "origins": ["https://www.example.com"] });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    let tools = Tools {
        name: "site".into(),
        ..tools()
    };
    Web::build(read_config(config)?, &tools)
}

fn site() -> Web {
    site_with(json!({})).unwrap()
}

/// The same site's channel under another name, or of another installation.
fn other(name: &str, secret: u8) -> Web {
    let tools = Tools {
        name: name.into(),
        keys: Keyring::new([secret; 32]),
        ..tools()
    };
    Web::build(read_config(json!({})).unwrap(), &tools).unwrap()
}

/// Somebody new.
fn visitor(site: &Web) -> Visit {
    site.greet("{\"t\":\"hello\"}", NOW).unwrap()
}

fn hello(token: &str) -> String {
    json!({ "t": "hello", "token": token, "after": 7 }).to_string()
}

fn later(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 + seconds * 1000)
}
