//! What `kefu-bridge check` tries on Dify: whether it is there, whether it takes the key, whether the key's app is of
//! the kind that the configuration says, and whether that app wants variables that are not sent.

use bridge_convertors::dify::{records, request};
use bridge_core::{
    bot::async_trait,
    channel::{Bilingual, Check, Finding},
};

use super::{Ai, client::Refusal, config::App};

#[async_trait]
impl Check for Ai {
    async fn check(&self) -> Vec<Finding> {
        let info = match self.dify.describe(request::INFO).await {
            Ok(body) => records::info(&body).unwrap_or_default(),
            Err(refusal) => return vec![refused(&refusal)],
        };
        let mut findings = vec![fine(&info.name)];
        findings.extend(self.mode(&info.mode));
        if let Ok(body) = self.dify.describe(request::PARAMETERS).await {
            findings.extend(self.variables(&body));
        }
        findings
    }
}

impl Ai {
    /// Old servers do not tell the mode; then there is nothing to compare.
    fn mode(&self, mode: &str) -> Option<Finding> {
        let fitting = match self.config.app {
            App::Chat => ["chat", "chat"],
            App::Agent => ["agent-chat", "agent"],
            App::Chatflow => ["advanced-chat", "advanced-chat"],
        };
        let wrong = !mode.is_empty() && !fitting.contains(&mode);
        wrong.then(|| Finding {
            ok: false,
            key: "app",
            what: Bilingual::new(
                format!("该密钥所属的 Dify 应用类型是 {mode}，与 app 的设置不符"),
                format!("the key's app is a \"{mode}\", which is not what app says"),
            ),
            mend: Bilingual::new(
                "把 app 改为 chat（聊天助手）、agent（Agent）或 chatflow（对话流），或换用对应应用的密钥",
                "set app to chat, agent or chatflow, or use the key of such an app",
            ),
        })
    }

    fn variables(&self, parameters: &[u8]) -> Option<Finding> {
        let missing: Vec<String> = records::required_inputs(parameters)
            .into_iter()
            .filter(|name| !self.config.inputs.contains_key(name))
            .collect();
        let names = missing.join(", ");
        (!missing.is_empty()).then(|| Finding {
            ok: false,
            key: "inputs",
            what: Bilingual::new(
                format!("该应用的必填变量没有给出：{names}"),
                format!("the app requires variables that are not given: {names}"),
            ),
            mend: Bilingual::new(
                format!(
                    "在 inputs 中加入它们，例如 inputs = {{ {} = \"{{inbox}}\" }}",
                    missing[0]
                ),
                format!(
                    "add them to inputs, e.g. inputs = {{ {} = \"{{inbox}}\" }}",
                    missing[0]
                ),
            ),
        })
    }
}

fn fine(name: &str) -> Finding {
    Finding {
        ok: true,
        key: "api_key",
        what: Bilingual::new(
            format!("Dify 接受该密钥，应用：{name}"),
            format!("Dify takes the key; the app is \"{name}\""),
        ),
        mend: Bilingual::default(),
    }
}

fn refused(refusal: &Refusal) -> Finding {
    let failure = &refusal.failure;
    let (key, mend) = match failure.status {
        401 => (
            "api_key",
            Bilingual::new(
                "在 Dify 应用的“访问 API”页面复制以 app- 开头的密钥",
                "copy the key that begins with app- from the app's \"API Access\" page",
            ),
        ),
        403 => (
            "api_key",
            Bilingual::new(
                "在 Dify 中启用该应用的 API 服务",
                "switch on the app's service API in Dify",
            ),
        ),
        404 => (
            "api_base",
            Bilingual::new("api_base 一般以 /v1 结尾", "api_base mostly ends in /v1"),
        ),
        _ => (
            "api_base",
            Bilingual::new(
                "确认地址可以从本机访问，并且 Dify 正在运行",
                "make sure that the address can be reached from here and that Dify runs",
            ),
        ),
    };
    Finding {
        ok: false,
        key,
        what: Bilingual::new(
            format!("Dify 没有接受请求：{failure}"),
            format!("Dify did not take the request: {failure}"),
        ),
        mend,
    }
}
