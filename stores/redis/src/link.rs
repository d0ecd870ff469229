//! One connection for all calls, and what happens when it breaks. A task keeps it: it connects, tries a quiet connection
//! now and then, and connects again with growing pauses. A call never connects and never repeats: it takes the
//! connection that is there, waits a moment for one that is being made, and otherwise fails at once, so that a dead
//! Redis costs nothing.

use std::{sync::Arc, time::Duration};

use bridge_core::{backoff::Backoff, cache::CacheError, secret::masked_url};
use metrics::{counter, gauge};
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, RedisResult, ScriptInvocation,
    aio::{ConnectionLike, MultiplexedConnection},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{Options, scripts};

/// Pauses between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Commands that may wait to be written; more callers than that stand in line.
const PIPELINE: usize = 1024;
/// How long the trace of a probe that broke off stays, in milliseconds.
const PROBED: u64 = 60_000;

/// Where the connection stands.
#[derive(Clone)]
enum State {
    /// The first attempt since the start, or since it broke: worth a moment's wait.
    Connecting,
    /// There it is. The number tells it from those before.
    Up(MultiplexedConnection, u64),
    /// The last attempt failed, and why.
    Down(Arc<str>),
}

/// The connection.
pub(crate) struct Link {
    client: Client,
    place: String,
    probe_key: String,
    options: Options,
    state: watch::Sender<State>,
}

impl Link {
    pub(crate) fn new(url: &str, probe_key: String, options: Options) -> Result<Self, CacheError> {
        // A TLS connection needs a provider; a second installation changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::open(url)
            .map_err(|error| CacheError(format!("not a Redis URL: {}", told(&error))))?;
        Ok(Self {
            client,
            place: masked_url(url),
            probe_key,
            options,
            state: watch::Sender::new(State::Connecting),
        })
    }

