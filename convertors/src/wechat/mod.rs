//! WeChat's vocabulary: official accounts and mini programs. Signatures and crypto of the message push, callbacks in XML and JSON, bodies
//! of the customer-message API, and what each error code asks for. Sources: WeChat, message push and customer messages.

pub mod callback;
mod consent;
mod convertor;
pub mod crypto;
pub mod error_table;
mod fields;
mod links;
mod mini;
pub mod nudge;
pub mod plain;
pub mod reply;
pub mod send;
pub mod signature;
#[cfg(test)]
mod tests;

pub use convertor::{WeChat, Wire};
pub use fields::{Fields, Unreadable};
pub use mini::MiniApp;

/// For fuzzing: reads any bytes as a callback's body and as content; must not panic, whatever comes.
pub fn fuzz_callback(body: &[u8]) {
    if let Ok(fields) = Fields::read(body) {
        let inbox = bridge_core::message::InboxName::new("fuzz");
        let _ = callback::content(&fields, &inbox);
        let _ = callback::peer(&fields);
        let _ = callback::external_id(&fields, callback::create_time(&fields).unwrap_or(0));
    }
}
