//! `/healthz`, `/readyz`, `/metrics`, and a word at `/` for whoever comes by.

use std::{sync::OnceLock, time::Duration};

use actix_web::{HttpResponse, web};
use bridge_core::health::Health;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::json;

use crate::app::App;

/// Upper bounds of all histograms, in seconds.
const BUCKETS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(alive)
        .route("/readyz", web::get().to(readyz))
        .route("/metrics", web::get().to(metrics))
        .route("/", web::get().to(home));
}

/// The process's recorder; made at the first call.
pub(super) fn recorder() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER.get_or_init(install).clone()
}

fn install() -> Option<PrometheusHandle> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS);
    let handle = builder.ok()?.install_recorder().ok()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tick.tick().await;
            upkeep.run_upkeep();
        }
    });
    Some(handle)
}

/// What `/healthz` says.
pub(crate) const ALIVE: &str = "ok";

/// `/healthz` alone.
pub(crate) fn alive(config: &mut web::ServiceConfig) {
    config.route("/healthz", web::get().to(healthz));
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body(ALIVE)
}

/// Ready is whoever can make a callback durable. Without the cache or the broker that is so, only slower: degraded.
async fn readyz(app: web::Data<App>) -> HttpResponse {
    let parts = app.engine.parts();
    let (store, depths, cache) =
        tokio::join!(app.store.ping(), app.store.depths(), parts.cache.health());
    let queue = parts.broker.health();
    let draining = app.engine.draining();
    let ready = store.is_ok() && !draining;
    let state = |health: &Health| json!({ "ok": health.up, "detail": health.detail });
    let body = json!({
        "ready": ready,
        "draining": draining,
        "degraded": !(cache.up && queue.up),
        "store": json!({ "ok": store.is_ok(), "detail": store.err().map(|error| error.to_string()).unwrap_or_default() }),
        "cache": state(&cache),
        "queue": state(&queue),
        "depths": depths.ok(),
    });
    match ready {
        true => HttpResponse::Ok().json(body),
        false => HttpResponse::ServiceUnavailable().json(body),
    }
}

async fn metrics(handle: web::Data<Option<PrometheusHandle>>) -> HttpResponse {
    match handle.as_ref() {
        Some(handle) => HttpResponse::Ok()
            .content_type("text/plain; version=0.0.4")
            .body(handle.render()),
        None => HttpResponse::ServiceUnavailable().body("no recorder"),
    }
}

async fn home() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(concat!(
            "客服桥正在运行。/ Kefu Bridge is running.\n\n/healthz  /readyz  /metrics\nversion ",
            env!("CARGO_PKG_VERSION"),
            "\n"
        ))
}
