//! What every account's section has, and what can be wrong with it.

use bridge_convertors::wechat::crypto::AesKey;
use bridge_core::{plugin::BuildError, secret::Secret};

use super::{
    super::account::{check_api_base, check_text_bytes},
    Push,
};

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

/// What names an account and proves both sides to one another.
#[derive(Clone, Copy)]
pub(in super::super) struct Credentials<'a> {
    pub(in super::super) app_id: &'a str,
    pub(in super::super) app_secret: &'a Secret,
    pub(in super::super) token: &'a Secret,
    pub(in super::super) encoding_aes_key: &'a Secret,
    pub(in super::super) previous_encoding_aes_key: &'a Secret,
    pub(in super::super) mode: Mode,
    pub(in super::super) api_base: &'a str,
    pub(in super::super) text_bytes: usize,
}

impl Credentials<'_> {
    /// What is wrong; or the push they protect.
    pub(super) fn validate(&self) -> Result<Push, BuildError> {
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
        check_text_bytes(self.text_bytes)?;
        check_api_base(self.api_base, "https://api.weixin.qq.com")?;
        Ok(Push {
            app_id: self.app_id.to_owned(),
            token: self.token.clone(),
            mode: self.mode,
            keys: self.keys()?,
        })
    }

    /// The present key first.
    fn keys(&self) -> Result<Vec<AesKey>, BuildError> {
        if self.mode != Mode::Plain && self.encoding_aes_key.is_empty() {
            return Err(malformed("encoding_aes_key"));
        }
        let given = [
            ("encoding_aes_key", self.encoding_aes_key),
            ("previous_encoding_aes_key", self.previous_encoding_aes_key),
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
    .zh("应为公众平台后台显示的 43 位字母或数字")
}
