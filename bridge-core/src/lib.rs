//! The domain of Kefu Bridge and every trait. No HTTP, no database driver, no vendor's name.
//!
//! A message walks [`chain`] (Decode → Conversation → guards → CommandParse → ChatBot); `engine` moves it there from
//! the store and on to its channel; [`conversation`] says which moves are legal; everything else is a seam:
//! [`bot`], [`channel`], [`convert`], [`store`], [`cache`], [`broker`], [`media`], [`plugin`].

pub mod backoff;
pub mod bot;
pub mod broker;
pub mod cache;
#[cfg(feature = "engine")]
pub mod chain;
pub mod channel;
pub mod clock;
pub mod conversation;
pub mod convert;
#[cfg(feature = "engine")]
pub mod engine;
pub mod error;
pub mod health;
pub mod markdown;
pub mod media;
pub mod message;
pub mod planning;
pub mod plugin;
#[cfg(feature = "engine")]
pub mod rate;
#[cfg(feature = "engine")]
pub mod registry;
pub mod routing;
pub mod secret;
pub mod settings;
pub mod store;
pub mod switchboard;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod texts;

#[doc(hidden)]
pub use inventory;
