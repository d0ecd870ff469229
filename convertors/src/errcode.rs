//! What WeChat's and WeCom's `errcode` ask for: one vocabulary of actions, a table for each platform.

use std::time::Duration;

/// What is to be done about an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The access token is no longer good: expire it if it is still the one, fetch another, try once more.
    Refresh,
    /// It was not accepted; try again after a while.
    Retry(Duration),
    /// Too often: it was not accepted, and no call of this kind should be made for so long.
    Slow(Duration),
    /// The allowance is used up: hold until the contact writes.
    Hold,
    /// It will never be accepted; the agent is told these words.
    Drop(&'static str, &'static str),
    /// It will never be accepted, because of something the operator set up: the agent is told, the operator alarmed.
    Fault(&'static str, &'static str),
    /// This account may not send this kind of message: say the same in plain words. What is words already is dropped
    /// with these.
    Reword(&'static str, &'static str),
    /// Nothing of the kind is accepted until the operator acts; then it will be. The agent is told at once.
    Alarm(&'static str, &'static str),
    /// The uploaded medium is gone: upload it again, once.
    Reupload,
}
