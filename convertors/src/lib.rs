//! Wire types, signatures, crypto and Convertor implementations: pure, no I/O

pub mod dify;
pub mod errcode;
pub mod tencent_im;
pub mod wechat;
pub mod wecom;

pub use bridge_core::markdown;
