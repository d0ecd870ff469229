//! The bots that come with Kefu Bridge.

pub mod ai;
