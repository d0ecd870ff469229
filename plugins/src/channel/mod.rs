//! Channels: one folder each.

mod account;
#[cfg(test)]
mod kinds;
mod skew;
pub mod tencent_im;
pub mod web;
pub mod wechat;
pub mod wechat_kf;
pub mod wechat_miniapp;
mod wechat_platform;
pub mod wecom;
