//! The `[bots.ai]` section.

use std::num::NonZeroU32;

use bridge_convertors::dify::request::FileKind;
use bridge_core::{plugin::BuildError, secret::Secret, settings::Span};
use serde_json::{Map, Value};
use url::Url;

/// 先由智能助手接待；没有这一节，新会话直接转人工 /
/// The assistant that answers first. Without this section every new conversation goes to a person.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// 由谁提供 / Who runs the assistant.
    #[serde(default)]
    pub provider: Provider,
    /// Dify 接口地址 / The address of Dify's API: the cloud's, or `https://YOUR-SERVER/v1`.
    #[serde(default = "default::api_base")]
    pub api_base: String,
    /// 应用的 API Key，也决定了用哪个应用 / The app's API key; it also chooses the app.
    pub api_key: Secret,
    /// 应用类型 / The kind of app that the key belongs to.
    #[serde(default)]
    pub app: App,
    /// 客户最多等多久，含重试；到时转人工 /
    /// How long a contact waits for an answer at most, repetitions included; then a person is asked. At most `10m`.
    #[serde(default = "default::timeout")]
    pub timeout: Span,
    /// 回答过程中 Dify 最多沉默多久 /
    /// How long Dify may be silent while it answers. It gives a sign every ten seconds, so less than `20s` cuts live answers.
    #[serde(default = "default::idle_timeout")]
    pub idle_timeout: Span,
    /// 同时提问数，应低于应用自己的上限 / How many answers are asked for at once. Keep it below the app's own limit.
    #[serde(default = "default::max_concurrent")]
    pub max_concurrent: NonZeroU32,
    /// 暂时性失败最多重试几次 / How often a passing failure is tried again, at most.
    #[serde(default = "default::retries")]
    pub retries: u32,
    /// 应用的变量，随每个问题发送 /
    /// The app's variables, sent with every question. In texts `{inbox}`, `{contact}` and `{recent}` stand for the inbox's
    /// name, the contact's name and the last messages (what a person said is not in Dify's own memory).
    #[serde(default)]
    pub inputs: Map<String, Value>,
    /// 多久没有回答就开始新的 Dify 会话 /
    /// After so long without an answer a new Dify conversation begins. Dify keeps a chatbot's and an agent's prompt as it was
    /// when the conversation began, so without an end to it old contacts never meet a new prompt.
    #[serde(default = "default::forget_after")]
    pub forget_after: Span,
    /// 把客户的哪些文件交给应用，应用须已开启 /
    /// Which of the contact's files are passed on to the app; it must have them switched on.
    #[serde(default = "default::files")]
    pub files: Vec<Attachable>,
    /// 回答里提到的文件在哪里下载，默认与 api_base 同一服务器 /
    /// Where files that answers name are to be had, if not at `api_base`'s server.
    #[serde(default)]
    pub files_base: Option<String>,
    /// 回答里出现这些标记即转人工，标记不发给客户；请在提示词里告诉模型 /
    /// When an answer contains one of these marks, it is sent without the mark and a person takes over. Tell the model in
    /// its prompt to write one when a person is needed.
    #[serde(default = "default::handoff_marks")]
    pub handoff_marks: Vec<String>,
    /// 没有回答时怎么办 / What happens when no answer is to be had.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// 客户的评分转告 Dify / What Dify is told of contacts' ratings.
    #[serde(default)]
    pub ratings: Ratings,
}

/// 客户给会话的评分，作为对最后一个回答的反馈告诉 Dify（应用的日志里可见）/
/// Contacts' ratings as feedback on the assistant's last answer of that conversation, seen in the app's logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ratings {
    /// 是否转告 / Whether Dify is told.
    pub pass_on: bool,
    /// 几分及以上算“赞”/ This score and better is a like.
    pub like_from: u8,
    /// 几分及以下算“踩”，中间的不转告 / This score and worse is a dislike; what lies between is not told.
    pub dislike_to: u8,
}

impl Default for Ratings {
    fn default() -> Self {
        Self {
            pass_on: true,
            like_from: 4,
            dislike_to: 2,
        }
    }
}

/// Who runs the assistant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Dify, its cloud or one's own server.
    #[default]
    Dify,
}

