//! The `[inboxes.NAME]` section of a mini program, and what can be wrong with it.

use std::collections::BTreeMap;

use bridge_convertors::wechat::nudge::kind;
use bridge_core::{
    channel::Allowance, message::Trigger, plugin::BuildError, secret::Secret, settings::Span,
};

use super::super::wechat_platform::{Credentials, Mode};

/// 微信小程序 / a WeChat mini program.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// AppID，形如 wx0123456789abcdef / the mini program's app id.
    pub app_id: String,
    /// AppSecret / its app secret.
    pub app_secret: Secret,
    /// 消息推送的 Token，3 到 32 位字母或数字 / the token of the message push.
    pub token: Secret,
    /// 消息推送的 EncodingAESKey，43 位；明文模式可以不填 / the key of the message push; not needed in plain mode.
    #[serde(default)]
    pub encoding_aes_key: Secret,
    /// 轮换密钥时的上一个 EncodingAESKey / the key before, accepted while keys are rotated.
    #[serde(default)]
    pub previous_encoding_aes_key: Secret,
    /// 消息加密方式；数据格式 XML、JSON 均可，自动识别 / how the push is encrypted; XML and JSON are both read.
    #[serde(default)]
    pub mode: Mode,
    /// 接口地址 / where the API is.
    #[serde(default = "api_base")]
    pub api_base: String,
    /// 单条文本的最大字节数 / longest text of one message, in bytes (the platform takes 2048).
    #[serde(default = "text_bytes")]
    pub text_bytes: usize,
    /// 下发额度 / how many messages may be sent after what (WeChat: send windows, 4.3; the numbers change).
    #[serde(default = "allowances")]
    #[schemars(with = "serde_json::Value")]
    pub allowances: Vec<Allowance>,
    /// 放有客服按钮的页面，不带斜杠开头；小程序码和订阅消息都打开它 / the page with the contact button: codes and
    /// subscription messages open it.
    #[serde(default = "page")]
    pub page: String,
    /// 小程序码和订阅消息打开哪个版本 / which edition codes and subscription messages open.
    #[serde(default)]
    pub edition: Edition,
    /// 哪些消息转给微信自带的客服工具 / which messages are handed to WeChat's own service tool.
    #[serde(default)]
    pub service_tool: ServiceTool,
    /// service_tool = "words" 时，说了其中一句就转 / the words that hand over.
    #[serde(default)]
    pub service_tool_words: Vec<String>,
    /// 客户不在会话中时用订阅消息提醒；不填则不提醒 / tells contacts who are away that somebody has written.
    #[serde(default)]
    pub nudge: Option<NudgeConfig>,
}

/// Which edition of the mini program is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Edition {
    /// 正式版 / what is published.
    #[default]
    Release,
    /// 体验版 / the trial edition.
    Trial,
    /// 开发版 / the one being developed.
    Develop,
}

/// Which messages are handed to WeChat's own service tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceTool {
    /// 都不转 / none.
    #[default]
    Never,
    /// 全部转 / all; the bridge only records them.
    Always,
    /// 说了指定的话才转 / those that say one of the words.
    Words,
}

/// 订阅消息提醒 / subscription messages to contacts who are away.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NudgeConfig {
    /// 订阅消息模板 ID / the template's id.
    pub template: String,
    /// 模板字段填什么：{sender} 客服名、{summary} 内容摘要、{time} 时间，或固定文字 / what each field of the template says.
    pub fields: BTreeMap<String, String>,
    /// 每位客户每小时最多提醒几次 / at most so many an hour for one contact.
    #[serde(default = "most_per_hour")]
    pub most_per_hour: u32,
    /// 两次提醒至少间隔多久 / the least time between two.
    #[serde(default = "pause")]
    pub pause: Span,
    /// 消息里时间的时区 / the time zone of {time}.
    #[serde(default = "timezone")]
    pub timezone: String,
    /// 小程序的语言：zh_CN、en_US、zh_HK、zh_TW / the language the mini program opens in.
    #[serde(default = "lang")]
    pub lang: String,
}

fn api_base() -> String {
    "https://api.weixin.qq.com".to_owned()
}

