//! What `kefu-bridge check` tries on a real mini program: the token, the page that codes and subscription messages open, and
//! the subscription template with its fields.

use async_trait::async_trait;
use bridge_core::channel::{Bilingual, Check, Finding};

use super::{
    super::wechat_platform::{Console, bad, good},
    MiniApp,
    nudge::Nudge,
};

const CONSOLE: Console = Console {
    server: (
        "小程序后台「开发管理 → 开发设置 → 消息推送」",
        "the mini program's console (Development, Message push)",
    ),
    secret: (
        "小程序后台「开发管理 → 开发设置 → 开发者 ID」",
        "the mini program's console (Development, Developer ID)",
    ),
    allow_list: (
        "小程序后台「开发管理 → 开发设置 → IP 白名单」",
        "the mini program's allow-list",
    ),
};

#[async_trait]
impl Check for MiniApp {
    async fn check(&self) -> Vec<Finding> {
        let mut findings = self.account.findings(&CONSOLE).await;
        if findings.iter().all(|finding| finding.ok) {
            findings.push(self.page_found().await);
            if let Some(nudge) = &self.nudge {
                findings.push(self.template_found(nudge).await);
            }
        }
        findings
    }
}

impl MiniApp {
    async fn page_found(&self) -> Finding {
        let page = &self.config.page;
        match self.picture("check", page, true).await {
            Ok(_) => good(
                "page",
                &format!("页面 {page} 可以打开"),
                &format!("the page {page} can be opened"),
            ),
            Err(error) => Finding {
                mend: match error.code {
                    Some(41030) => Bilingual::new(
                        "发布含有该页面的版本，或把 edition 设为 trial，或改正 page",
                        "publish an edition with this page, set edition = \"trial\", or mend page",
                    ),
                    _ => error.advice.clone().unwrap_or_default(),
                },
                ..bad(
                    "page",
                    &format!("页面 {page} 打不开"),
                    &format!("the page {page} cannot be opened"),
                    &error,
                )
            },
        }
    }

    async fn template_found(&self, nudge: &Nudge) -> Finding {
        let id = &nudge.rules.topic;
        let templates = match self.templates().await {
            Ok(templates) => templates,
            Err(error) => {
                return bad(
                    "nudge.template",
                    "读不到订阅消息模板",
                    "the templates cannot be listed",
                    &error,
                );
            }
        };
        let Some((_, content)) = templates.iter().find(|(known, _)| known == id) else {
            return Finding {
                ok: false,
                key: "nudge.template",
                what: Bilingual::new(
                    format!("没有订阅消息模板 {id}"),
                    format!("there is no template {id}"),
                ),
                mend: Bilingual::new(
                    "在小程序后台「订阅消息 → 我的模板」中选用模板并复制模板 ID",
                    "choose a template under \"Subscription messages\" in the console and copy its id",
                ),
            };
        };
        let wanted: Vec<&str> = fields_of(content);
        let given: Vec<&str> = nudge.fields.iter().map(|(name, _)| name.as_str()).collect();
        let differs = wanted.iter().any(|name| !given.contains(name))
            || given.iter().any(|name| !wanted.contains(name));
        match differs {
            false => good(
                "nudge.template",
                "订阅消息模板可用",
                "the subscription template can be used",
            ),
            true => Finding {
                ok: false,
                key: "nudge.fields",
                what: Bilingual::new(
                    format!("模板的字段是 {}", wanted.join("、")),
                    format!("the template's fields are {}", wanted.join(", ")),
                ),
                mend: Bilingual::new(
                    "让 nudge.fields 与模板的字段一致",
                    "name exactly these in nudge.fields",
                ),
            },
        }
    }
}

/// The fields in a template's text: `客服：{{name1.DATA}}`.
fn fields_of(content: &str) -> Vec<&str> {
    let parts = content.split("{{").skip(1);
    parts
        .filter_map(|part| part.split_once(".DATA}}").map(|(name, _)| name))
        .collect()
}