/// The kind of a Dify app.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum App {
    /// A chatbot.
    #[default]
    Chat,
    /// An agent: it uses tools, and only streams.
    Agent,
    /// A chatflow: a workflow that one talks to.
    Chatflow,
}

/// What a contact may send to the app beside words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attachable {
    /// Pictures.
    Image,
    /// Files.
    Document,
    /// Voice messages that were not recognised as words.
    Audio,
    /// Videos.
    Video,
}

impl From<Attachable> for FileKind {
    fn from(kind: Attachable) -> Self {
        match kind {
            Attachable::Image => Self::Image,
            Attachable::Document => Self::Document,
            Attachable::Audio => Self::Audio,
            Attachable::Video => Self::Video,
        }
    }
}

/// What happens when no answer is to be had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// An apology, and a person takes over.
    #[default]
    Handoff,
    /// An apology only: for a bridge without people behind it.
    Apologise,
}

/// The longest `timeout` that the engine waits for.
pub(super) const LONGEST: std::time::Duration = std::time::Duration::from_secs(600);

mod default {
    use std::num::NonZeroU32;

    use bridge_core::settings::Span;

    use super::Attachable;

    pub(super) fn api_base() -> String {
        "https://api.dify.ai/v1".into()
    }

    pub(super) fn timeout() -> Span {
        Span::secs(90)
    }

    pub(super) fn idle_timeout() -> Span {
        Span::secs(30)
    }

    pub(super) fn max_concurrent() -> NonZeroU32 {
        NonZeroU32::MIN.saturating_add(15)
    }

    pub(super) fn retries() -> u32 {
        3
    }

    pub(super) fn forget_after() -> Span {
        Span::secs(30 * 86_400)
    }

    pub(super) fn files() -> Vec<Attachable> {
        vec![Attachable::Image]
    }

    pub(super) fn handoff_marks() -> Vec<String> {
        ["【转人工】", "[转人工]", "[HANDOFF]"]
            .map(Into::into)
            .to_vec()
    }
}

impl Config {
    /// Refuses what cannot work, by its key.
    pub(super) fn checked(self) -> Result<Self, BuildError> {
        if self.api_key.is_empty() {
            return Err(BuildError::new("api_key", "is empty", "app-…")
                .zh("不能为空，请填写 Dify 应用的 API 密钥"));
        }
        if !self.api_key.expose().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BuildError::new(
                "api_key",
                "contains spaces or other odd characters",
                "app-…",
            )
            .zh("含有空格或其他非法字符"));
        }
        base_url("api_base", &self.api_base)?;
        if let Some(files_base) = &self.files_base {
            base_url("files_base", files_base)?;
        }
        if self.timeout.0.is_zero() || self.timeout.0 > LONGEST {
            return Err(
                BuildError::new("timeout", "must be between 1s and 10m", "90s")
                    .zh("须在 1s 与 10m 之间"),
            );
        }
        if self.idle_timeout.0.is_zero() {
            return Err(BuildError::new("idle_timeout", "must not be zero", "30s").zh("不能为零"));
        }
        if self.ratings.like_from <= self.ratings.dislike_to {
            return Err(BuildError::new(
                "ratings.like_from",
                "must be greater than ratings.dislike_to",
                "4",
            )
            .zh("须大于 ratings.dislike_to"));
        }
        if self.handoff_marks.iter().any(|mark| mark.trim().is_empty()) {
            return Err(BuildError::new(
                "handoff_marks",
                "an empty mark would be found in every answer",
                "[\"【转人工】\"]",
            )
            .zh("不能含有空的标记：每个回答都会命中它"));
        }
        Ok(self)
    }
}

/// An `http` or `https` address that paths can be added to.
pub(super) fn base_url(key: &str, text: &str) -> Result<Url, BuildError> {
    let refused =
        |what: &str, zh: &str| Err(BuildError::new(key, what, "https://api.dify.ai/v1").zh(zh));
    match Url::parse(text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {
            refused("is not an http or https address", "须为 http 或 https 地址")
        }
        // A key in an address would end up in logs.
        Ok(url) if url.password().is_some() || url.query().is_some() => refused(
            "must not carry a password or a query",
            "不能包含密码或查询参数",
        ),
        Ok(url) => Ok(url),
        Err(_) => refused("is not an address", "不是有效的地址"),
    }
}
