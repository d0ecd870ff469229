//! The sandbox's own API, for its pages and for curl: `sandbox/API.md` describes every route.

mod agents;
mod customers;
mod faults;
mod files;
mod kf;
mod live;
mod members;
mod pages;
mod said;
mod wire;

use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, ResponseError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::dify::Dify;
use crate::gate;
use crate::kf::Kf;
use crate::settings::{Account, MenuAction, MenuEntry};
use crate::tim::Tim;
use crate::wechat::Wechat;
use crate::wecom::Wecom;
use crate::world::World;

/// The largest JSON body.
const JSON: usize = 256 * 1024;

/// Everything that the API plays with.
pub(crate) struct Stage {
    pub world: Arc<World>,
    pub wechat: Wechat,
    pub tim: Tim,
    pub dify: Dify,
    pub kf: Kf,
    pub wecom: Wecom,
}

/// A refused request, in both languages.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    zh: String,
    en: String,
}

type Answered = Result<HttpResponse, Refused>;

impl Refused {
    fn new(status: StatusCode, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            status,
            zh: zh.into(),
            en: en.into(),
        }
    }

    fn bad(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, zh, en)
    }

    fn conflict(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, zh, en)
    }

    fn missing(what_zh: &str, what_en: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("没有这个{what_zh}"),
            format!("no such {what_en}"),
        )
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let body = json!({"error": self.zh, "error_en": self.en});
        HttpResponse::build(self.status).json(body)
    }
}

/// All routes below `/box`, `/media` and `/`.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let api = web::scope("/box")
        .route("/state", web::get().to(state))
        .route("/events", web::get().to(live::events))
        .configure(customers::configure)
        .configure(kf::configure)
        .configure(agents::configure)
        .configure(members::configure)
        .configure(wire::configure)
        .configure(faults::configure)
        .route("/media", web::post().to(files::keep));
    config
        .service(api)
        .route("/media/{id}/{name}", web::get().to(files::serve))
        .default_service(web::get().to(pages::page));
}

async fn state(stage: web::Data<Stage>) -> HttpResponse {
    let Stage {
        world,
        wechat,
        tim,
        dify,
        kf,
        wecom,
    } = &**stage;
    let desk = tim.settings();
    let apps = dify.apps().iter().map(
        |app| json!({"key": masked(&app.key), "mode": app.mode.word(), "shape": app.shape.word()}),
    );
    HttpResponse::Ok().json(json!({
        "event": world.hub.last(), "now": world.now(), "url": world.url, "bridge": world.bridge(),
        "accounts": wechat.accounts().iter().map(account).collect::<Vec<_>>(),
        "wecom": members::corp(wecom.settings()),
        "kf": [{"inbox": kf.settings().inbox, "name": kf.settings().name, "open_kfid": kf.settings().open_kfid}],
        "desk": {"inbox": desk.inbox, "sdk_app_id": desk.sdk_app_id, "admin": desk.admin},
        "dify": apps.collect::<Vec<_>>(),
        "wire": {"enabled": world.log.enabled(), "capacity": world.log.capacity(), "last": world.log.last()},
        "faults": world.faults().lines()
    }))
}

fn account(account: &Account) -> Value {
    let entry = |entry: &MenuEntry| match &entry.action {
        MenuAction::Click(key) => json!({"name": entry.name, "key": key}),
        MenuAction::View(url) => json!({"name": entry.name, "url": url}),
    };
    json!({
        "inbox": account.inbox, "name": account.name, "app_id": account.app_id, "original_id": account.original_id,
        "mode": account.mode.word(), "format": account.format.word(),
        "menu": account.menu.iter().map(entry).collect::<Vec<_>>(),
        "mini": account.mini.as_ref().map(|mini| json!({
            "pages": mini.pages,
            "templates": mini.templates.iter().map(|one| json!({"id": one.id, "title": one.title})).collect::<Vec<_>>(),
        }))
    })
}

/// The beginning and the end of a key.
fn masked(key: &str) -> String {
    let shown: Vec<char> = key.chars().collect();
    match shown.len() {
        0..=12 => "…".into(),
        length => {
            let part = |range: std::ops::Range<usize>| shown[range].iter().collect::<String>();
            format!("{}…{}", part(0..4), part(length - 4..length))
        }
    }
}

/// A JSON body of a known shape, bounded.
async fn body<T: DeserializeOwned>(payload: web::Payload) -> Result<T, Refused> {
    let bytes = bounded(payload, JSON).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Refused::bad(
            format!("请求格式不对：{error}"),
            format!("unreadable body: {error}"),
        )
    })
}

async fn bounded(payload: web::Payload, limit: usize) -> Result<Bytes, Refused> {
    let too_large = || {
        Refused::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("内容超过 {limit} 字节"),
            format!("longer than {limit} bytes"),
        )
    };
    gate::read(payload, limit).await.ok_or_else(too_large)
}

/// A page of a chat.
#[derive(serde::Deserialize)]
struct Window {
    before: Option<u64>,
    limit: Option<usize>,
}

impl Window {
    /// The messages ending before `before`, oldest first, and whether there are older ones.
    fn of(&self, chat: Vec<crate::content::Message>) -> Value {
        let before = self.before.unwrap_or(u64::MAX);
        let end = chat.partition_point(|message| message.id < before);
        let limit = self.limit.unwrap_or(50).clamp(1, 200);
        let start = end.saturating_sub(limit);
        json!({"messages": &chat[start..end], "more": start > 0})
    }
}
