//! Ordering faults.

use actix_web::HttpResponse;
use actix_web::web::{self, Path, ServiceConfig};
use serde::Deserialize;
use serde_json::json;

use super::{Answered, Refused, Stage, body};
use crate::faults::{Fault, parse};

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .route("/faults", web::get().to(list))
        .route("/faults", web::post().to(add))
        .route("/faults", web::put().to(replace))
        .route("/faults", web::delete().to(clear))
        .route("/faults/{id}", web::delete().to(remove));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    spec: String,
}

async fn read(payload: web::Payload) -> Result<Vec<Fault>, Refused> {
    let order: Order = body(payload).await?;
    parse(&order.spec)
        .map_err(|error| Refused::bad(format!("故障写法有误：{error}"), error.to_string()))
}

async fn list(stage: web::Data<Stage>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"faults": stage.world.faults().lines()}))
}

async fn changed(stage: web::Data<Stage>) -> Answered {
    stage.world.faults_changed();
    Ok(list(stage).await)
}

async fn add(stage: web::Data<Stage>, payload: web::Payload) -> Answered {
    stage.world.faults().add(read(payload).await?);
    changed(stage).await
}

async fn replace(stage: web::Data<Stage>, payload: web::Payload) -> Answered {
    stage.world.faults().replace(read(payload).await?);
    changed(stage).await
}

async fn clear(stage: web::Data<Stage>) -> Answered {
    stage.world.faults().replace(Vec::new());
    changed(stage).await
}

async fn remove(stage: web::Data<Stage>, id: Path<u64>) -> Answered {
    match stage.world.faults().remove(*id) {
        true => changed(stage).await,
        false => Err(Refused::missing("故障", "fault")),
    }
}
