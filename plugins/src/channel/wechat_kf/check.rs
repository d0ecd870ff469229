//! What `kefu-bridge check` tries on real KF accounts (WeCom: 3.0, 3.8): the clock, the secret and the trusted IP address, each
//! account's state, who serves, whether messages can be fetched, and what the console has to say.

use async_trait::async_trait;
use bridge_core::channel::{Bilingual, ChannelError, Check, Finding};
use serde_json::{Value, json};

use super::{Kf, config::Mode, servicers::Servicer};

/// Accounts of one page of the list (WeCom: 3.8), and pages at most.
const PAGE: usize = 100;
const PAGES: usize = 50;
/// Servicers or accounts named in one line.
const NAMED: usize = 10;

#[async_trait]
impl Check for Kf {
    async fn check(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        findings.extend(self.api.clock_finding().await);
        match self.api.tokens.get().await {
            Ok(_) => findings.push(good(
                "secret",
                "已取得 access_token",
                "an access token was granted",
            )),
            Err(error) => {
                let (zh, en) = ("取不到 access_token", "no access token");
                findings.push(bad(key_of(&error), zh, en, &error));
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
        let listed = match self.listed().await {
            Ok(listed) => listed,
            Err(error) => {
                let (zh, en) = ("读不到客服账号列表", "the accounts cannot be listed");
                return vec![bad("accounts", zh, en, &error)];
            }
        };
        let mut findings = Vec::new();
        for account in &self.accounts {
            let found = listed
                .iter()
                .find(|one| one["open_kfid"] == account.as_str());
            match found {
                Some(one) if one["manage_privilege"] != Value::Bool(false) => {
                    let name = one["name"].as_str().unwrap_or_default();
                    findings.push(good(
                        "accounts",
                        &format!("客服账号 {name}（{account}）由本应用管理"),
                        &format!("{name} ({account}) is managed by this app"),
                    ));
                    findings.push(self.fetching(account).await);
                    findings.push(self.serving_found(account).await);
                }
                found => findings.push(unmanaged(account, found.is_some(), &listed)),
            }
        }
        findings
    }

    /// Every account of the corp that the app sees.
    async fn listed(&self) -> Result<Vec<Value>, ChannelError> {
        let mut all = Vec::new();
        for page in 0..PAGES {
            let body = json!({ "offset": page * PAGE, "limit": PAGE });
            let answer = self.api.post("/cgi-bin/kf/account/list", &body).await?;
            let some = answer["account_list"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let last = some.len() < PAGE;
            all.extend(some);
            if last {
                break;
            }
        }
        Ok(all)
    }

    /// Whether messages can be fetched. Reading moves nothing: the cursor is ours.
    async fn fetching(&self, account: &str) -> Finding {
        let body = json!({ "open_kfid": account, "limit": 1 });
        match self.api.post("/cgi-bin/kf/sync_msg", &body).await {
            Ok(_) => good(
                "accounts",
                &format!("{account} 可以读取消息"),
                &format!("messages of {account} can be fetched"),
            ),
            Err(error) => {
                let (zh, en) = (
                    format!("{account} 读不到消息"),
                    format!("messages of {account} cannot be fetched"),
                );
                bad("accounts", &zh, &en, &error)
            }
        }
    }

    /// Who serves in WeCom, and whether that fits the mode.
    async fn serving_found(&self, account: &str) -> Finding {
        let servicers = match self.servicers(account).await {
            Ok(servicers) => servicers,
            Err(error) => {
                let (zh, en) = ("读不到接待人员列表", "the servicers cannot be listed");
                return bad("mode", zh, en, &error);
            }
        };
        let listed = listed_words(&servicers);
        let serving = servicers.iter().any(|one| match one {
            Servicer::Person { serving, .. } => *serving,
            Servicer::Department(_) => true,
        });
        match (self.config.mode, serving) {
            (Mode::Servicers, false) => Finding {
                ok: false,
                key: "mode",
                what: Bilingual::new(
                    format!("{account} 没有正在接待的接待人员：{}", listed.zh),
                    format!("nobody is serving at {account}: {}", listed.en),
                ),
                mend: Bilingual::new(
                    "在「微信客服 → 客服账号 → 接待人员」中添加，并让其在企业微信中开启接待",
                    "add servicers under \"KF account → servicers\", and have them switch serving on in WeCom",
                ),
            },
            (Mode::Servicers, true) => good(
                "mode",
                &format!("{account} 的接待人员：{}", listed.zh),
                &format!("servicers of {account}: {}", listed.en),
            ),
            (Mode::Desk, _) => good(
                "mode",
                &format!(
                    "{account} 由本系统的坐席接待（接待人员：{}；请勿设为自动分配给他们，否则无法下发消息）",
                    listed.zh
                ),
                &format!(
                    "{account} is served at the bridge's desk (servicers: {}; do not let the console assign customers to them: nothing could be sent then)",
                    listed.en
                ),
            ),
        }
    }
}

fn listed_words(servicers: &[Servicer]) -> Bilingual {
    if servicers.is_empty() {
        return Bilingual::new("无", "none");
    }
    let word = |one: &Servicer| match one {
        Servicer::Person {
            user_id,
            serving: true,
        } => (
            format!("{user_id}（接待中）"),
            format!("{user_id} (serving)"),
        ),
        Servicer::Person { user_id, .. } => (
            format!("{user_id}（停止接待）"),
            format!("{user_id} (not serving)"),
        ),
        Servicer::Department(id) => (format!("部门 {id}"), format!("department {id}")),
    };
    let (mut zh, mut en): (Vec<_>, Vec<_>) = servicers.iter().take(NAMED).map(word).unzip();
    if servicers.len() > NAMED {
        zh.push(format!("等 {} 项", servicers.len()));
        en.push(format!("{} in all", servicers.len()));
    }
    Bilingual::new(zh.join("、"), en.join(", "))
}

fn unmanaged(account: &str, seen: bool, listed: &[Value]) -> Finding {
    let (what, mend) = match seen {
        false => (
            Bilingual::new(
                format!(
                    "客服账号 {account} 不在可管理的列表中（{}）",
                    named(listed, "无")
                ),
                format!(
                    "{account} is not among the accounts this app may manage ({})",
                    named(listed, "none")
                ),
            ),
            Bilingual::new(
                "在「微信客服 → 客服账号 → 通过 API 管理」中把该账号交给本应用，并核对 open_kfid",
                "put it under \"managed by API\" of this app, and check the open_kfid",
            ),
        ),
        true => (
            Bilingual::new(
                format!("客服账号 {account} 没有交给本应用管理"),
                format!("{account} is not managed by this app"),
            ),
            Bilingual::new(
                "在「微信客服 → 可调用接口的应用」中选择本应用，并开启「通过 API 管理」",
                "choose this app under \"apps that may call the API\" and switch on \"managed by API\"",
            ),
        ),
    };
    Finding {
        ok: false,
        key: "accounts",
        what,
        mend,
    }
}

/// The accounts there are: the console shows names, the configuration wants ids.
fn named(listed: &[Value], nothing: &str) -> String {
    let word = |one: &Value| {
        let field = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", field("name"), field("open_kfid"))
    };
    let mut words: Vec<String> = listed.iter().take(NAMED).map(word).collect();
    if listed.len() > NAMED {
        words.push("…".to_owned());
    }
    match words.is_empty() {
        true => nothing.to_owned(),
        false => words.join(", "),
    }
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
    Finding {
        ok: false,
        key,
        what: Bilingual::new(format!("{zh}：{error}"), format!("{en}: {error}")),
        mend: mend(error),
    }
}

fn mend(error: &ChannelError) -> Bilingual {
    match error.code {
        Some(60020) => {
            let ip = address(&error.detail).unwrap_or("报错中的 IP / the address in the message");
            Bilingual::new(
                format!("在应用详情页「企业可信IP」中加入 {ip}，约 1 分钟后生效"),
                format!("add {ip} to the app's trusted IP addresses; it takes about a minute"),
            )
        }
        Some(40001 | 40091 | 48002) => Bilingual::new(
            "使用「微信客服 → 可调用接口的应用」中那个应用自己的 Secret",
            "use the secret of the very app that may call the KF API",
        ),
        Some(40013) => Bilingual::new(
            "核对「我的企业 → 企业信息」中的企业 ID",
            "compare it with the corp id in the console",
        ),
        Some(_) => error.advice.clone().unwrap_or_default(),
        None => Bilingual::new(
            "检查网络、代理和 api_base",
            "check network, proxy and api_base",
        ),
    }
}

/// The address that the platform saw: `…, from ip: 203.0.113.7, …` (WeCom: 5.2).
fn address(detail: &str) -> Option<&str> {
    let (_, rest) = detail.split_once("from ip:")?;
    let rest = rest.trim_start();
    let end = rest
        .find(|sign: char| !(sign.is_ascii_hexdigit() || matches!(sign, '.' | ':')))
        .unwrap_or(rest.len());
    let address = rest[..end].trim_end_matches([':', '.']);
    (!address.is_empty()).then_some(address)
}

fn key_of(error: &ChannelError) -> &'static str {
    match error.code {
        Some(40013) => "corp_id",
        Some(_) => "secret",
        None => "api_base",
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn the_address_to_trust_is_read_from_the_message() {
        let detail = "errcode 60020: not allow to access from your ip, hint: [1], from ip: 203.0.113.7, more info at https://open";
        assert_eq!(address(detail), Some("203.0.113.7"));
        assert_eq!(address("from ip: 2001:db8::1"), Some("2001:db8::1"));
        assert_eq!(address("errcode 60020"), None);
        assert_eq!(address("from ip: "), None);
    }
}
