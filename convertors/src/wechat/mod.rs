//! WeChat's vocabulary: official accounts and mini programs. Signatures and crypto of the message push, callbacks in XML
//! and JSON, bodies of the customer-message API, and what each error code asks for. Sources: WeChat, message push and customer messages.

pub mod callback;
mod consent;
mod convertor;
pub mod crypto;
pub mod error_table;
mod fields;
mod fuzz;
mod links;
mod mini;
pub mod nudge;
pub mod plain;
pub mod reply;
pub mod send;
pub mod signature;
#[cfg(test)]
mod tests;
mod writing;

pub use convertor::{WeChat, Wire};
pub use fields::{Fields, Unreadable};
pub use fuzz::{forms_agree, fuzz_callback};
pub use mini::MiniApp;
