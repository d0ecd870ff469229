//! What the simulated WeCom takes and refuses.

mod cards;
mod media;
mod robot;
mod sending;
mod tokens;

use serde_json::{Value, json};

use crate::kit::World;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x06\0\0\0";

/// A world with a token of its app.
struct Office {
    world: World,
    token: String,
}

impl Office {
    async fn open() -> Self {
        Self::with(World::new()).await
    }

    async fn with(world: World) -> Self {
        let token = token(&world).await;
        Self { world, token }
    }

    async fn calls(&self, api: &str, body: &Value) -> Value {
        let path = format!("/wecom/cgi-bin/{api}?access_token={}", self.token);
        self.world.post(&path, body).await.1
    }

    /// `message/send` to 周宁.
    async fn sends(&self, kind: &str, inner: Value) -> Value {
        let body =
            json!({"touser": "ZhouNing", "agentid": 1_000_017, "msgtype": kind, kind: inner});
        self.calls("message/send", &body).await
    }

    async fn code(&self, kind: &str, inner: Value) -> i64 {
        self.sends(kind, inner).await["errcode"].as_i64().unwrap()
    }

    async fn uploads(&self, kind: &str, name: &str, bytes: &[u8]) -> Value {
        let url = format!(
            "{}/cgi-bin/media/upload?type={kind}&access_token={}",
            self.world.sandbox.wecom_base(),
            self.token
        );
        let (form, boundary) = form(name, bytes);
        let request = self.world.http.post(url).header(
            "content-type",
            format!("multipart/form-data; boundary={boundary}"),
        );
        request
            .body(form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }
}

fn form(name: &str, bytes: &[u8]) -> (Vec<u8>, &'static str) {
    let head = format!(
        "--Xx\r\nContent-Disposition: form-data; name=\"media\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    ([head.as_bytes(), bytes, b"\r\n--Xx--\r\n"].concat(), "Xx")
}

async fn token(world: &World) -> String {
    let answer = asks_token(world, None).await;
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn asks_token(world: &World, secret: Option<&str>) -> Value {
    let settings = world.sandbox.wecom().settings();
    let secret = secret.unwrap_or(&settings.apps[0].secret);
    let corp = &settings.corp_id;
    world
        .get(&format!(
            "/wecom/cgi-bin/gettoken?corpid={corp}&corpsecret={secret}"
        ))
        .await
}

fn buttons(task: &str) -> Value {
    json!({"card_type": "button_interaction", "task_id": task, "main_title": {"title": "新会话"},
        "button_list": [{"text": "接入", "key": "take"}]})
}
