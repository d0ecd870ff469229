//! Messages: send one, take one back, look them up. (Tencent IM, 3.)

use serde::{Deserialize, Serialize};

use super::{Command, Nothing};
use crate::tencent_im::body::{self, Element};
use crate::tencent_im::key::MessageKey;
use crate::tencent_im::lenient::{self, Text};

/// Both values of `ForbidCallbackControl`: what we send ourselves is not to be reported to us.
pub const FORBID_CALLBACKS: &[&str] =
    &["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"];

/// `MsgFlagBits` of a message that was taken back.
pub const FLAG_RECALLED: u32 = 8;

/// `openim/sendmsg`: one message to one person.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendMsg<'a> {
    /// 1: the sender's own devices and history show it too; 2: they do not.
    pub sync_other_machine: u32,
    /// In whose name; the account must exist.
    #[serde(rename = "From_Account", skip_serializing_if = "Option::is_none")]
    pub from: Option<&'a str>,
    /// To whom; the account must exist.
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    /// For how long it waits for an offline receiver, in seconds; 604800 at most, 0 for not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_life_time: Option<u32>,
    /// With `msg_random` what makes a repeat a repeat.
    pub msg_seq: u32,
    /// The same number within one second is a duplicate.
    pub msg_random: u32,
    /// Which callbacks this message is not to cause; see [`FORBID_CALLBACKS`].
    pub forbid_callback_control: &'a [&'a str],
    /// `NoUnread`, `NoLastMsg`, `WithMuteNotifications`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub send_msg_control: &'a [&'a str],
    /// The message: at most [`MAX_BODY_BYTES`](crate::tencent_im::body::MAX_BODY_BYTES).
    pub msg_body: &'a [Element<'a>],
    /// Comes back in callbacks and in the history; ours carries our tag.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub cloud_custom_data: &'a str,
}

/// It was taken.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Sent<'a> {
    /// Unix seconds.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_time: u64,
    /// What a recall names it by.
    #[serde(borrow)]
    pub msg_key: Text<'a>,
}

impl Command for SendMsg<'_> {
    const PATH: &'static str = "openim/sendmsg";
    type Answer<'a> = Sent<'a>;
}

/// `openim/admin_msgwithdraw`: take a message back, however old it is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminMsgWithdraw<'a> {
    /// Who had sent it.
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    /// To whom.
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    /// Which.
    pub msg_key: &'a str,
}

impl Command for AdminMsgWithdraw<'_> {
    const PATH: &'static str = "openim/admin_msgwithdraw";
    type Answer<'a> = Nothing;
}

/// `openim/admin_getroammsg`: a page of what two people said, the newest first.
///
/// The view is the operator's own: what they cleared is missing from it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdminGetRoamMsg<'a> {
    /// Whose view.
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    /// With whom they spoke.
    #[serde(rename = "Peer_Account")]
    pub peer: &'a str,
    /// At most so many.
    pub max_cnt: u32,
    /// From here on, in Unix seconds.
    pub min_time: u64,
    /// Up to here; for the next page the last one's `last_msg_time`.
    pub max_time: u64,
    /// For the next page the last one's `last_msg_key`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub last_msg_key: &'a str,
}

impl Command for AdminGetRoamMsg<'_> {
    const PATH: &'static str = "openim/admin_getroammsg";
    type Answer<'a> = RoamedPage<'a>;
}

/// One page of history: at most 13 KB, so seldom as many as were asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RoamedPage<'a> {
    /// 1: nothing earlier is left within the times asked for.
    #[serde(deserialize_with = "lenient::number")]
    pub complete: u32,
    /// Where the next page begins.
    #[serde(deserialize_with = "lenient::number")]
    pub last_msg_time: u64,
    /// Where in that second.
    #[serde(borrow)]
    pub last_msg_key: Text<'a>,
    /// The messages.
    #[serde(borrow)]
    pub msg_list: Vec<RoamedMessage<'a>>,
}

impl<'a> RoamedPage<'a> {
    /// Its messages, the newest first. Which way round a page lies is not documented; `last_msg_key` names its oldest
    /// message, and that tells. Messages of one second keep the order that the service gives them.
    pub fn newest_first(&self) -> Vec<&RoamedMessage<'a>> {
        let mut messages: Vec<_> = self.msg_list.iter().collect();
        let oldest_first = match (self.msg_list.first(), self.msg_list.last()) {
            (Some(first), Some(last)) if first.msg_time_stamp == last.msg_time_stamp => {
                first.msg_key == self.last_msg_key
            }
            (Some(first), Some(last)) => first.msg_time_stamp < last.msg_time_stamp,
            _ => false,
        };
        if oldest_first {
            messages.reverse();
        }
        messages
    }
}

/// One message of the history.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RoamedMessage<'a> {
    /// Who sent it.
    #[serde(borrow, rename = "From_Account")]
    pub from: Text<'a>,
    /// To whom.
    #[serde(borrow, rename = "To_Account")]
    pub to: Text<'a>,
    /// As in callbacks.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_seq: u32,
    /// As in callbacks.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_random: u32,
    /// Unix seconds: the `MsgTime` of callbacks.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_time_stamp: u64,
    /// [`FLAG_RECALLED`] where it was taken back.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_flag_bits: u32,
    /// As in callbacks.
    #[serde(borrow)]
    pub msg_key: Text<'a>,
    /// The message.
    #[serde(borrow, deserialize_with = "body::elements")]
    pub msg_body: Vec<Element<'a>>,
    /// What the sender attached.
    #[serde(borrow)]
    pub cloud_custom_data: Text<'a>,
}

impl RoamedMessage<'_> {
    /// Its identity between these two accounts: the same that callbacks give.
    pub fn key(&self) -> MessageKey<'_> {
        MessageKey::of(
            &self.msg_key,
            self.msg_seq,
            self.msg_random,
            self.msg_time_stamp,
        )
    }
}
