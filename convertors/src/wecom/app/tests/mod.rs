//! Every message and event of the notes, and what strangers may send.

mod reading;
mod writing;

use bridge_core::{
    channel::Capabilities,
    convert::Convertor,
    message::{Content, InboxName, MenuItem},
};
use serde_json::Value;

use super::{App, Wire};

fn inbox() -> InboxName {
    InboxName::new("work")
}

fn item(id: &str, label: &str) -> MenuItem {
    MenuItem {
        id: id.to_owned(),
        label: label.to_owned(),
    }
}

fn all() -> Capabilities {
    Capabilities {
        markdown: true,
        ..Capabilities::default()
    }
}

fn app() -> App {
    App { inbox: inbox() }
}

fn written(content: &Content) -> Value {
    let mut parts = app().write(content, &all()).unwrap().parts;
    match (parts.pop(), parts.len()) {
        (Some(Wire::Said(body)), 0) => body,
        other => panic!("{other:?}"),
    }
}