    /// The URL without its password.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CacheError> {
        let ask = async |mut connection| command.query_async(&mut connection).await;
        self.run(ask, breaks).await
    }

    pub(crate) async fn script<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, CacheError> {
        let ask = async |mut connection| script.invoke_async(&mut connection).await;
        self.run(ask, breaks).await
    }

    /// Whether all can be done that a cache has to: a replica, or a server that is full, answers a ping. One that cannot
    /// is as good as away: reading old tokens from it and writing no new ones would be worse than doing without.
    pub(crate) async fn probe(&self) -> Result<(), CacheError> {
        let probe = async |mut connection| self.try_all(&mut connection).await;
        self.run(probe, |_| true).await
    }

    async fn try_all(&self, connection: &mut impl ConnectionLike) -> RedisResult<()> {
        let mut probe = scripts::PROBE.prepare_invoke();
        probe.key(&self.probe_key).arg(PROBED);
        probe.invoke_async(connection).await
    }

    async fn run<T>(
        &self,
        work: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
        breaks: impl FnOnce(&RedisError) -> bool,
    ) -> Result<T, CacheError> {
        let latest = Instant::now() + self.options.call;
        let result = match self.connection(latest).await {
            Ok((connection, number)) => match timeout_at(latest, work(connection)).await {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(error)) => {
                    if breaks(&error) {
                        self.broken(number, &told(&error));
                    }
                    Err(told(&error))
                }
                Err(_) => {
                    let why = format!("no answer within {:?}", self.options.call);
                    self.broken(number, &why);
                    Err(why)
                }
            },
            Err(why) => Err(why),
        };
        result.map_err(|why| {
            counter!("kefu_cache_errors_total").increment(1);
            CacheError(why)
        })
    }

    async fn connection(&self, latest: Instant) -> Result<(MultiplexedConnection, u64), String> {
        let mut states = self.state.subscribe();
        let settled = states.wait_for(|state| !matches!(state, State::Connecting));
        match timeout_at(latest, settled).await {
            Ok(Ok(state)) => match &*state {
                State::Up(connection, number) => Ok((connection.clone(), *number)),
                State::Down(why) => Err(why.to_string()),
                State::Connecting => Err("connecting".to_owned()),
            },
            // The sender lives as long as `self`.
            Ok(Err(_)) => Err("closed".to_owned()),
            Err(_) => {
                let why = format!("no connection within {:?}", self.options.call);
                // The attempt goes on; the next callers are not to wait for it as well.
                self.down(&why);
                Err(why)
            }
        }
    }

    /// Keeps the connection; never returns.
    pub(crate) async fn keep(self: Arc<Self>) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut number = 0;
        loop {
            match self.open().await {
                Ok(connection) => {
                    number += 1;
                    self.up(connection, number);
                    let began = Instant::now();
                    self.until_broken().await;
                    // One that breaks again and again is not made again and again at once.
                    match began.elapsed() > LONGEST_PAUSE {
                        true => backoff.reset(),
                        false => sleep(backoff.pause()).await,
                    }
                }
                Err(why) => {
                    self.down(&why);
                    sleep(backoff.pause()).await;
                }
            }
        }
    }

    async fn open(&self) -> Result<MultiplexedConnection, String> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.connect))
            .set_response_timeout(Some(self.options.call))
            .set_pipeline_buffer_size(PIPELINE);
        let opened = async {
            let mut connection = self
                .client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            self.try_all(&mut connection).await?;
            Ok(connection)
        };
        match timeout(self.options.connect, opened).await {
            Ok(opened) => opened.map_err(|error: RedisError| told(&error)),
            Err(_) => Err(format!("no connection within {:?}", self.options.connect)),
        }
    }

    /// Returns when a call found the connection broken, or the task itself when it tried a quiet one.
    async fn until_broken(&self) {
        let mut states = self.state.subscribe();
        loop {
            let broken = states.wait_for(|state| !matches!(state, State::Up(..)));
            if timeout(self.options.heartbeat, broken).await.is_ok() {
                return;
            }
            // A failure changes the state.
            let _ = self.probe().await;
        }
    }

    fn up(&self, connection: MultiplexedConnection, number: u64) {
        let before = self.state.send_replace(State::Up(connection, number));
        gauge!("kefu_cache_up").set(1.0);
        if let State::Down(_) = before {
            tracing::info!(cache = self.place, "the cache is there");
        }
    }

    fn broken(&self, number: u64, why: &str) {
        let broke = self.state.send_if_modified(|state| {
            let this = matches!(state, State::Up(_, up) if *up == number);
            if this {
                *state = State::Connecting;
            }
            this
        });
        if broke {
            gauge!("kefu_cache_up").set(0.0);
            tracing::info!(
                cache = self.place,
                why,
                "the connection to the cache broke: connecting again"
            );
        }
    }

    /// Notes that there is no connection; an established one stays.
    fn down(&self, why: &str) {
        let mut news = false;
        self.state.send_if_modified(|state| {
            let changes = !matches!(state, State::Up(..));
            if changes {
                news = matches!(state, State::Connecting);
                *state = State::Down(why.into());
            }
            changes
        });
        if news {
            gauge!("kefu_cache_up").set(0.0);
            tracing::warn!(
                cache = self.place,
                why,
                "the cache is out of reach: carrying on without it"
            );
        }
    }
}

/// What a server says that is of no use now, whatever it is asked: [`Link::probe`] would find the same.
const USELESS: [&str; 9] = [
    "BUSY",
    "CLUSTERDOWN",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "NOAUTH",
    "NOREPLICAS",
    "OOM",
    "READONLY",
];

/// Whether an error says that the connection, or the server behind it, is of no use now.
fn breaks(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || error.code().is_some_and(|code| USELESS.contains(&code))
}

/// What an error says, and what is behind it.
fn told(error: &RedisError) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !said.contains(&words) {
            said = format!("{said}: {words}");
        }
        cause = inner.source();
    }
    said
}
