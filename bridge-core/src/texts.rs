//! The words people are spoken to in: Chinese first, English beside it, each replaceable in `[texts]`.

use std::collections::BTreeMap;

use crate::message::Content;

/// The language people are spoken to in.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub enum Locale {
    /// Simplified Chinese.
    #[default]
    #[serde(rename = "zh-CN")]
    Zh,
    /// English.
    #[serde(rename = "en")]
    En,
}

/// The words, with an operator's replacements.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// The language.
    pub locale: Locale,
    replaced: BTreeMap<&'static str, String>,
}

/// A replacement that names no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no text is called \"{name}\"; the nearest is \"{nearest}\"")]
pub struct UnknownText {
    /// What was given.
    pub name: String,
    /// What may have been meant.
    pub nearest: &'static str,
}

impl Texts {
    /// The built-in words of a language.
    pub fn new(locale: Locale) -> Self {
        Self {
            locale,
            replaced: BTreeMap::new(),
        }
    }

    /// With an operator's words in place of some.
    pub fn with(locale: Locale, replaced: BTreeMap<String, String>) -> Result<Self, UnknownText> {
        let mut texts = Self::new(locale);
        for (name, words) in replaced {
            let Some(text) = Text::ALL.iter().find(|text| text.name() == name) else {
                let nearest = Text::ALL.iter().map(|text| text.name()).max_by(|a, b| {
                    strsim::jaro_winkler(a, &name).total_cmp(&strsim::jaro_winkler(b, &name))
                });
                return Err(UnknownText {
                    name,
                    nearest: nearest.unwrap_or_default(),
                });
            };
            texts.replaced.insert(text.name(), words);
        }
        Ok(texts)
    }

    /// A text with its places filled: `{agent}` by the value named `agent`.
    pub fn say(&self, text: Text, values: &[(&str, &str)]) -> String {
        let words = self
            .replaced
            .get(text.name())
            .map_or_else(|| text.words(self.locale), String::as_str);
        values
            .iter()
            .fold(words.to_owned(), |words, (place, value)| {
                words.replace(&format!("{{{place}}}"), value)
            })
    }

    /// Whether an operator has replaced a text by nothing: it is not to be said.
    pub fn silenced(&self, text: Text) -> bool {
        self.replaced
            .get(text.name())
            .is_some_and(|words| words.trim().is_empty())
    }
}

/// A few words of a content, for notices about it: at most 30 characters.
pub fn excerpt(content: &Content) -> String {
    let words = content.words().unwrap_or(match content {
        Content::Image { .. } => "[图片]",
        Content::Voice { .. } => "[语音]",
        Content::Video { .. } => "[视频]",
        Content::File { .. } => "[文件]",
        Content::Location { .. } => "[位置]",
        Content::Link { .. } => "[链接]",
        Content::MiniProgram { .. } => "[小程序]",
        Content::Menu { .. } => "[菜单]",
        _ => "[消息]",
    });
    let mut excerpt: String = words.chars().take(30).collect();
    if words.chars().nth(30).is_some() {
        excerpt.push('…');
    }
    excerpt
}

macro_rules! texts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $zh:literal, $en:literal;)*) => {
        /// Every text people may read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Text {
            $($(#[$doc])* $variant,)*
        }

        impl Text {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its key in `[texts]`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The built-in words.
            pub const fn words(self, locale: Locale) -> &'static str {
                match (self, locale) {
                    $((Self::$variant, Locale::Zh) => $zh, (Self::$variant, Locale::En) => $en,)*
                }
            }
        }
    };
}

