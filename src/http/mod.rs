//! The HTTP side: callbacks in, media out, health. Callbacks are the hot path and carry no middleware.

mod body;
mod callback;
pub(crate) mod health;
mod live;
mod media;
mod older;

use std::{net::SocketAddr, sync::Arc};

use actix_web::{App as Web, HttpServer, dev::ServerHandle, web};
use anyhow::Context;

use crate::{
    app::{self, App},
    cli::Failure,
    logging,
    settings::Settings,
};

/// The largest callback; ordinary ones are below 10 KiB (WeChat: 1.5).
const CALLBACK: usize = 1 << 20;

/// `kefu-bridge serve`: runs until SIGTERM or Ctrl-C, then drains.
pub(crate) fn serve(settings: Settings) -> Result<(), Failure> {
    logging::start(settings.server.log);
    runtime()?.block_on(async {
        let running = start(settings).await?;
        tracing::info!(listen = %running.address, "listening");
        stop_signal().await;
        running.stop().await;
        Ok(())
    })
}

/// The runtime of the engine; HTTP workers have their own.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("bridge")
        .build();
    Ok(runtime.context("no runtime")?)
}

/// A bridge that listens.
pub(crate) struct Running {
    pub(crate) app: Arc<App>,
    pub(crate) address: SocketAddr,
    live: Arc<live::House>,
    server: ServerHandle,
}

/// Puts a bridge together, starts it and listens.
pub(crate) async fn start(settings: Settings) -> Result<Running, Failure> {
    let metrics = health::recorder();
    let app = Arc::new(App::build(settings).await?);
    app::announce(&app);
    app.engine.start();
    let live = live::House::open(app.clone());
    let house = web::Data::from(live.clone());
    let (data, listen) = (web::Data::from(app.clone()), app.settings.server.listen);
    let metrics = web::Data::new(metrics);
    let make = move || {
        Web::new()
            .app_data(data.clone())
            .app_data(metrics.clone())
            .app_data(house.clone())
            .app_data(web::PayloadConfig::new(CALLBACK))
            .configure(callback::routes)
            .configure(health::routes)
            .configure(media::routes)
            .configure(live::routes)
            .configure(older::routes)
    };
    let mut server = HttpServer::new(make).disable_signals().shutdown_timeout(10);
    if app.settings.server.workers > 0 {
        server = server.workers(app.settings.server.workers);
    }
    let server = server
        .bind(listen)
        .with_context(|| format!("server.listen: cannot listen on {listen}"))?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(Running {
        app,
        address,
        live,
        server: handle,
    })
}

impl Running {
    /// Takes no new work, finishes what is in hand, closes the store.
    pub(crate) async fn stop(self) {
        tracing::info!("draining");
        self.live.close();
        let within = self.app.settings.server.drain_timeout.0;
        let drained = self.app.engine.drain(within);
        tokio::join!(drained, self.server.stop(true));
        if let Err(error) = self.app.store.close().await {
            tracing::warn!(%error, "the store was not closed cleanly");
        }
        tracing::info!("stopped");
    }
}

/// Resolves at SIGTERM or Ctrl-C.
pub(crate) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be heard");
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
