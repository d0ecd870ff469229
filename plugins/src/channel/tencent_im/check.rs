//! What `kefu-bridge check` tries: whether we are let in, whether the administrator is one, whether presence can be
//! asked for, and what of the configuration is better not left as it is.

use async_trait::async_trait;
use bridge_convertors::tencent_im::error_table;
use bridge_convertors::tencent_im::rest::{AccountCheck, CheckItem, QueryOnlineStatus};
use bridge_core::channel::{Bilingual, Check, Finding};

use super::TencentIm;
use super::api::CallError;

#[async_trait]
impl Check for TencentIm {
    async fn check(&self) -> Vec<Finding> {
        let admitted = self.admitted().await;
        let mut findings = vec![admitted];
        if findings[0].ok {
            findings.push(self.presence_is_on().await);
        }
        findings.extend(self.api.clock_finding().await);
        findings.push(self.callbacks_are_signed());
        findings
    }
}

impl TencentIm {
    async fn admitted(&self) -> Finding {
        let check = AccountCheck {
            check_item: vec![CheckItem {
                user_id: &self.config.admin,
            }],
        };
        match self.api.call(&check, |_| ()).await {
            Ok(()) => fine(
                "secret_key",
                "腾讯云 IM 登录成功",
                "signed in to Tencent IM",
            ),
            Err(error) => failed("api_base", &error),
        }
    }

    async fn presence_is_on(&self) -> Finding {
        let query = QueryOnlineStatus {
            accounts: vec![&self.config.admin],
        };
        match self.api.call(&query, |_| ()).await {
            Ok(()) => fine(
                "sdk_app_id",
                "可以查询在线状态",
                "online status can be asked for",
            ),
            Err(error) => failed("sdk_app_id", &error),
        }
    }

    fn callbacks_are_signed(&self) -> Finding {
        let url = &self.callback_url;
        if self.config.callback_token.is_empty() {
            return Finding {
                ok: false,
                key: "callback_token",
                what: Bilingual::new(
                    "回调未启用鉴权，知道地址的人都能冒充客服",
                    "callbacks are not signed: anybody who knows the URL can speak for an agent",
                ),
                mend: Bilingual::new(
                    "在控制台“回调配置”开启鉴权，并把 Token 填入 callback_token",
                    "switch authentication on in the console's callback configuration and put its token into callback_token",
                ),
            };
        }
        fine(
            "callback_token",
            format!("回调地址：{url}"),
            format!("callback URL: {url}"),
        )
    }
}

fn fine(key: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Finding {
    Finding {
        ok: true,
        key,
        what: Bilingual::new(zh, en),
        mend: Bilingual::default(),
    }
}

/// Which setting a failed call points to; `key` where the error does not say.
fn failed(key: &'static str, error: &CallError) -> Finding {
    let (key, what) = match error {
        CallError::Refused(refusal) => {
            let code = refusal.code;
            let (zh, en) = error_table::advice(code)
                .unwrap_or(("腾讯云 IM 拒绝了请求", "Tencent IM refused the request"));
            (
                at_fault(code, key),
                Bilingual::new(
                    format!("{zh}（{code}）"),
                    format!("{en} ({code}: {})", refusal.info),
                ),
            )
        }
        CallError::NotSent(detail) | CallError::Unclear(detail) => (
            "api_base",
            Bilingual::new(
                format!("无法访问腾讯云 IM：{detail}"),
                format!("Tencent IM is out of reach: {detail}"),
            ),
        ),
        CallError::Busy(busy) => (
            "api_rate",
            Bilingual::new(
                format!("调用频率已用满：{busy}"),
                format!("no call may be made now: {busy}"),
            ),
        ),
    };
    Finding {
        ok: false,
        key,
        what,
        mend: mend(key),
    }
}

fn at_fault(code: i64, otherwise: &'static str) -> &'static str {
    match code {
        70001..=70005 | 70009 => "secret_key",
        60010 | 70013 | 90009 | 70403 => "admin",
        60006 | 60012 | 70014 | 70016 | 72001 => "sdk_app_id",
        60009 | 70020 => "api_base",
        _ => otherwise,
    }
}

fn mend(key: &str) -> Bilingual {
    match key {
        "secret_key" => Bilingual::new(
            "在控制台“应用管理 - 基本信息”核对密钥，并检查本机时钟",
            "compare the key with the console (Application > Basic information), and check this machine's clock",
        ),
        "admin" => Bilingual::new(
            "在控制台“账号管理”确认该账号类型为管理员",
            "make the account an administrator in the console",
        ),
        "api_rate" => Bilingual::new(
            "稍后再试，或按应用的配额调高 api_rate",
            "try again later, or raise api_rate to what the application is allowed",
        ),
        "sdk_app_id" => Bilingual::new(
            "在控制台核对 SDKAppID 与功能开关",
            "compare the SDKAppID and the switches with the console",
        ),
        _ => Bilingual::new(
            "确认 api_base 是应用所在地域的域名，且网络可达",
            "use the host of the application's region and see that it can be reached",
        ),
    }
}
