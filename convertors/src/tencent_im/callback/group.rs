//! Groups: messages, recalls, comings and goings. (Tencent IM, 9.6, 9.7.)

use serde::Deserialize;

use crate::tencent_im::body::{self, Element};
use crate::tencent_im::lenient::{self, Text};

/// A message to a group: before it is sent, after, or when that failed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupMessage<'a> {
    /// Which group.
    #[serde(borrow)]
    pub group_id: Text<'a>,
    /// Which topic of it, where it has any.
    #[serde(borrow)]
    pub topic_id: Text<'a>,
    /// `Public`, `Private`, `ChatRoom`, `AVChatRoom`, `Community`.
    #[serde(borrow, rename = "Type")]
    pub group_type: Text<'a>,
    /// In whose name.
    #[serde(borrow, rename = "From_Account")]
    pub from: Text<'a>,
    /// Who really called: the administrator, where the service was asked to speak for somebody.
    #[serde(borrow, rename = "Operator_Account")]
    pub operator: Text<'a>,
    /// Tells equal messages apart for five minutes.
    #[serde(deserialize_with = "lenient::number")]
    pub random: u32,
    /// Grows by one in its group; with the group's id a complete key. After sending only.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_seq: u32,
    /// Unix seconds. After sending only.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_time: u64,
    /// Newer deployments only.
    #[serde(borrow)]
    pub msg_id: Text<'a>,
    /// 1: for members who are online only.
    #[serde(deserialize_with = "lenient::number")]
    pub online_only_flag: u32,
    /// The message.
    #[serde(borrow, deserialize_with = "body::elements")]
    pub msg_body: Vec<Element<'a>>,
    /// What the sender attached.
    #[serde(borrow)]
    pub cloud_custom_data: Text<'a>,
    /// The robots it names, in `Bot.OnGroupMessage`.
    #[serde(borrow, rename = "AtRobots_Account")]
    pub robots: Vec<Text<'a>>,
    /// Why it failed, in `Group.CallbackSendMsgException`.
    #[serde(deserialize_with = "lenient::number")]
    pub error_code: i64,
    /// The same in words.
    #[serde(borrow)]
    pub error_info: Text<'a>,
    /// Unix milliseconds.
    #[serde(deserialize_with = "lenient::number")]
    pub event_time: u64,
}

/// Messages of a group were taken back.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupRecalled<'a> {
    /// Who took them back.
    #[serde(borrow, rename = "Operator_Account")]
    pub operator: Text<'a>,
    /// Which group.
    #[serde(borrow)]
    pub group_id: Text<'a>,
    /// Which messages.
    #[serde(rename = "MsgSeqList")]
    pub messages: Vec<RecalledSeq>,
    /// Unix milliseconds.
    #[serde(deserialize_with = "lenient::number")]
    pub event_time: u64,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RecalledSeq {
    /// Its number in the group.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_seq: u32,
}

/// Members joined a group or left it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupMembers<'a> {
    /// Which group.
    #[serde(borrow)]
    pub group_id: Text<'a>,
    /// `Apply` or `Invited`; `Kicked` or `Quit`.
    #[serde(borrow, rename = "JoinType", alias = "ExitType")]
    pub how: Text<'a>,
    /// Who did it.
    #[serde(borrow, rename = "Operator_Account")]
    pub operator: Text<'a>,
    /// Whom it concerns.
    #[serde(borrow, rename = "NewMemberList", alias = "ExitMemberList")]
    pub members: Vec<Member<'a>>,
    /// Unix milliseconds.
    #[serde(deserialize_with = "lenient::number")]
    pub event_time: u64,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Member<'a> {
    /// Their UserID.
    #[serde(borrow, rename = "Member_Account")]
    pub account: Text<'a>,
}
