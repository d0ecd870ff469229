//! What `kefu-bridge check` tries on real KF accounts (WeCom: 3.0, 3.8).

use async_trait::async_trait;
use bridge_core::channel::{ChannelError, Check, Finding, Words};
use serde_json::{Value, json};

use super::Kf;

#[async_trait]
impl Check for Kf {
    async fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        match self.api.tokens.get().await {
            Ok(_) => findings.push(good(
                "secret",
                "已取得 access_token",
                "an access token was granted",
            )),
            Err(error) => {
                findings.push(bad(
                    key_of(&error),
                    "取不到 access_token",
                    "no access token",
                    &error,
                ));
                return findings;
            }
        }
        findings.extend(self.accounts_found().await);
        let url = &self.callback_url;
        findings.push(good(
            "token",
            &format!("企业微信后台「应用 → 接收消息 → 设置API接收」的 URL 应为 {url}"),
            &format!("the app's receive URL in the console must be {url}"),
        ));
        findings
    }
}

impl Kf {
    async fn accounts_found(&self) -> Vec<Finding> {
        let body = json!({ "offset": 0, "limit": 100 });
        let listed = match self.api.post("/cgi-bin/kf/account/list", &body).await {
            Ok(answer) => answer["account_list"]
                .as_array()
                .cloned()
                .unwrap_or_default(),
            Err(error) => {
                return vec![bad(
                    "accounts",
                    "读不到客服账号列表",
                    "the accounts cannot be listed",
                    &error,
                )];
            }
        };
        let mut findings = Vec::new();
        for account in &self.accounts {
            let found = listed
                .iter()
                .find(|one| one["open_kfid"] == account.as_str());
            findings.push(match found {
                None => Finding {
                    ok: false,
                    key: "accounts",
                    what: Words::new(
                        format!("客服账号 {account} 不在可管理的列表中"),
                        format!("{account} is not among the accounts this app may manage"),
                    ),
                    mend: Words::new(
                        "在「微信客服 → 客服账号 → 通过 API 管理」中把该账号交给本应用，并核对 open_kfid",
                        "put it under \"managed by API\" of this app, and check the open_kfid",
                    ),
                },
                Some(one) if one["manage_privilege"] == Value::Bool(false) => Finding {
                    ok: false,
                    key: "accounts",
                    what: Words::new(
                        format!("客服账号 {account} 没有交给本应用管理"),
                        format!("{account} is not managed by this app"),
                    ),
                    mend: Words::new(
                        "在「微信客服 → 可调用接口的应用」中选择本应用，并开启「通过 API 管理」",
                        "choose this app under \"apps that may call the API\" and switch on \"managed by API\"",
                    ),
                },
                Some(one) => {
                    let name = one["name"].as_str().unwrap_or_default();
                    let servicers = self.servicers(account).await;
                    good(
                        "accounts",
                        &format!("客服账号 {name}（{account}）可用，{servicers} 名接待人员"),
                        &format!("{name} ({account}) can be used, {servicers} servicers"),
                    )
                }
            });
        }
        findings
    }

    async fn servicers(&self, account: &str) -> usize {
        let request = |token: &str| {
            self.api
                .http
                .get(format!("{}/cgi-bin/kf/servicer/list", self.api.base))
                .query(&[("access_token", token), ("open_kfid", account)])
        };
        let answer = self.api.call(request).await.unwrap_or_default();
        answer["servicer_list"].as_array().map_or(0, Vec::len)
    }
}

fn good(key: &'static str, zh: &str, en: &str) -> Finding {
    Finding {
        ok: true,
        key,
        what: Words::new(zh, en),
        mend: Words::default(),
    }
}

fn bad(key: &'static str, zh: &str, en: &str, error: &ChannelError) -> Finding {
    let advice = error.advice.clone().unwrap_or_default();
    Finding {
        ok: false,
        key,
        what: Words::new(format!("{zh}：{error}"), format!("{en}: {error}")),
        mend: match error.code {
            Some(60020) => Words::new(
                "在应用详情页「企业可信 IP」中加入报错里的 IP，约 1 分钟后生效",
                "add the IP address named in the message to the app's trusted ones",
            ),
            Some(40001 | 40091) => Words::new(
                "使用「可调用微信客服接口的应用」自己的 Secret",
                "use the secret of the very app that may call the KF API",
            ),
            Some(_) => advice,
            None => Words::new(
                "检查网络、代理和 api_base",
                "check network, proxy and api_base",
            ),
        },
    }
}

fn key_of(error: &ChannelError) -> &'static str {
    match error.code {
        Some(40013) => "corp_id",
        Some(_) => "secret",
        None => "api_base",
    }
}
