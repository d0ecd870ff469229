//! Media up and down.

use actix_web::web::{self, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use super::{Answered, Refused, Stage, bounded};
use crate::media;

#[derive(Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    name: String,
}

pub(super) async fn keep(
    stage: web::Data<Stage>,
    named: Query<Named>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answered {
    let bytes = bounded(payload, media::LARGEST).await?;
    if bytes.is_empty() {
        return Err(Refused::bad("文件是空的", "the file is empty"));
    }
    let declared = request.headers().get("content-type");
    let declared = declared.and_then(|value| value.to_str().ok());
    let world = &stage.world;
    let kept = world
        .media
        .keep(&world.chance, &named.name, declared, bytes);
    let mut answer = json!({
        "media": kept.id, "url": world.media_url(&kept), "mime": kept.mime, "name": kept.name, "size": kept.bytes.len()
    });
    if let Some((width, height)) = kept.dimensions {
        answer["width"] = width.into();
        answer["height"] = height.into();
    }
    Ok(HttpResponse::Created().json(answer))
}

/// What a stranger uploaded must not run as a page of the sandbox's.
pub(super) async fn serve(stage: web::Data<Stage>, path: Path<(String, String)>) -> Answered {
    let kept = stage.world.media.get(&path.0);
    let kept = kept.ok_or_else(|| Refused::missing("媒体文件", "media"))?;
    Ok(HttpResponse::Ok()
        .insert_header(("content-type", kept.mime))
        .insert_header(("x-content-type-options", "nosniff"))
        .insert_header(("content-security-policy", "sandbox"))
        .insert_header(("cache-control", "private, max-age=86400"))
        .body(kept.bytes))
}
