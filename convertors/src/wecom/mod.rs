//! The vocabularies of 企业微信 (WeCom): the envelope all its callbacks come in, what its error codes ask for, and one
//! folder for each of its products. Sources: WeCom, callback crypto, WeChat KF, errors.

pub mod app;
mod body;
pub mod envelope;
pub mod error_table;
pub mod fuzz;
#[cfg(test)]
mod hostile;
pub mod js_sdk;
pub mod kf;
#[cfg(test)]
mod tests;

pub use crate::wechat::{Fields, Unreadable, crypto::AesKey};
