//! The wire log's pages.

use actix_web::HttpResponse;
use actix_web::web::{self, Path, Query, ServiceConfig};
use serde::Deserialize;
use serde_json::json;

use super::{Answered, Refused, Stage, body};
use crate::wire::{Page, PeerName};

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .route("/wire", web::get().to(list))
        .route("/wire", web::put().to(switch))
        .route("/wire", web::delete().to(clear))
        .route("/wire/{id}", web::get().to(one));
}

#[derive(Deserialize)]
struct Wanted {
    after: Option<u64>,
    before: Option<u64>,
    peer: Option<String>,
    limit: Option<usize>,
}

async fn list(stage: web::Data<Stage>, wanted: Query<Wanted>) -> Answered {
    let peer = match wanted.peer.as_deref() {
        None | Some("") => None,
        Some("wechat") => Some(PeerName::Wechat),
        Some("tim") => Some(PeerName::Tim),
        Some("dify") => Some(PeerName::Dify),
        Some("kf") => Some(PeerName::Kf),
        Some("wecom") => Some(PeerName::Wecom),
        Some(_) => {
            return Err(Refused::bad(
                "peer 只能是 wechat、tim、dify、kf 或 wecom",
                "peer is wechat, tim, dify, kf or wecom",
            ));
        }
    };
    let (found, more) = stage.world.log.page(&Page {
        after: wanted.after,
        before: wanted.before,
        peer,
        limit: wanted.limit.unwrap_or(100).clamp(1, 500),
    });
    let lines: Vec<_> = found.iter().map(|exchange| &exchange.line).collect();
    Ok(HttpResponse::Ok().json(json!({"exchanges": lines, "more": more})))
}

async fn one(stage: web::Data<Stage>, id: Path<u64>) -> Answered {
    let exchange = stage.world.log.get(*id);
    let exchange = exchange.ok_or_else(|| Refused::missing("记录", "exchange"))?;
    Ok(HttpResponse::Ok().json(&*exchange))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    enabled: bool,
}

async fn switch(stage: web::Data<Stage>, payload: web::Payload) -> Answered {
    let switch: Switch = body(payload).await?;
    let enabled = stage.world.log.enable(switch.enabled);
    Ok(HttpResponse::Ok().json(json!({"enabled": enabled})))
}

async fn clear(stage: web::Data<Stage>) -> HttpResponse {
    stage.world.log.clear();
    HttpResponse::NoContent().finish()
}
