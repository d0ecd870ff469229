//! Between two people: sent, read, taken back, changed. (Tencent IM, 9.1 to 9.3, 9.7.)

use serde::Deserialize;

use crate::tencent_im::body::{self, Element};
use crate::tencent_im::key::MessageKey;
use crate::tencent_im::lenient::{self, Text};

/// A message that was sent, or is about to be.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct C2cMessage<'a> {
    /// Who sent it.
    #[serde(borrow, rename = "From_Account")]
    pub from: Text<'a>,
    /// To whom.
    #[serde(borrow, rename = "To_Account")]
    pub to: Text<'a>,
    /// Orders messages of one second; not unique.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_seq: u32,
    /// Tells messages of one second apart.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_random: u32,
    /// Unix seconds.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_time: u64,
    /// What a recall names it by: `MsgSeq_MsgRandom_MsgTime`.
    #[serde(borrow)]
    pub msg_key: Text<'a>,
    /// Newer deployments only.
    #[serde(borrow)]
    pub msg_id: Text<'a>,
    /// 1: for receivers who are online only, and kept nowhere.
    #[serde(deserialize_with = "lenient::number")]
    pub online_only_flag: u32,
    /// 0 delivered, else the error that the sender saw. After sending only.
    #[serde(deserialize_with = "lenient::number")]
    pub send_msg_result: i64,
    /// The error's words, or `send msg succeed`.
    #[serde(borrow)]
    pub error_info: Text<'a>,
    /// All that the receiver has not read; -1 where the message was not delivered.
    #[serde(deserialize_with = "lenient::number")]
    pub unread_msg_num: i64,
    /// The message.
    #[serde(borrow, deserialize_with = "body::elements")]
    pub msg_body: Vec<Element<'a>>,
    /// What the sender attached for itself; ours carries our tag.
    #[serde(borrow)]
    pub cloud_custom_data: Text<'a>,
    /// Unix milliseconds.
    #[serde(deserialize_with = "lenient::number")]
    pub event_time: u64,
}

impl C2cMessage<'_> {
    /// Whether the receiver got it: the callback also fires for messages that were refused.
    pub fn delivered(&self) -> bool {
        self.send_msg_result == 0
    }

    /// Its identity between these two accounts.
    pub fn key(&self) -> MessageKey<'_> {
        MessageKey::of(&self.msg_key, self.msg_seq, self.msg_random, self.msg_time)
    }
}

/// Somebody has read everything that `peer` sent up to a moment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct C2cRead<'a> {
    /// Who has read.
    #[serde(borrow, rename = "Report_Account")]
    pub reader: Text<'a>,
    /// Whose messages.
    #[serde(borrow, rename = "Peer_Account")]
    pub peer: Text<'a>,
    /// Up to when, in Unix seconds.
    #[serde(deserialize_with = "lenient::number")]
    pub last_read_time: u64,
    /// All that the reader has not read.
    #[serde(deserialize_with = "lenient::number")]
    pub unread_msg_num: i64,
}

/// A message was taken back.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct C2cRecalled<'a> {
    /// Who had sent it.
    #[serde(borrow, rename = "From_Account")]
    pub from: Text<'a>,
    /// To whom.
    #[serde(borrow, rename = "To_Account")]
    pub to: Text<'a>,
    /// Which.
    #[serde(borrow)]
    pub msg_key: Text<'a>,
    /// All that the receiver has not read.
    #[serde(deserialize_with = "lenient::number")]
    pub unread_msg_num: i64,
}

/// A message was changed after it was sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct C2cModified<'a> {
    /// Who changed it.
    #[serde(borrow, rename = "Operator_Account")]
    pub operator: Text<'a>,
    /// Who had sent it.
    #[serde(borrow, rename = "From_Account")]
    pub from: Text<'a>,
    /// To whom.
    #[serde(borrow, rename = "To_Account")]
    pub to: Text<'a>,
    /// As it was sent.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_seq: u32,
    /// As it was sent.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_random: u32,
    /// As it was sent.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_time: u64,
    /// As it was sent.
    #[serde(borrow)]
    pub msg_key: Text<'a>,
    /// When it was changed, in Unix milliseconds.
    #[serde(deserialize_with = "lenient::number")]
    pub event_time: u64,
    /// The message as it is now.
    #[serde(borrow, deserialize_with = "body::elements")]
    pub msg_body: Vec<Element<'a>>,
    /// As it is now.
    #[serde(borrow)]
    pub cloud_custom_data: Text<'a>,
}

impl C2cModified<'_> {
    /// The changed message's identity between its two accounts.
    pub fn key(&self) -> MessageKey<'_> {
        MessageKey::of(&self.msg_key, self.msg_seq, self.msg_random, self.msg_time)
    }
}
