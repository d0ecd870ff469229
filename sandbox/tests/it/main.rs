//! The simulated platforms over real HTTP: what they take, refuse, send and break.

#![allow(
    clippy::unwrap_used,
    reason = "a panic in a test or its helpers is the finding"
)]

mod dify;
mod kf;
mod kit;
mod mini;
mod panel;
mod tim;
mod tim_callbacks;
mod weather;
mod wechat;
mod wechat_push;
mod wecom;
mod wecom_push;
