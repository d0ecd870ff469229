//! `qrcode/create`: parametric codes that bring a scene along when they are scanned (WeChat notes, 4.7).

use serde_json::{Value, json};

use super::Wechat;
use super::errors::{Refusal, refuse, refuse_with};
use super::event::ticket;

/// The longest life of a temporary code, in seconds, and its default.
const LONGEST: i64 = 2_592_000;
const DEFAULT: i64 = 60;
const LAST_PERMANENT: u64 = 100_000;

impl Wechat {
    /// `POST /cgi-bin/qrcode/create`
    pub(super) fn qrcode_create(&self, body: &[u8]) -> Result<Value, Refusal> {
        let value: Value = serde_json::from_slice(body).map_err(|_| refuse(47001))?;
        let scene = scene(&value)?;
        let ticket = ticket(&scene);
        let url = format!("http://weixin.qq.com/q/{}", &ticket[2..24]);
        self.0.state.lock().remember_ticket(ticket.clone(), scene);
        let temporary = !value["action_name"]
            .as_str()
            .unwrap_or_default()
            .contains("LIMIT");
        let mut answer = json!({"ticket": ticket, "url": url});
        if temporary {
            let life = value["expire_seconds"].as_i64().unwrap_or(DEFAULT);
            answer["expire_seconds"] = life.clamp(1, LONGEST).into();
        }
        Ok(answer)
    }

    /// The scene of a code made earlier.
    pub fn scene_of(&self, ticket: &str) -> Option<String> {
        self.0.state.lock().tickets.get(ticket).cloned()
    }
}

fn scene(value: &Value) -> Result<String, Refusal> {
    let scene = &value["action_info"]["scene"];
    let number = |last: u64| {
        let id = scene["scene_id"]
            .as_u64()
            .filter(|id| (1..=last).contains(id));
        id.map(|id| id.to_string())
    };
    let text = || {
        let text = scene["scene_str"].as_str();
        text.filter(|text| (1..=64).contains(&text.chars().count()))
            .map(str::to_owned)
    };
    let found = match value["action_name"].as_str() {
        Some("QR_SCENE") => number(u64::from(u32::MAX)),
        Some("QR_LIMIT_SCENE") => number(LAST_PERMANENT),
        Some("QR_STR_SCENE" | "QR_LIMIT_STR_SCENE") => text(),
        _ => return Err(refuse_with(40053, "action_name")),
    };
    found.ok_or_else(|| refuse_with(40053, "action_info.scene"))
}
