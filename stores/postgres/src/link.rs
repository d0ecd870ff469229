//! The connections: a pool whose every wait is bounded, and what an error of the driver means for us.

use std::{error::Error, sync::Arc, time::Duration};

use bridge_core::{message::AgentName, store::StoreError};
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime,
};
use tokio_postgres::{Config, NoTls, Row, config::SslMode, error::SqlState, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Options;

/// How often a step is tried again that another's transaction came in the way of.
const TRIES: u32 = 5;

/// The lock by which nodes say that they are connected; one for each schema. SQL.
pub(crate) const HOLD: &str = "hashtextextended('kefu.store.' || current_schema(), 17)";

/// How statements of the message path are planned: once in a connection's life, and always by index, row by row. Left to
/// itself the planner plans calls with arrays anew each time, and remembers scans of whole tables from when they were
/// small.
const PLANS: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

/// Whether connections say that somebody works on the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// They share the lock: nobody moves into the database meanwhile, and who moves keeps them away.
    Shared,
    /// They do not.
    None,
}

/// The way to the database.
pub(crate) struct Link {
    pool: Pool,
    call: Duration,
}

pub(crate) type Values<'a> = [&'a (dyn ToSql + Sync)];

impl Link {
    pub(crate) fn new(url: &str, options: Options, hold: Hold) -> Result<Self, StoreError> {
        let mut config: Config = url
            .parse()
            .map_err(|_| damaged("the URL is not postgres://user:password@host:port/database"))?;
        let connect = options.call.min(Duration::from_secs(2));
        let given = config.get_options().unwrap_or_default().to_owned();
        config
            .application_name("kefu-bridge")
            .connect_timeout(connect)
            .tcp_user_timeout(options.call)
            .keepalives_idle(Duration::from_secs(10))
            // What is acknowledged to a platform must survive a power cut of the database, whatever its own default.
            .options(format!(
                "{given} -c synchronous_commit=on -c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout=5000 -c jit=off {}",
                options.call.as_millis(),
                options.call.as_millis() / 2,
                if hold == Hold::Shared { PLANS } else { "" }
            ));
        let manager = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match config.get_ssl_mode() {
            SslMode::Disable => Manager::from_config(config, NoTls, manager),
            _ => Manager::from_config(config, MakeRustlsConnect::new(tls()), manager),
        };
        let mut pool = Pool::builder(manager);
        if hold == Hold::Shared {
            pool = pool.post_create(Hook::async_fn(|client, _| Box::pin(share(client))));
        }
        let pool = pool
            .max_size(options.connections.max(1))
            // The one used last has its plans at hand.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(options.call))
            .create_timeout(Some(connect))
            .recycle_timeout(Some(connect))
            .build()
            .map_err(damaged)?;
        Ok(Self {
            pool,
            call: options.call,
        })
    }

    /// A connection for something longer than a call.
    pub(crate) async fn client(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| unavailable(&error))
    }

    /// Runs one statement; tries again where another transaction came in its way.
    pub(crate) async fn query(
        &self,
        sql: &str,
        values: &Values<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        for _ in 1..TRIES {
            match self.once(sql, values).await {
                Err(Failure::InTheWay) => {}
                Err(Failure::Other(error)) => return Err(error),
                Ok(rows) => return Ok(rows),
            }
        }
        match self.once(sql, values).await {
            Ok(rows) => Ok(rows),
            Err(Failure::Other(error)) => Err(error),
            Err(Failure::InTheWay) => Err(StoreError::Unavailable(
                "others' transactions came in the way again and again".to_owned(),
            )),
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn first(
        &self,
        sql: &str,
        values: &Values<'_>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    async fn once(&self, sql: &str, values: &Values<'_>) -> Result<Vec<Row>, Failure> {
        let client = self.client().await.map_err(Failure::Other)?;
        let call = async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, values).await
        };
        match tokio::time::timeout(self.call, call).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => Err(Failure::of(&error)),
            Err(_) => {
                // The wire is silent: nobody else should get this connection.
                drop(Object::take(client));
                Err(Failure::Other(StoreError::Unavailable(
                    "the database does not answer".to_owned(),
                )))
            }
        }
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// A new connection takes its share of the database.
async fn share(client: &deadpool_postgres::ClientWrapper) -> Result<(), HookError> {
    let sql = format!("SELECT pg_try_advisory_lock_shared({HOLD})");
    for _ in 0..LOOKS {
        let taken = client
            .query_one(&sql, &[])
            .await
            .map_err(HookError::Backend)?;
        if taken.try_get(0).map_err(HookError::Backend)? {
            return Ok(());
        }
        // The database may not have noticed yet that a copy was killed.
        tokio::time::sleep(LOOK).await;
    }
    Err(HookError::message(
        "`kefu-bridge store copy` is at work on it",
    ))
}

/// How often, and how long apart, a new connection looks whether the database may be shared.
const LOOKS: u32 = 6;
const LOOK: Duration = Duration::from_millis(250);

enum Failure {
    /// A deadlock, or a row that others changed: nothing was written, trying again helps.
    InTheWay,
    Other(StoreError),
}

impl Failure {
    fn of(error: &tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE) => {
                Self::InTheWay
            }
            // What the functions say of a commit with a tie (`migrations/5-kin.sql`).
            Some(code) if code.code() == "KE001" => Self::Other(StoreError::Lost),
            Some(code) if code.code() == "KE002" => Self::Other(StoreError::Moved),
            Some(code) if code.code() == "KE003" => {
                Self::Other(StoreError::SeatTaken(AgentName::new("")))
            }
            Some(code) if ours(code) => Self::Other(StoreError::Damaged(chain(error))),
            _ => Self::Other(unavailable(error)),
        }
    }
}

/// Whether it is what we sent that is wrong: classes 22 (data), 23 (constraints), 42 (statements).
fn ours(code: &SqlState) -> bool {
    ["22", "23", "42"]
        .iter()
        .any(|class| code.code().starts_with(class))
}

pub(crate) fn unavailable(error: &(dyn Error + 'static)) -> StoreError {
    StoreError::Unavailable(chain(error))
}

pub(crate) fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(error.to_string())
}

/// An error and its causes in one line; the driver's own words hold no password.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

/// The system's certificates; an encrypted connection that cannot be checked is none.
fn tls() -> rustls::ClientConfig {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    rustls::ClientConfig::builder()
        .with_root_certificates(Arc::new(roots))
        .with_no_client_auth()
}
