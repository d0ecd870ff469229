//! WeChat KF: rows of `sync_msg` in ([`read`]), bodies of `send_msg` out ([`mod@write`]). Unknown types keep what can be read
//! of them: new ones appear without notice (WeCom: 8, T12).

pub mod read;
pub mod write;

#[cfg(test)]
mod tests;

use bridge_core::{
    channel::Capabilities,
    convert::{ConvertError, Convertor, Written},
    message::{Content, InboxName},
};
use serde_json::Value;

/// The vocabulary of a KF inbox.
#[derive(Debug, Clone)]
pub struct Kf {
    /// The inbox: media that come in are fetched by it.
    pub inbox: InboxName,
}

impl Convertor for Kf {
    /// A row, or a message to send: `msgtype` and the object of the same name.
    type Wire = Value;

    fn read(&self, wire: &Value) -> Result<Vec<Content>, ConvertError> {
        Ok(vec![read::content(wire, &self.inbox)])
    }

    fn write(&self, content: &Content, _: &Capabilities) -> Result<Written<Value>, ConvertError> {
        write::message(content, &self.inbox)
    }
}
