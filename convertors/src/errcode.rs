//! What WeChat's and WeCom's `errcode` ask for: one vocabulary of actions, a table for each platform.

use std::time::Duration;

/// What is to be done about an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The access token is no longer good: expire it if it is still the one, fetch another, try once more.
    Refresh,
    /// It was not accepted; try again after a while.
    Retry(Duration),
    /// The allowance is used up: hold until the contact writes.
    Hold,
    /// It will never be accepted; the agent is told these words.
    Drop(&'static str, &'static str),
    /// The operator must act.
    Alarm(&'static str, &'static str),
    /// The uploaded medium is gone: upload it again, once.
    Reupload,
}
