//! The `[inboxes.NAME]` section of an official account, and what can be wrong with it.

use bridge_convertors::wechat::crypto::AesKey;
use bridge_core::{channel::Allowance, message::Trigger, plugin::BuildError, secret::Secret};

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

/// How the push is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// 明文模式 / in clear.
    Plain,
    /// 兼容模式 / both; the encrypted part is what counts.
    Compatible,
    /// 安全模式 / encrypted; anything in clear is refused.
    #[default]
    Safe,
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
    /// What is wrong with it; or its keys, the present one first.
    pub(super) fn validate(&self) -> Result<Vec<AesKey>, BuildError> {
        let app_id = self.app_id.strip_prefix("wx").unwrap_or_default();
        if app_id.len() != 16 || !app_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let fault = BuildError::new(
                "app_id",
                "is not an app id: wx and 16 letters or digits",
                "wx0123456789abcdef",
            );
            return Err(fault.zh("不是有效的 AppID：应为 wx 加 16 位字母或数字"));
        }
        let token = self.token.expose();
        if !(3..=32).contains(&token.len())
            || !token.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            let fault = BuildError::new(
                "token",
                "must be 3 to 32 letters or digits",
                "callbacktoken",
            );
            return Err(fault.zh("应为 3 到 32 位字母或数字"));
        }
        if self.app_secret.is_empty() {
            let fault = BuildError::new("app_secret", "is missing", "${WECHAT_SECRET}");
            return Err(fault.zh("缺少 AppSecret"));
        }
        if !(64..=2048).contains(&self.text_bytes) {
            let fault = BuildError::new("text_bytes", "must be 64 to 2048", "2000");
            return Err(fault.zh("应在 64 到 2048 之间"));
        }
        if !self.api_base.starts_with("http://") && !self.api_base.starts_with("https://") {
            let fault = BuildError::new(
                "api_base",
                "must begin with https:// or http://",
                "https://api.weixin.qq.com",
            );
            return Err(fault.zh("应以 https:// 或 http:// 开头"));
        }
        self.keys()
    }

    fn keys(&self) -> Result<Vec<AesKey>, BuildError> {
        if self.mode != Mode::Plain && self.encoding_aes_key.is_empty() {
            return Err(malformed("encoding_aes_key"));
        }
        let given = [
            ("encoding_aes_key", &self.encoding_aes_key),
            ("previous_encoding_aes_key", &self.previous_encoding_aes_key),
        ];
        given
            .into_iter()
            .filter(|(_, key)| !key.is_empty())
            .map(|(name, key)| AesKey::parse(key.expose()).map_err(|_| malformed(name)))
            .collect()
    }
}

fn malformed(key: &str) -> BuildError {
    BuildError::new(
        key,
        "must be the 43 letters and digits shown beside the token",
        "43 characters of a-z, A-Z, 0-9",
    )
    .zh("应为公众号后台显示的 43 位字母或数字")
}
