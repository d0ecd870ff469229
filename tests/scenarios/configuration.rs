//! The bridge's configuration for the accounts that the simulated platforms have: the whole of it, and the sections that
//! plays add. `more` is further lines of a section; `SANDBOX_URL` stands for where the platforms are.

use std::path::Path;

use bridge_sandbox::{Account, DifySettings, TimSettings, WecomSettings, kf::KfSettings};

use crate::stage::Set;

/// All of it: the official account and the desk, an assistant where there is one, two agents, and what the play adds.
pub fn whole(url: &str, folder: &Path, set: &Set) -> String {
    let (desk, dify) = (TimSettings::default(), DifySettings::default());
    let folder = folder.display();
    let assistant = match set.assistant {
        true => format!(
            "[bots.ai]\nprovider = \"dify\"\napi_base = \"{url}/dify/v1\"\napi_key = \"{}\"\nretries = 1\n",
            dify.apps[0].key
        ),
        false => String::new(),
    };
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
public_url = "{url}"
log = "json"
workers = 2
drain_timeout = "10s"
drain_delay = "{drain_delay}"
lease = "{lease}"

[storage]
url = "{storage}"

[media]
dir = "{folder}/media"

{mall}
[inboxes.desk]
channel = "tencent-im"
sdk_app_id = {sdk_app_id}
secret_key = "{secret}"
admin = "{admin}"
callback_token = "{callback_token}"
api_base = "{url}/tim"
history_every = "{history_every}"
api_rate = {api_rate}

{assistant}
[routing]
desk = "desk"

[agents.system]
name = "默认客服"
user_id = "agent_system"
capacity = {capacity}
default = true
skills = ["售前"]

[agents.lin]
name = "林小满"
user_id = "agent_lin"
capacity = {capacity}
skills = ["售后"]

{more}
"#,
        sdk_app_id = desk.sdk_app_id,
        secret = desk.secret_key,
        admin = desk.admin,
        callback_token = desk.callback_token,
        capacity = set.capacity,
        lease = set.lease,
        api_rate = set.api_rate,
        drain_delay = set.drain_delay,
        mall = official_account("mall", &Account::default(), &set.mall).replace("SANDBOX_URL", url),
        history_every = set.history_every,
        storage = set
            .storage
            .clone()
            .unwrap_or_else(|| format!("sqlite://{folder}/kefu.db")),
        more = set.more.replace("SANDBOX_URL", url),
    )
}

/// An official account.
pub fn official_account(inbox: &str, account: &Account, more: &str) -> String {
    format!(
        r#"
[inboxes.{inbox}]
channel = "wechat"
{}
{more}
"#,
        keys(account)
    )
}

/// A mini program, as the inbox `mini`.
pub fn mini_program(account: &Account, more: &str) -> String {
    format!(
        r#"
[inboxes.mini]
channel = "wechat-miniapp"
{}
mode = "{}"
{more}
"#,
        keys(account),
        account.mode.word()
    )
}

fn keys(account: &Account) -> String {
    format!(
        r#"app_id = "{}"
app_secret = "{}"
token = "{}"
encoding_aes_key = "{}"
api_base = "SANDBOX_URL/wechat""#,
        account.app_id, account.app_secret, account.token, account.encoding_aes_key
    )
}

/// WeChat KF, as the inbox `kf`.
pub fn kf(platform: &KfSettings, more: &str) -> String {
    format!(
        r#"
[inboxes.kf]
channel = "wechat-kf"
corp_id = "{}"
secret = "{}"
token = "{}"
encoding_aes_key = "{}"
accounts = ["{}"]
api_base = "SANDBOX_URL/kf"
pull_every = "1s"
{more}
"#,
        platform.corp_id,
        platform.secret,
        platform.token,
        platform.encoding_aes_key,
        platform.open_kfid
    )
}

/// The first app of a corporation, as the inbox `work`.
pub fn wecom(corp: &WecomSettings, more: &str) -> String {
    let app = &corp.apps[0];
    format!(
        r#"
[inboxes.work]
channel = "wecom"
corp_id = "{}"
agent_id = {}
secret = "{}"
token = "{}"
encoding_aes_key = "{}"
api_base = "SANDBOX_URL/wecom"
{more}
"#,
        corp.corp_id, app.agent_id, app.secret, app.token, app.encoding_aes_key
    )
}

/// 周宁, an agent who works in that app.
pub fn agent_in_wecom(capacity: u32) -> String {
    format!(
        r#"
[agents.zhou]
name = "周宁"
inbox = "work"
user_id = "zhouning"
capacity = {capacity}
"#
    )
}

/// A company's own site, as the inbox `site`.
pub fn site(more: &str) -> String {
    format!(
        r#"
[inboxes.site]
channel = "web"
origins = ["https://www.example.com"]
{more}
"#
    )
}
