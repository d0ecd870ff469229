//! What `kefu-bridge check` tries on a real account.

use async_trait::async_trait;
use bridge_core::channel::{Check, Finding, Words};

use super::WeChat;

#[async_trait]
impl Check for WeChat {
    async fn check(&self) -> Vec<Finding> {
        let token = match self.api.tokens.get().await {
            Ok(_) => Finding {
                ok: true,
                key: "app_secret",
                what: Words::new("已取得 access_token", "an access token was granted"),
                mend: Words::default(),
            },
            Err(error) => {
                let advice = error.advice.clone().unwrap_or_default();
                Finding {
                    ok: false,
                    key: key_of(error.code),
                    what: Words::new(
                        format!("取不到 access_token：{error} {}", advice.zh),
                        format!("no access token: {error} {}", advice.en),
                    ),
                    mend: mend(error.code, &error.detail),
                }
            }
        };
        let callback = Finding {
            ok: true,
            key: "token",
            what: Words::new(
                format!(
                    "公众号后台「设置与开发 → 基本配置」中的服务器地址应为 {}",
                    self.callback_url
                ),
                format!(
                    "the server URL in the account's console must be {}",
                    self.callback_url
                ),
            ),
            mend: Words::default(),
        };
        vec![token, callback]
    }
}

fn key_of(code: Option<i64>) -> &'static str {
    match code {
        Some(40013) => "app_id",
        Some(_) => "app_secret",
        None => "api_base",
    }
}

fn mend(code: Option<i64>, detail: &str) -> Words {
    match code {
        Some(40164 | 89501 | 89503 | 89506 | 89507) => Words::new(
            format!("在公众号后台「基本配置 → IP 白名单」加入报错中的 IP：{detail}"),
            format!(
                "add the IP address named in the message to the account's allow-list: {detail}"
            ),
        ),
        Some(40001 | 40125 | 41004) => Words::new(
            "在公众号后台重置 AppSecret 并更新配置",
            "reset the app secret in the console and update the setting",
        ),
        Some(40013) => Words::new("检查 AppID 是否抄写正确", "check the app id"),
        Some(40243) => Words::new(
            "在公众号后台解冻 AppSecret",
            "unfreeze the app secret in the console",
        ),
        Some(_) => Words::new(
            "按错误码查阅微信文档",
            "look the code up in WeChat's documents",
        ),
        None => Words::new(
            "检查网络、代理和 api_base",
            "check network, proxy and api_base",
        ),
    }
}
