//! Notices between nodes by RabbitMQ. Each node has a queue of its own at one fanout exchange, and both vanish with their
//! users: nothing is kept that somebody would have to clean up, because a notice that is lost costs time, not data.
//! Publishing only puts a notice into the [`outbox`]; one task carries them ([`session`]), and connects again with
//! growing pauses. Whoever may have missed something is told to look at everything.

mod outbox;
mod session;
mod wire;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bridge_core::{
    backoff::Backoff,
    broker::{Broker, Notice},
    health::Health,
    secret::masked_url,
};
use lapin::uri::AMQPUri;
use metrics::{counter, gauge};
use tokio::{
    sync::{broadcast, watch},
    task::AbortHandle,
};

use self::outbox::Outbox;

/// Notices a slow subscriber may lag behind before it is told that it missed some.
const HEARD: usize = 1024;
/// Pauses between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A connection that held this long was a good one: the pauses begin anew.
const GOOD: Duration = Duration::from_secs(10);
/// Seconds between heartbeats where the URL does not say: a wire that fell silent is noticed within twice that.
const HEARTBEAT: u16 = 10;

/// The URL is none of AMQP's. It says nothing of what was given, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an AMQP URL such as amqp://user:password@host:5672/%2f")]
pub struct BadUrl;

/// A broker on RabbitMQ. Dropping it lets the connection go.
pub struct Rabbit {
    shared: Arc<Shared>,
    keeper: AbortHandle,
}

impl Rabbit {
    /// A broker at `amqp://user:password@host[:port]/vhost`, or `amqps://` for TLS with the system's certificates; the
    /// nodes that name the same `exchange` hear one another. Returns at once and connects by itself, now and whenever
    /// it must again; call it within a Tokio runtime.
    ///
    /// # Errors
    /// The URL is none of AMQP's.
    pub fn connect(url: &str, exchange: &str) -> Result<Arc<Self>, BadUrl> {
        // A TLS connection needs a provider; a second installation changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut uri: AMQPUri = url.parse().map_err(|_| BadUrl)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let place = masked_url(url);
        let shared = Arc::new(Shared {
            uri,
            exchange: exchange.to_owned(),
            node: format!("{:032x}", rand::random::<u128>()),
            hung: AtomicBool::new(false),
            outbox: Outbox::default(),
            heard: broadcast::Sender::new(HEARD),
            health: watch::Sender::new(Health::down(format!("{place}: connecting"))),
            place,
        });
        let keeper = tokio::spawn(shared.clone().keep()).abort_handle();
        Ok(Arc::new(Self { shared, keeper }))
    }

    /// How it is, and every change of that.
    pub fn watch(&self) -> watch::Receiver<Health> {
        self.shared.health.subscribe()
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

#[async_trait]
impl Broker for Rabbit {
    fn publish(&self, notice: Notice) {
        self.shared.outbox.put(notice);
    }

    fn subscribe(&self) -> Option<broadcast::Receiver<Notice>> {
        Some(self.shared.heard.subscribe())
    }

    async fn flush(&self) {
        let mut health = self.shared.health.subscribe();
        tokio::select! {
            () = self.shared.outbox.emptied() => {}
            // To whom nobody listens is not waited for.
            _ = health.wait_for(|health| !health.up) => {}
        }
    }

    fn health(&self) -> Health {
        self.shared.health.borrow().clone()
    }
}

/// What the task and the callers share.
struct Shared {
    uri: AMQPUri,
    exchange: String,
    /// Tells this node's own notices, which come back from the exchange like all others.
    node: String,
    /// The URL without its password.
    place: String,
    /// The last attempt to connect had neither an answer nor an end.
    hung: AtomicBool,
    outbox: Outbox,
    heard: broadcast::Sender<Notice>,
    health: watch::Sender<Health>,
}

impl Shared {
    /// Keeps a connection; never returns.
    async fn keep(self: Arc<Self>) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let began = Instant::now();
            let why = session::run(&self).await;
            self.down(&why);
            if began.elapsed() >= GOOD {
                backoff.reset();
            }
            tokio::time::sleep(backoff.pause()).await;
        }
    }

    /// Connected: both sides may have missed something.
    fn up(&self) {
        self.hear(Notice::All);
        self.outbox.put(Notice::All);
        let before = self.health.send_replace(Health::up(&self.place));
        gauge!("kefu_broker_up").set(1.0);
        if !before.up {
            tracing::info!(broker = self.place, "connected to the broker");
        }
    }

    fn down(&self, why: &str) {
        self.outbox.left();
        let detail = format!("{}: {why}", self.place);
        let before = self.health.send_replace(Health::down(detail.clone()));
        gauge!("kefu_broker_up").set(0.0);
        if before.up {
            // From now on something may be missed.
            self.hear(Notice::All);
        }
        if before.up || before.detail.ends_with("connecting") {
            tracing::warn!(
                broker = self.place,
                why,
                "the broker is out of reach: other nodes find by polling what is to be done"
            );
        } else if before.detail != detail {
            tracing::info!(broker = self.place, why, "the broker is still out of reach");
        }
    }

    /// Tells this node's subscribers.
    fn hear(&self, notice: Notice) {
        counter!("kefu_notices_heard_total").increment(1);
        // Nobody may have subscribed yet.
        let _ = self.heard.send(notice);
    }
}
