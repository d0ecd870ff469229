//! Channels: one folder each.

pub mod tencent_im;
pub mod wechat;
