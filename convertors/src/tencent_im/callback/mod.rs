//! Callbacks (webhooks): what the service reports of its users.
//!
//! One body is read in one pass into borrowed data. Unknown fields are skipped, unknown commands are
//! named and answered with OK like any other; only what cannot be read at all is an error. Nothing
//! here judges who sent it; see [`super::sign`]. (Tencent IM, 8 and 9.)

mod account;
mod c2c;
mod group;

pub use self::account::{PortraitSet, ProfileItem, ProfileValue, StateChange};
pub use self::c2c::{C2cMessage, C2cModified, C2cRead, C2cRecalled};
pub use self::group::{GroupMembers, GroupMessage, GroupRecalled};

use serde::Deserialize;

use super::lenient::Text;

/// The answer to every callback that is taken, and to every one that does not concern us.
pub const OK: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#;

/// The largest body that is looked at, in bytes; the largest message weighs 12 KB.
pub const MAX_BYTES: usize = 256 * 1024;

/// One callback. The variants carry what the command of that name reports.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Callback<'a> {
    /// `C2C.CallbackBeforeSendMsg`: a message waits for our leave to be delivered.
    C2cBeforeSend(C2cMessage<'a>),
    /// `C2C.CallbackAfterSendMsg`: a message was delivered, or was not; see [`C2cMessage::delivered`].
    C2cAfterSend(C2cMessage<'a>),
    /// `C2C.CallbackAfterMsgReport`: somebody has read.
    C2cRead(C2cRead<'a>),
    /// `C2C.CallbackAfterMsgWithDraw`: a message was taken back.
    C2cRecalled(C2cRecalled<'a>),
    /// `C2C.CallbackAfterModifyMsg`: a message was changed.
    C2cModified(C2cModified<'a>),
    /// `State.StateChange`: somebody came or went.
    StateChange(StateChange<'a>),
    /// `Profile.CallbackPortraitSet`: a profile was changed.
    PortraitSet(PortraitSet<'a>),
    /// `Group.CallbackBeforeSendMsg`
    GroupBeforeSend(GroupMessage<'a>),
    /// `Group.CallbackAfterSendMsg`
    GroupAfterSend(GroupMessage<'a>),
    /// `Group.CallbackSendMsgException`: a message to a group failed.
    GroupSendException(GroupMessage<'a>),
    /// `Group.CallbackAfterRecallMsg`
    GroupRecalled(GroupRecalled<'a>),
    /// `Group.CallbackAfterNewMemberJoin`
    GroupJoined(GroupMembers<'a>),
    /// `Group.CallbackAfterMemberExit`
    GroupLeft(GroupMembers<'a>),
    /// `Bot.OnC2CMessage`: a message to a robot account, also reported as `C2cAfterSend`.
    BotC2c(C2cMessage<'a>),
    /// `Bot.OnGroupMessage`: a group message that names a robot.
    BotGroup(GroupMessage<'a>),
    /// Any other command, by its name.
    Other(Text<'a>),
}

/// Why a body is not a callback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Larger than [`MAX_BYTES`].
    #[error("a callback of {0} bytes")]
    TooLarge(usize),
    /// Not JSON, or not of the shape that its command has. The text tells where, and quotes nothing.
    #[error("an unreadable callback: {0}")]
    Malformed(String),
    /// The URL names one command and the body another.
    #[error("the URL and the body name different commands")]
    CommandMismatch,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, rename = "CallbackCommand")]
    command: Text<'a>,
}

impl<'a> Callback<'a> {
    /// Reads a body. `command` is the URL's `CallbackCommand`, where there is one: it must be the
    /// body's own.
    pub fn parse(command: Option<&str>, body: &'a [u8]) -> Result<Self, CallbackError> {
        if body.len() > MAX_BYTES {
            return Err(CallbackError::TooLarge(body.len()));
        }
        let named: Named<'a> = json(body)?;
        if command.is_some_and(|command| named.command != command) {
            return Err(CallbackError::CommandMismatch);
        }
        Ok(match &*named.command {
            "C2C.CallbackBeforeSendMsg" => Self::C2cBeforeSend(json(body)?),
            "C2C.CallbackAfterSendMsg" => Self::C2cAfterSend(json(body)?),
            "C2C.CallbackAfterMsgReport" => Self::C2cRead(json(body)?),
            "C2C.CallbackAfterMsgWithDraw" => Self::C2cRecalled(json(body)?),
            "C2C.CallbackAfterModifyMsg" => Self::C2cModified(json(body)?),
            "State.StateChange" => Self::StateChange(json(body)?),
            "Profile.CallbackPortraitSet" => Self::PortraitSet(json(body)?),
            "Group.CallbackBeforeSendMsg" => Self::GroupBeforeSend(json(body)?),
            "Group.CallbackAfterSendMsg" => Self::GroupAfterSend(json(body)?),
            "Group.CallbackSendMsgException" => Self::GroupSendException(json(body)?),
            "Group.CallbackAfterRecallMsg" => Self::GroupRecalled(json(body)?),
            "Group.CallbackAfterNewMemberJoin" => Self::GroupJoined(json(body)?),
            "Group.CallbackAfterMemberExit" => Self::GroupLeft(json(body)?),
            "Bot.OnC2CMessage" => Self::BotC2c(json(body)?),
            "Bot.OnGroupMessage" => Self::BotGroup(json(body)?),
            _ => Self::Other(named.command),
        })
    }
}

fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, CallbackError> {
    // Only the place is told: serde_json's own words may quote what a customer wrote.
    serde_json::from_slice(body).map_err(|error| {
        let kind = match error.classify() {
            serde_json::error::Category::Data => "a field of an unexpected type",
            serde_json::error::Category::Eof => "cut off",
            _ => "not JSON",
        };
        CallbackError::Malformed(format!(
            "{kind} (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}
