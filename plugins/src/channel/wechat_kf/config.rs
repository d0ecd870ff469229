//! The `[inboxes.NAME]` section of WeChat KF, and what can be wrong with it.

use bridge_convertors::wechat::crypto::AesKey;
use bridge_core::{
    channel::Allowance, message::Trigger, plugin::BuildError, secret::Secret, settings::Span,
};

use super::super::account::{check_api_base, check_text_bytes};

/// 微信客服 / WeChat KF.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// 企业 ID，形如 ww0123456789abcdef / the corp's id.
    pub corp_id: String,
    /// 可调用微信客服接口的自建应用的 Secret / the secret of the app that may call the KF API.
    pub secret: Secret,
    /// 接收消息服务器的 Token / the token of the receive URL.
    pub token: Secret,
    /// 接收消息服务器的 EncodingAESKey，43 位 / the key of the receive URL.
    pub encoding_aes_key: Secret,
    /// 轮换密钥时的上一个 EncodingAESKey / the key before, accepted while keys are rotated.
    #[serde(default)]
    pub previous_encoding_aes_key: Secret,
    /// 由 API 管理的客服账号，形如 wk… / the KF accounts that are managed by API.
    pub accounts: Vec<String>,
    /// 谁来接待：desk 由坐席在本系统的工作台接待；servicers 由企业微信自己的接待人员在企业微信中接待 / who serves: agents at the
    /// bridge's own desk, or WeCom's own servicers in the WeCom client.
    #[serde(default)]
    pub mode: Mode,
    /// 接口地址 / where the API is.
    #[serde(default = "api_base")]
    pub api_base: String,
    /// 首次启动时，早于启动时刻这么久的消息不再处理 / at the very first start, messages older than this are passed over.
    #[serde(default = "first_look_back")]
    pub first_look_back: Span,
    /// 没有回调时多久主动拉取一次 / how often it is pulled without being told to.
    #[serde(default = "pull_every")]
    pub pull_every: Span,
    /// 单条文本的最大字节数 / longest text of one message, in bytes (the platform takes 2048).
    #[serde(default = "text_bytes")]
    pub text_bytes: usize,
    /// 下发额度 / how many messages may be sent after what (WeCom: 3.5; the numbers may change).
    #[serde(default = "allowances")]
    #[schemars(with = "serde_json::Value")]
    pub allowances: Vec<Allowance>,
}

/// Who serves the customers of a KF account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Agents at the bridge's own desk; to the platform the bridge is the API assistant.
    #[default]
    Desk,
    /// WeCom's own servicers, in the WeCom client. An agent with `inbox` naming this inbox is the servicer `user_id`; the
    /// `user_id` `*` stands for whoever of them takes a customer from the pool.
    Servicers,
}

fn api_base() -> String {
    "https://qyapi.weixin.qq.com".to_owned()
}

fn first_look_back() -> Span {
    Span::secs(600)
}

fn pull_every() -> Span {
    Span::secs(60)
}

fn text_bytes() -> usize {
    2000
}

fn allowances() -> Vec<Allowance> {
    vec![Allowance {
        trigger: Trigger::Message,
        count: 5,
        seconds: 48 * 3600,
    }]
}

impl Config {
    /// What is wrong with it; or its keys, the present one first.
    pub(super) fn validate(&self) -> Result<Vec<AesKey>, BuildError> {
        let id = |text: &str, least: usize| {
            (least..=64).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if !id(&self.corp_id, 4) {
            let fault = BuildError::new("corp_id", "is not a corp's id", "ww0123456789abcdef");
            return Err(fault.zh("不是有效的企业 ID"));
        }
        if self.secret.is_empty() {
            let fault = BuildError::new("secret", "is missing", "${WECOM_SECRET}");
            return Err(fault.zh("缺少 Secret"));
        }
        let token = self.token.expose();
        if !(1..=32).contains(&token.len())
            || !token.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            let fault = BuildError::new(
                "token",
                "must be 1 to 32 letters or digits",
                "callbacktoken",
            );
            return Err(fault.zh("应为 1 到 32 位字母或数字"));
        }
        if self.accounts.is_empty() || !self.accounts.iter().all(|account| id(account, 2)) {
            let fault = BuildError::new(
                "accounts",
                "must name the KF accounts (open_kfid)",
                "[\"wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q\"]",
            );
            return Err(fault.zh("应列出客服账号 ID（open_kfid）"));
        }
        check_text_bytes(self.text_bytes)?;
        check_api_base(&self.api_base, &api_base())?;
        if self.pull_every.0.as_secs() < 1 {
            let fault = BuildError::new("pull_every", "must be 1s or more", "60s");
            return Err(fault.zh("应不少于 1s"));
        }
        let given = [
            ("encoding_aes_key", &self.encoding_aes_key),
            ("previous_encoding_aes_key", &self.previous_encoding_aes_key),
        ];
        let keys = given
            .into_iter()
            .filter(|(name, key)| *name == "encoding_aes_key" || !key.is_empty())
            .map(|(name, key)| AesKey::parse(key.expose()).map_err(|_| malformed(name)));
        keys.collect()
    }
}

fn malformed(key: &str) -> BuildError {
    let what = "must be the 43 letters and digits shown beside the token";
    BuildError::new(key, what, "43 characters of a-z, A-Z, 0-9")
        .zh("应为后台显示的 43 位字母或数字")
}
