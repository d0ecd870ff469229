//! What `kefu-bridge check` tries on a real app (WeCom: 5.1, 5.2).

use async_trait::async_trait;
use bridge_core::channel::{Bilingual, ChannelError, Check, Finding};
use serde_json::Value;

use super::Wecom;

#[async_trait]
impl Check for Wecom {
    async fn check(&self) -> Vec<Finding> {
        let mut findings = vec![self.token_found().await];
        if findings.iter().all(|finding| finding.ok) {
            findings.push(self.app_found().await);
        }
        findings.extend(self.api.clock_finding().await);
        let url = &self.callback_url;
        findings.push(good(
            "token",
            &format!("企业微信后台「应用管理 → 本应用 → 接收消息 → 设置API接收」的 URL 应为 {url}"),
            &format!("the app's receive URL in the console must be {url}"),
        ));
        findings
    }
}

impl Wecom {
    async fn token_found(&self) -> Finding {
        match self.api.tokens.get().await {
            Ok(_) => good(
                "secret",
                "已取得 access_token",
                "an access token was granted",
            ),
            Err(error) => {
                let key = match error.code {
                    Some(40013) => "corp_id",
                    Some(_) => "secret",
                    None => "api_base",
                };
                bad(key, "取不到 access_token", "no access token", &error)
            }
        }
    }

    /// `agent/get` needs a trusted address, the right agent id, and tells whether the app is on and who sees it.
    async fn app_found(&self) -> Finding {
        let id = self.config.agent_id.to_string();
        let app = match self
            .api
            .get("/cgi-bin/agent/get", &[("agentid", &id)])
            .await
        {
            Ok(app) => app,
            Err(error) => {
                return bad(
                    "agent_id",
                    "读不到应用信息",
                    "the app cannot be read",
                    &error,
                );
            }
        };
        let name = app["name"].as_str().unwrap_or_default();
        if app["close"].as_i64() == Some(1) {
            return Finding {
                ok: false,
                key: "agent_id",
                what: Bilingual::new(
                    format!("应用 {name} 已停用"),
                    format!("the app {name} is disabled"),
                ),
                mend: Bilingual::new("在企业微信后台启用该应用", "enable it in the console"),
            };
        }
        if !seen_by_anybody(&app) {
            return Finding {
                ok: false,
                key: "agent_id",
                what: Bilingual::new(
                    format!("应用 {name} 的可见范围为空"),
                    format!("nobody is within the visible range of {name}"),
                ),
                mend: Bilingual::new(
                    "在应用详情页「可见范围」中加入客服成员或部门",
                    "add the agents or their department to the app's visible range",
                ),
            };
        }
        good(
            "agent_id",
            &format!("应用 {name} 可用，服务器 IP 可信"),
            &format!("{name} can be used, and this server's address is trusted"),
        )
    }
}

/// An answer that says nothing of the range is taken for good.
fn seen_by_anybody(app: &Value) -> bool {
    let lists = [
        &app["allow_userinfos"]["user"],
        &app["allow_partys"]["partyid"],
        &app["allow_tags"]["tagid"],
    ];
    let mut known = lists.iter().filter_map(|list| list.as_array()).peekable();
    known.peek().is_none() || known.any(|list| !list.is_empty())
}

fn good(key: &'static str, zh: &str, en: &str) -> Finding {
    Finding {
        ok: true,
        key,
        what: Bilingual::new(zh, en),
        mend: Bilingual::default(),
    }
}

fn bad(key: &'static str, zh: &str, en: &str, error: &ChannelError) -> Finding {
    let advice = error.advice.clone().unwrap_or_default();
    Finding {
        ok: false,
        key,
        what: Bilingual::new(format!("{zh}：{error}"), format!("{en}: {error}")),
        mend: match error.code {
            Some(60020) => Bilingual::new(
                "在应用详情页「企业可信 IP」中加入报错里的 IP，约 1 分钟后生效",
                "add the IP address named in the message to the app's trusted ones",
            ),
            Some(40001 | 40091) => Bilingual::new(
                "使用本应用详情页里的 Secret，不要用通讯录或其他应用的",
                "use this very app's secret, not the address book's or another app's",
            ),
            Some(40013) => Bilingual::new(
                "在「我的企业 → 企业信息」底部核对企业 ID",
                "compare the corp id at the bottom of the corp's page",
            ),
            Some(40056 | 301002) => Bilingual::new(
                "核对应用详情页的 AgentId 与 Secret 是否属于同一个应用",
                "agent id and secret must be of the same app",
            ),
            Some(_) if !advice.zh.is_empty() => advice,
            Some(_) => Bilingual::new(
                "按错误码查阅企业微信文档",
                "look the code up in WeCom's documents",
            ),
            None => Bilingual::new(
                "检查网络、代理和 api_base",
                "check network, proxy and api_base",
            ),
        },
    }
}
