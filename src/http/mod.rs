//! The HTTP side: callbacks in, media out, health. Callbacks are the hot path and carry no middleware.

mod body;
mod callback;
pub(crate) mod health;
mod live;
mod media;
mod older;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{App as Web, HttpServer, dev::ServerHandle, web};
use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    app::{self, App},
    cli::Failure,
    counters, logging,
    settings::Settings,
};

/// The largest callback; ordinary ones are below 10 KiB (WeChat: 1.5).
const CALLBACK: usize = 1 << 20;
/// How long the process waits for threads whose work nobody wants any more.
const STRAGGLERS: Duration = Duration::from_secs(1);
/// How many seconds requests in hand have when nothing else is.
const LAST_ANSWERS: u64 = 10;

/// `kefu-bridge serve`: runs until SIGTERM or Ctrl-C, then drains.
pub(crate) fn serve(settings: Settings) -> Result<(), Failure> {
    logging::start(settings.server.log);
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        let mut stop = StopSignal::new();
        let running = tokio::select! {
            running = start(settings) => running?,
            // Nothing is in hand yet.
            () = stop.heard() => return Ok(()),
        };
        tracing::info!(listen = %running.address, "listening");
        stop.heard().await;
        tokio::select! {
            () = running.stop() => {}
            () = stop.heard() => tracing::warn!("told twice: leases hand back what is in hand"),
        }
        Ok(())
    });
    // A name that is being looked up, for one, cannot be given up, and is not waited for.
    runtime.shutdown_timeout(STRAGGLERS);
    served
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
    counters::begin(&app);
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
    let mut server = HttpServer::new(make)
        .disable_signals()
        .shutdown_timeout(LAST_ANSWERS);
    if app.settings.server.workers > 0 {
        server = server.workers(app.settings.server.workers);
    }
    let server = server
        .bind(listen)
        .with_context(|| format!("server.listen: cannot listen on {listen}"))?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    // Not before: who finds the address taken has nothing in hand.
    app.engine.start();
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
    /// Takes no new work, finishes what is in hand, closes the store. It listens to the last: whoever has not heard yet that
    /// this node is not ready any more is not turned away, and what they bring is made durable.
    pub(crate) async fn stop(self) {
        tracing::info!("draining");
        self.live.close();
        let (server, engine) = (&self.app.settings.server, &self.app.engine);
        tokio::join!(
            engine.wind_down(server.drain_timeout.0),
            tokio::time::sleep(server.drain_delay.0)
        );
        self.server.stop(true).await;
        engine.finish().await;
        if let Err(error) = self.app.store.close().await {
            tracing::warn!(%error, "the store was not closed cleanly");
        }
        tracing::info!("stopped");
    }
}

/// SIGTERM and Ctrl-C, from when it is made: also those that come while nobody waits. A container's first process hears
/// only what it listens for.
pub(crate) struct StopSignal(Option<Signal>);

impl StopSignal {
    pub(crate) fn new() -> Self {
        let terminate = signal(SignalKind::terminate());
        Self(
            terminate
                .inspect_err(|error| tracing::warn!(%error, "SIGTERM cannot be heard"))
                .ok(),
        )
    }

    /// Resolves at the next.
    pub(crate) async fn heard(&mut self) {
        let terminated = async {
            match &mut self.0 {
                Some(terminate) => terminate.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminated => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}
