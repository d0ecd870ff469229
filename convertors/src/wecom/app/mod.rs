//! A self-built WeCom app: its callbacks ([`read`]), bodies of its messages ([`mod@write`]) and of a group robot's
//! ([`robot`]). Unknown types keep what can be read of them (WeCom: 2.2, 2.3).

pub mod read;
pub mod robot;
pub mod write;

#[cfg(test)]
mod tests;

use bridge_core::{
    channel::Capabilities,
    convert::{ConvertError, Convertor, Written},
    message::{Content, InboxName},
};
use serde_json::Value;

use super::Fields;

/// The vocabulary of an app's inbox.
#[derive(Debug, Clone)]
pub struct App {
    /// The inbox: media that come in are fetched by it.
    pub inbox: InboxName,
}

/// What an app hears and what it says are of two forms.
#[derive(Debug, Clone, PartialEq)]
pub enum Wire {
    /// A callback's fields.
    Heard(Fields),
    /// A message to send: `msgtype` and the object of the same name.
    Said(Value),
}

impl Convertor for App {
    type Wire = Wire;

    fn read(&self, wire: &Wire) -> Result<Vec<Content>, ConvertError> {
        match wire {
            Wire::Heard(fields) => Ok(read::content(fields, &self.inbox)?.into_iter().collect()),
            Wire::Said(_) => Ok(Vec::new()),
        }
    }

    fn write(
        &self,
        content: &Content,
        within: &Capabilities,
    ) -> Result<Written<Wire>, ConvertError> {
        let Written { parts, lost } = write::message(content, &self.inbox, within)?;
        let parts = parts.into_iter().map(Wire::Said).collect();
        Ok(Written { parts, lost })
    }
}

/// For fuzzing: reads any bytes as what is inside an app's envelope; must not panic, whatever comes.
pub fn fuzz_app(body: &[u8]) {
    if let Ok(fields) = Fields::read(body) {
        let inbox = InboxName::new("fuzz");
        let app = App {
            inbox: inbox.clone(),
        };
        // What came in by one app may be said by another.
        if let Ok(Some(content)) = read::content(&fields, &inbox) {
            let _ = app.write(&content, &Capabilities::default());
        }
        let _ = read::external_id(&fields);
        let _ = (
            read::peer(&fields),
            read::by(&fields),
            read::created(&fields),
        );
        let _ = read::trigger(&fields);
    }
}
