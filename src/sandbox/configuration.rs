//! The bridge's configuration against the simulated platforms: the one a stranger would write.

use std::{net::SocketAddr, path::Path};

use bridge_sandbox::{Account, DifySettings, TimSettings, WecomApp, WecomSettings, kf::KfSettings};

/// All of it. `url`: where the platforms are.
pub(super) fn whole(url: &str, bridge: SocketAddr, locale: &str, folder: &Path) -> String {
    [
        server(bridge, locale, folder),
        official_account(url),
        desk(url),
        mini_program(url),
        kf(url),
        site(url),
        assistant(url),
        wecom(url),
    ]
    .concat()
}

fn server(bridge: SocketAddr, locale: &str, folder: &Path) -> String {
    let data = folder.display();
    format!(
        r#"
[server]
listen = "{bridge}"
public_url = "http://{bridge}"
locale = "{locale}"

[storage]
url = "sqlite://{data}/kefu.db"

[media]
dir = "{data}/media"

[conversation]
menu_words = {{ KEFU = "转人工", ORDER = "查询订单" }}
"#
    )
}

fn official_account(url: &str) -> String {
    let account = Account::default();
    format!(
        r#"
[inboxes.{}]
channel = "wechat"
{}
"#,
        account.inbox,
        keys(&account, url)
    )
}

fn mini_program(url: &str) -> String {
    let account = Account::mini_program();
    let inbox = &account.inbox;
    let templates = account.mini.iter().flat_map(|mini| &mini.templates);
    let template = templates.map(|template| template.id.as_str()).next();
    format!(
        r#"
[inboxes.{inbox}]
channel = "wechat-miniapp"
{}
page = "pages/kefu/index"

[inboxes.{inbox}.nudge]
template = "{}"
fields = {{ thing1 = "{{sender}}", thing2 = "{{summary}}", time3 = "{{time}}" }}
"#,
        keys(&account, url),
        template.unwrap_or_default()
    )
}

fn keys(account: &Account, url: &str) -> String {
    format!(
        r#"app_id = "{}"
app_secret = "{}"
token = "{}"
encoding_aes_key = "{}"
mode = "safe"
api_base = "{url}/wechat""#,
        account.app_id, account.app_secret, account.token, account.encoding_aes_key
    )
}

/// Where agents work, and who they are.
fn desk(url: &str) -> String {
    let desk = TimSettings::default();
    let inbox = &desk.inbox;
    let agents = desk.agents.iter().map(|agent| {
        let name = agent.user_id.trim_start_matches("agent_");
        let first = name == "system";
        let skill = if first { "售前" } else { "售后" };
        format!(
            r#"
[agents.{name}]
name = "{}"
inbox = "{inbox}"
user_id = "{}"
capacity = 5
default = {first}
skills = ["{skill}"]
"#,
            agent.nick, agent.user_id
        )
    });
    let agents: String = agents.collect();
    format!(
        r#"
[inboxes.{inbox}]
channel = "tencent-im"
sdk_app_id = {}
secret_key = "{}"
admin = "{}"
callback_token = "{}"
api_base = "{url}/tim"

[routing]
desk = "{inbox}"
{agents}"#,
        desk.sdk_app_id, desk.secret_key, desk.admin, desk.callback_token
    )
}

fn kf(url: &str) -> String {
    let kf = KfSettings::default();
    format!(
        r#"
[inboxes.{}]
channel = "wechat-kf"
corp_id = "{}"
secret = "{}"
token = "{}"
encoding_aes_key = "{}"
accounts = ["{}"]
api_base = "{url}/kf"
"#,
        kf.inbox, kf.corp_id, kf.secret, kf.token, kf.encoding_aes_key, kf.open_kfid
    )
}

fn site(url: &str) -> String {
    format!(
        r#"
[inboxes.site]
channel = "web"
origins = ["{url}"]
title = "在线客服"
"#
    )
}

fn assistant(url: &str) -> String {
    let dify = DifySettings::default();
    let key = dify.apps.first().map(|app| app.key.as_str());
    format!(
        r#"
[bots.ai]
provider = "dify"
api_base = "{url}/dify/v1"
api_key = "{}"
app = "chat"
"#,
        key.unwrap_or_default()
    )
}

/// The corp's app, and two of its members as agents; the others may write to it as any colleague may.
fn wecom(url: &str) -> String {
    let corp = WecomSettings::default();
    let app = WecomApp::default();
    let inbox = &app.inbox;
    let agents = corp.members.iter().take(2).map(|member| {
        let name: String = member.user_id.to_lowercase().replace('.', "");
        format!(
            "[agents.{name}]\nname = \"{}\"\ninbox = \"{inbox}\"\nuser_id = \"{}\"\ncapacity = 5\nskills = [\"售后\"]\n\n",
            member.name, member.user_id
        )
    });
    let agents: String = agents.collect();
    format!(
        r#"[inboxes.{inbox}]
channel = "wecom"
corp_id = "{}"
agent_id = {}
secret = "{}"
token = "{}"
encoding_aes_key = "{}"
api_base = "{url}/wecom"

{agents}"#,
        corp.corp_id, app.agent_id, app.secret, app.token, app.encoding_aes_key,
    )
}
