//! What `kefu-bridge check` tries on a real account, whichever kind it is.

use bridge_core::channel::{Bilingual, ChannelError, Finding};

use super::Account;

/// Where in its console an account is set up: what people have to click.
pub(in super::super) struct Console {
    /// Where the server URL is set, in Chinese and English.
    pub(in super::super) server: (&'static str, &'static str),
    /// Where the app secret is.
    pub(in super::super) secret: (&'static str, &'static str),
    /// Where IP addresses are allowed.
    pub(in super::super) allow_list: (&'static str, &'static str),
}

impl Account {
    /// The token, the clock, and the URL that has to be in the console.
    pub(in super::super) async fn findings(&self, console: &Console) -> Vec<Finding> {
        let mut findings = vec![self.token(console).await];
        findings.extend(self.api.clock_finding().await);
        findings.push(self.callback(console));
        findings
    }

    async fn token(&self, console: &Console) -> Finding {
        match self.api.tokens.get().await {
            Ok(_) => good(
                "app_secret",
                "已取得 access_token",
                "an access token was granted",
            ),
            Err(error) => Finding {
                mend: mend(console, &error),
                ..bad(
                    key_of(&error),
                    "取不到 access_token",
                    "no access token",
                    &error,
                )
            },
        }
    }

    fn callback(&self, console: &Console) -> Finding {
        let (url, (zh, en)) = (&self.callback_url, console.server);
        good(
            "token",
            &format!("{zh}中的服务器地址应为 {url}"),
            &format!("the server URL in {en} must be {url}"),
        )
    }
}

/// All is well.
pub(in super::super) fn good(key: &'static str, zh: &str, en: &str) -> Finding {
    Finding {
        ok: true,
        key,
        what: Bilingual::new(zh, en),
        mend: Bilingual::default(),
    }
}

/// The platform said no, or could not be asked; how to mend it is what the code's advice says.
pub(in super::super) fn bad(
    key: &'static str,
    zh: &str,
    en: &str,
    error: &ChannelError,
) -> Finding {
    Finding {
        ok: false,
        key,
        what: Bilingual::new(format!("{zh}：{error}"), format!("{en}: {error}")),
        mend: error.advice.clone().unwrap_or_default(),
    }
}

fn key_of(error: &ChannelError) -> &'static str {
    match error.code {
        Some(40013) => "app_id",
        Some(_) => "app_secret",
        None => "api_base",
    }
}

fn mend(console: &Console, error: &ChannelError) -> Bilingual {
    let detail = &error.detail;
    match error.code {
        Some(40164 | 89501 | 89503 | 89506 | 89507) => Bilingual::new(
            format!("在{}加入报错中的 IP：{detail}", console.allow_list.0),
            format!(
                "add the IP address named in the message in {}: {detail}",
                console.allow_list.1
            ),
        ),
        Some(40001 | 40125 | 41004) => Bilingual::new(
            format!("在{}重置 AppSecret 并更新配置", console.secret.0),
            format!(
                "reset the app secret in {} and update the setting",
                console.secret.1
            ),
        ),
        Some(40013) => Bilingual::new("检查 AppID 是否抄写正确", "check the app id"),
        Some(40243) => Bilingual::new(
            format!("在{}解冻 AppSecret", console.secret.0),
            format!("unfreeze the app secret in {}", console.secret.1),
        ),
        Some(_) => Bilingual::new(
            "按错误码查阅微信文档",
            "look the code up in WeChat's documents",
        ),
        None => Bilingual::new(
            "检查网络、代理和 api_base",
            "check network, proxy and api_base",
        ),
    }
}