texts! {
    /// To a contact who follows the account.
    Welcome = "welcome", "您好，欢迎关注！直接发消息就可以咨询，回复“转人工”可联系人工客服。",
        "Hello and welcome! Just write to ask anything; reply \"agent\" to reach a person.";
    /// To a contact who now waits for an agent.
    Queued = "queued", "正在为您转接人工客服，您前面还有 {ahead} 位，请稍候。",
        "We are finding someone for you. People ahead of you: {ahead}. Please wait a moment.";
    /// To a waiting contact whose position changed, or who asks.
    QueuePosition = "queue_position", "您当前排在第 {position} 位{estimate}，感谢您的耐心等待。",
        "You are number {position} in the queue{estimate}. Thank you for waiting.";
    /// Put in `{estimate}` when a wait can be estimated.
    QueueEstimate = "queue_estimate", "，预计等待约 {minutes} 分钟", ", about {minutes} minutes";
    /// To a contact who leaves the queue.
    LeftQueue = "left_queue", "已为您取消排队，您可以继续向智能助手提问。",
        "You have left the queue. You can go on asking the assistant.";
    /// To a contact an agent has taken.
    Connected = "connected", "客服 {agent} 为您服务。", "{agent} is with you now.";
    /// To a contact whose agent handed over to another.
    Transferred = "transferred", "已为您转接客服 {agent}，请继续描述您的问题。",
        "You have been handed over to {agent}. Please go on.";
    /// To a contact when the assistant takes over again.
    BackToAssistant = "back_to_assistant", "接下来由智能助手为您服务，回复“转人工”可再次联系人工客服。",
        "The assistant is with you now. Reply \"agent\" to reach a person again.";
    /// To a contact outside working hours.
    OutOfHours = "out_of_hours", "当前是非工作时间，人工客服暂时不在线。您可以留言，我们上班后会尽快回复您。",
        "We are outside working hours and nobody is online. Leave a message and we will answer as soon as we are back.";
    /// To a contact when no agent can be found at all.
    NobodyThere = "nobody_there", "抱歉，暂时没有可以为您服务的人工客服，请稍后再试。",
        "Sorry, nobody can take your conversation right now. Please try again later.";
    /// To a contact whose conversation an agent ended.
    Closed = "closed", "本次服务已结束，感谢您的咨询。", "This conversation is closed. Thank you.";
    /// To a contact whose conversation ended for silence.
    ClosedIdle = "closed_idle", "由于长时间没有新消息，本次服务已自动结束。有需要随时再联系我们。",
        "As nothing was said for a while, this conversation is closed. Write again any time.";
    /// Before the choices of the rating.
    RatingHead = "rating_head", "请为本次服务打分：", "How was it?";
    /// The choices of the rating, best first, parted by `|`.
    RatingChoices = "rating_choices", "非常满意|满意|一般|不满意|非常不满意", "Great|Good|So-so|Bad|Terrible";
    /// After the choices of the rating.
    RatingTail = "rating_tail", "感谢您的评价！", "Thank you!";
    /// To a contact who rated.
    RatingThanks = "rating_thanks", "感谢您的评价！", "Thank you for rating us!";
    /// To a contact when the assistant has failed and no person is to be had.
    AssistantFailed = "assistant_failed", "抱歉，智能助手暂时无法回答，正在为您联系人工客服。",
        "Sorry, the assistant cannot answer right now. We are finding a person for you.";
    /// To a contact when the assistant has failed and is all there is.
    AssistantSorry = "assistant_sorry", "抱歉，我暂时无法回答这个问题，请稍后再试。",
        "Sorry, I cannot answer that right now. Please try again in a while.";
    /// To a contact whose message cannot be handled at all.
    CannotHandle = "cannot_handle", "抱歉，您的消息暂时无法处理，已记录并会由人工跟进。",
        "Sorry, your message could not be handled. It is recorded and a person will look at it.";

    /// To an agent who gets a conversation: the head of the card.
    DeskNew = "desk_new", "【新会话】客户：{contact}\n来自：{inbox}{note}", "[New conversation] {contact}\nfrom {inbox}{note}";
    /// To an agent before the last messages.
    DeskContext = "desk_context", "—— 最近 {count} 条消息 ——", "-- last {count} messages --";
    /// To an agent after the last messages.
    DeskContextEnd = "desk_context_end", "—— 以上为历史消息，发送 #帮助 查看可用命令 ——", "-- end of history; #help lists the commands --";
    /// To an agent who handed over.
    DeskHandedOver = "desk_handed_over", "已转接给 {agent}。", "Handed over to {agent}.";
    /// To an agent whose contact now waits for somebody.
    DeskQueued = "desk_queued", "暂无空闲客服，客户已进入排队。", "Nobody is free; the contact waits in the queue.";
    /// To an agent whose contact goes back to the assistant.
    DeskAssisted = "desk_assisted", "已转回智能助手。", "Handed back to the assistant.";
    /// To an agent whose conversation is over.
    DeskClosed = "desk_closed", "会话已结束。", "The conversation is closed.";
    /// To an agent whose contact left.
    DeskContactLeft = "desk_contact_left", "客户已结束会话。", "The contact has ended the conversation.";
    /// To an agent whose message could not be delivered.
    DeskUndelivered = "desk_undelivered", "⚠ 未送达：“{excerpt}”\n原因：{reason}", "⚠ Not delivered: \"{excerpt}\"\nWhy: {reason}";
    /// To an agent whose message waits for the contact to write again.
    DeskHeld = "desk_held", "⏸ 客户的回复额度已用完，这条消息会在客户下次发言后自动送出：“{excerpt}”",
        "⏸ The allowance to write to this contact is used up; this goes out when they write again: \"{excerpt}\"";
    /// To an agent when the allowance gets low.
    DeskAllowance = "desk_allowance", "ℹ 还能给该客户发 {left} 条消息，客户再次发言后恢复。",
        "ℹ You can send {left} more message(s) until the contact writes again.";
    /// To an agent whose taken-back message was delivered already.
    DeskRecallLate = "desk_recall_late", "该消息已送达客户，无法撤回。", "That message has reached the contact and cannot be taken back.";
    /// To an agent whose taken-back message had not left yet.
    DeskRecalled = "desk_recalled", "消息尚未送出，已撤回。", "That message had not left yet; it is taken back.";
    /// To an agent whose contact took a message back.
    DeskContactRecalled = "desk_contact_recalled", "客户撤回了一条消息。", "The contact took a message back.";
    /// To an agent who writes where nobody listens.
    DeskNotYours = "desk_not_yours", "该会话当前不由您接待，消息未发送给客户。", "This conversation is not with you; nothing was sent to the contact.";
    /// To an agent who writes in a chat without a contact behind it.
    DeskNoContact = "desk_no_contact", "这个聊天没有对应的客户。", "There is no contact behind this chat.";
    /// To an agent whose contact unfollowed.
    DeskUnfollowed = "desk_unfollowed", "ℹ 客户已取消关注，消息将无法送达。", "ℹ The contact no longer follows the account; nothing can be delivered.";
    /// To an agent: something happened that is worth knowing.
    DeskFact = "desk_fact", "ℹ {fact}", "ℹ {fact}";
    /// To an agent: what the contact sent cannot be shown.
    DeskUnsupported = "desk_unsupported", "[客户发送了暂不支持的内容：{what}] {summary}", "[The contact sent something unsupported: {what}] {summary}";

    /// A command that does not exist.
    CommandUnknown = "command_unknown", "没有“{name}”这个命令。{nearest}发送 #帮助 查看全部命令。",
        "There is no command \"{name}\". {nearest}Send #help for all commands.";
    /// Put in `{nearest}`.
    CommandNearest = "command_nearest", "您是不是想输入：{names}？", "Did you mean {names}? ";
    /// A command with wrong options.
    CommandUsage = "command_usage", "{wrong}\n用法：{usage}", "{wrong}\nUsage: {usage}";
    /// A command the sender may not use.
    CommandRefused = "command_refused", "您没有使用“{name}”命令的权限。", "You may not use \"{name}\".";
    /// Transfer: no agent of that name.
    AgentUnknown = "agent_unknown", "没有名为“{name}”的客服。{nearest}", "There is no agent \"{name}\". {nearest}";
    /// Transfer: all seats taken.
    AgentFull = "agent_full", "客服 {agent} 的接待数已满，会话未转接。", "{agent} has no free seat; nothing was changed.";
    /// Transfer: offline.
    AgentOffline = "agent_offline", "客服 {agent} 当前不在线，会话未转接。", "{agent} is offline; nothing was changed.";
    /// Transfer: outside their hours.
    AgentOffDuty = "agent_off_duty", "客服 {agent} 当前不在班，会话未转接。", "{agent} is off duty; nothing was changed.";
    /// Transfer: to oneself.
    AgentSame = "agent_same", "会话已经由 {agent} 接待。", "{agent} has this conversation already.";
    /// A skill that nobody has.
    SkillUnknown = "skill_unknown", "没有掌握“{skill}”技能的客服。", "Nobody has the skill \"{skill}\".";
    /// A move that is not possible now.
    NotPossible = "not_possible", "当前状态下无法执行该操作。", "That is not possible right now.";
    /// A bot that failed inline.
    BotFailed = "bot_failed", "命令执行失败，请稍后再试。", "The command failed. Please try again later.";
}
