//! The `[inboxes.NAME]` section of a WeCom app, and what can be wrong with it.

use std::collections::BTreeMap;

use bridge_convertors::wechat::crypto::AesKey;
use bridge_core::{plugin::BuildError, secret::Secret};

use super::super::account::{check_api_base, check_text_bytes};

/// 企业微信自建应用 / a self-built app of WeCom.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// 企业 ID，形如 ww0123456789abcdef / the corp's id.
    pub corp_id: String,
    /// 应用的 AgentId，数字 / the app's id, a number.
    pub agent_id: u64,
    /// 应用的 Secret / the app's secret.
    pub secret: Secret,
    /// 接收消息服务器的 Token / the token of the receive URL.
    pub token: Secret,
    /// 接收消息服务器的 EncodingAESKey，43 位 / the key of the receive URL.
    pub encoding_aes_key: Secret,
    /// 轮换密钥时的上一个 EncodingAESKey / the key before, accepted while keys are rotated.
    #[serde(default)]
    pub previous_encoding_aes_key: Secret,
    /// 接口地址 / where the API is.
    #[serde(default = "api_base")]
    pub api_base: String,
    /// 单条文本的最大字节数 / longest text of one message, in bytes (the platform takes 2048).
    #[serde(default = "text_bytes")]
    pub text_bytes: usize,
    /// 是否以 Markdown 发送（仅企业微信客户端能显示，微信插件不能）/ whether Markdown is sent as such; only the WeCom client
    /// renders it, the WeChat plug-in does not.
    #[serde(default)]
    pub markdown: bool,
    /// 群机器人：名字 = Webhook 地址中 key= 后面的部分 / group robots by a name of yours; each is what follows key= in its webhook
    /// address.
    #[serde(default)]
    pub robots: BTreeMap<String, Secret>,
    /// 客户在企业微信中添加成员为联系人时自动发送的欢迎语（留空则不发送；企业微信后台配置了欢迎语时由后台发送）/ said to a
    /// customer who has just added a member as a contact; empty: nothing. A welcome that is set up in the console comes first.
    #[serde(default)]
    pub welcome: String,
    /// 每分钟最多给一位成员发多少条：平台超过 30 条会静默丢弃 / how many messages one member may get in a minute; beyond 30
    /// the platform drops them without a word.
    #[serde(default = "member_rate")]
    pub member_rate: u32,
}

/// The longest welcome, in bytes (WeCom: 4.5).
const WELCOME: usize = 4000;

fn api_base() -> String {
    "https://qyapi.weixin.qq.com".to_owned()
}

fn text_bytes() -> usize {
    2000
}

fn member_rate() -> u32 {
    28
}

impl Config {
    /// What is wrong with it; or its keys, the present one first.
    pub(super) fn validate(&self) -> Result<Vec<AesKey>, BuildError> {
        let wrong = |key: &str, what: &str, example: &str, zh: &str| {
            Err(BuildError::new(key, what, example).zh(zh))
        };
        let id = self.corp_id.as_str();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !(4..=64).contains(&id.len()) || !id.bytes().all(plain) {
            return wrong(
                "corp_id",
                "is not a corp's id",
                "ww0123456789abcdef",
                "不是有效的企业 ID",
            );
        }
        if self.agent_id == 0 {
            return wrong(
                "agent_id",
                "is missing: the console shows it beside the app",
                "1000002",
                "未填写：应用详情页的 AgentId",
            );
        }
        if self.secret.is_empty() {
            return wrong("secret", "is missing", "${WECOM_SECRET}", "缺少 Secret");
        }
        let token = self.token.expose();
        if !(1..=32).contains(&token.len())
            || !token.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return wrong(
                "token",
                "must be 1 to 32 letters or digits",
                "callbacktoken",
                "应为 1 到 32 位字母或数字",
            );
        }
        check_text_bytes(self.text_bytes)?;
        if !(2..=30).contains(&self.member_rate) {
            return wrong("member_rate", "must be 2 to 30", "28", "应在 2 到 30 之间");
        }
        check_api_base(&self.api_base, "https://qyapi.weixin.qq.com")?;
        if self.welcome.len() > WELCOME {
            return wrong(
                "welcome",
                "is longer than 4000 bytes",
                "您好，很高兴为您服务",
                "超过 4000 字节",
            );
        }
        let key = |key: &Secret| {
            let key = key.expose();
            (8..=128).contains(&key.len()) && key.bytes().all(plain)
        };
        if let Some(name) = self.robots.iter().find(|(_, secret)| !key(secret)) {
            return wrong(
                &format!("robots.{}", name.0),
                "is not what follows key= in a robot's webhook address",
                "693a1c6f-7a0c-4bc4-97a0-0ec2f1fa5a3b",
                "应为群机器人 Webhook 地址中 key= 后面的部分",
            );
        }
        self.keys()
    }

    fn keys(&self) -> Result<Vec<AesKey>, BuildError> {
        let given = [
            ("encoding_aes_key", &self.encoding_aes_key),
            ("previous_encoding_aes_key", &self.previous_encoding_aes_key),
        ];
        let what = "must be the 43 letters and digits shown beside the token";
        let malformed = |key: &str| {
            BuildError::new(key, what, "43 characters of a-z, A-Z, 0-9")
                .zh("应为后台显示的 43 位字母或数字")
        };
        given
            .into_iter()
            .filter(|(name, key)| *name == "encoding_aes_key" || !key.is_empty())
            .map(|(name, key)| AesKey::parse(key.expose()).map_err(|_| malformed(name)))
            .collect()
    }
}
