//! The routes of an older system: members' messages and commands from JSON, what a sidebar shows, and what strangers try.

mod sidebar;
mod words;

use bridge_sandbox::wecom::Member;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::{
    configuration,
    stage::{Set, Stage},
};

const TOKEN: &str = "an-older-token-of-32-characters!";

const MESSAGE: &str = "/api/wechat/work-message";

const COMMAND: &str = "/api/wechat/work/command";

const SIDEBAR: &str = "/api/wechat/sidebar-data";

/// An agent in WeCom, one on Tencent IM who is a member, too, and a second WeCom inbox with keys that are known.
async fn stage(routes: &str) -> Stage {
    let mut set = Set {
        assistant: false,
        mall: "unionid = true".to_owned(),
        ..Set::default()
    };
    let corp = &mut set.settings.wecom;
    (corp.token_rate, corp.daily_share) = (0, 0);
    corp.apps[0].calls_contacts = true;
    let work = configuration::wecom(corp, "");
    set.more = [routes, &work, &configuration::agent_in_wecom(5)].concat();
    Stage::with(set).await
}

fn routes() -> String {
    format!(
        "[older_routes]\ntoken = \"{TOKEN}\"\ninbox = \"work\"\nemployees = {{ \"wu.shan\" = \"system\" }}"
    )
}

/// A call as the older system makes it.
async fn call(stage: &Stage, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
    let request = reqwest::Client::new()
        .request(method, format!("{}{path}", stage.bridge.url))
        .bearer_auth(TOKEN)
        .body(body.to_owned());
    answer(request).await
}

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

async fn post(stage: &Stage, path: &str, body: Value) -> (StatusCode, Value) {
    call(stage, Method::POST, path, &body.to_string()).await
}

fn member(stage: &Stage, id: &str) -> Member {
    stage.sandbox.wecom().member(id).unwrap()
}

/// The number on a card: `客户：小周（编号 3）`.
fn number(card: &str) -> i64 {
    let (_, rest) = card.split_once("编号 ").unwrap();
    rest.split('）').next().unwrap().parse().unwrap()
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
