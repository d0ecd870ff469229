//! The `[inboxes.NAME]` section of an official account.

use bridge_core::{channel::Allowance, message::Trigger, secret::Secret};

use super::super::wechat_platform::{Credentials, Mode};

/// 微信公众号 / a WeChat official account.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// AppID，形如 wx0123456789abcdef / the account's app id.
    pub app_id: String,
    /// AppSecret / the account's app secret.
    pub app_secret: Secret,
    /// 消息推送的 Token，3 到 32 位字母或数字 / the token of the message push.
    pub token: Secret,
    /// 消息推送的 EncodingAESKey，43 位；明文模式可以不填 / the key of the message push; not needed in plain mode.
    #[serde(default)]
    pub encoding_aes_key: Secret,
    /// 轮换密钥时的上一个 EncodingAESKey / the key before, accepted while keys are rotated.
    #[serde(default)]
    pub previous_encoding_aes_key: Secret,
    /// 消息加解密方式 / how the push is encrypted.
    #[serde(default)]
    pub mode: Mode,
    /// 公众号已绑定微信开放平台，向平台查询 UnionID，把同一客户在其他渠道的会话认作一人 / the account is bound to an open-platform
    /// account: asks for unionids, by which contacts on other channels are known to be the same person.
    #[serde(default)]
    pub unionid: bool,
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
        allowance(Trigger::Click, 3, 60),
        allowance(Trigger::Follow, 3, 60),
        allowance(Trigger::Scan, 3, 60),
    ]
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
}
