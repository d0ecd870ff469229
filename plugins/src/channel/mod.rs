//! Channels: one folder each.

pub mod wechat;
