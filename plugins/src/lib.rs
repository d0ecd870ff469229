//! The bots, guards and channels that come with Kefu Bridge

pub mod bot;
pub mod channel;
pub mod guard;
pub(crate) mod http;
mod names;
#[cfg(test)]
pub(crate) mod request;