fn text_bytes() -> usize {
    2000
}

fn allowances() -> Vec<Allowance> {
    let allowance = |trigger, count, seconds| Allowance {
        trigger,
        count,
        seconds,
    };
    vec![
        allowance(Trigger::Message, 5, 48 * 3600),
        allowance(Trigger::Enter, 2, 60),
    ]
}

fn page() -> String {
    "pages/index/index".to_owned()
}

fn most_per_hour() -> u32 {
    3
}

fn pause() -> Span {
    Span::secs(60)
}

fn timezone() -> String {
    "Asia/Shanghai".to_owned()
}

fn lang() -> String {
    "zh_CN".to_owned()
}

impl Edition {
    /// As a code's `env_version` says it.
    pub(super) fn env_version(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Trial => "trial",
            Self::Develop => "develop",
        }
    }

    /// As a subscription message's `miniprogram_state` says it.
    pub(super) fn state(self) -> &'static str {
        match self {
            Self::Release => "formal",
            Self::Trial => "trial",
            Self::Develop => "developer",
        }
    }
}

impl Config {
    /// What the platform is told, and what its pushes are checked with.
    pub(super) fn credentials(&self) -> Credentials<'_> {
        Credentials {
            app_id: &self.app_id,
            app_secret: &self.app_secret,
            token: &self.token,
            encoding_aes_key: &self.encoding_aes_key,
            previous_encoding_aes_key: &self.previous_encoding_aes_key,
            mode: self.mode,
            api_base: &self.api_base,
            text_bytes: self.text_bytes,
        }
    }

    /// What is wrong with it, the credentials apart.
    pub(super) fn validate(&self) -> Result<(), BuildError> {
        if !is_page(&self.page) {
            let what = "must be a page's path without leading slash and without query";
            return Err(BuildError::new("page", what, "pages/index/index")
                .zh("应为页面路径，不以斜杠开头，不带参数"));
        }
        let no_words = self.service_tool_words.iter().all(|word| word.is_empty());
        if self.service_tool == ServiceTool::Words && no_words {
            let what = "must name the words that hand over";
            return Err(
                BuildError::new("service_tool_words", what, "[\"转微信客服\"]")
                    .zh("应列出触发转接的话"),
            );
        }
        self.nudge.as_ref().map_or(Ok(()), NudgeConfig::validate)
    }
}

impl NudgeConfig {
    fn validate(&self) -> Result<(), BuildError> {
        let fault = |key: &str, what: &str, zh: &str, example: &str| {
            Err(BuildError::new(format!("nudge.{key}"), what, example).zh(zh))
        };
        if self.template.is_empty() || self.template.len() > 128 {
            return fault(
                "template",
                "must be the id of a subscription template",
                "应为订阅消息模板 ID",
                "tpl-id",
            );
        }
        if let Some(field) = self.fields.keys().find(|field| kind(field).is_none()) {
            return fault(
                &format!("fields.{field}"),
                "is no field of a template: a kind and a number",
                "不是模板字段：应为类型加编号",
                "thing2 = \"{summary}\"",
            );
        }
        if self.fields.is_empty() || self.fields.values().any(String::is_empty) {
            return fault(
                "fields",
                "must say what each field of the template says",
                "应写明模板的每个字段填什么",
                "{ name1 = \"{sender}\", thing2 = \"{summary}\", time3 = \"{time}\" }",
            );
        }
        if !(1..=20).contains(&self.most_per_hour) {
            return fault("most_per_hour", "must be 1 to 20", "应在 1 到 20 之间", "3");
        }
        match self.lang.as_str() {
            "zh_CN" | "en_US" | "zh_HK" | "zh_TW" => Ok(()),
            _ => fault(
                "lang",
                "must be zh_CN, en_US, zh_HK or zh_TW",
                "应为 zh_CN、en_US、zh_HK 或 zh_TW",
                "zh_CN",
            ),
        }
    }
}

/// A page's path as codes take it (WeChat: 4.7).
pub(super) fn is_page(page: &str) -> bool {
    (1..=128).contains(&page.len())
        && !page.starts_with('/')
        && page
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte))
}
