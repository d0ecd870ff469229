//! The connections: a pool whose every wait is bounded, and what an error of the driver means for us.

mod away;
mod place;

use std::{
    error::Error,
    sync::{Arc, Weak},
    time::Duration,
};

use bridge_core::{message::AgentName, store::StoreError};
use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, QueueMode,
    RecyclingMethod, Runtime, TimeoutType,
};
use futures_util::future::join_all;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::{NoTls, Row, SimpleQueryMessage, error::SqlState, types::ToSql};

use self::{away::Away, place::Place};
pub(crate) use self::{away::PING, place::readable};
use crate::Options;

/// How often a step is tried that another's transaction comes in the way of.
const TRIES: u32 = 5;
/// The longest a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);
/// An attempt to connect that fails later than this is none that everybody should make.
const BRISK: Duration = Duration::from_millis(250);
/// A session that was told of a state it is in itself is replaced when it is older than this: a younger one would be told
/// the same.
const OUTLIVED: Duration = Duration::from_secs(5);

const POOLED: &str =
    "a pooler in transaction mode is in between: connect directly, or set its pool_mode to session";
/// See there.
const REHEARSAL: &str = include_str!("../rehearsal.sql");

const SILENT: &str = "the database does not answer";
const BUSY: &str = "all connections are busy";

/// The lock by which nodes say that they are connected; one for each schema. SQL.
pub(crate) const HOLD: &str =
    "hashtextextended('kefu.store.' || coalesce(current_schema(), ''), 17)";

/// What a session is told when it begins, beside the times. Not as options of the connection: poolers refuse those.
///
/// What is acknowledged to a platform must survive a power cut of the database, whatever its own default; and who was
/// killed with their machine holds no lock for hours.
const SESSION: [(&str, &str); 6] = [
    ("synchronous_commit", "on"),
    ("idle_in_transaction_session_timeout", "5000"),
    ("jit", "off"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// How statements of the message path are planned: once in a connection's life, and always by index, row by row. Left to
/// itself the planner plans calls with arrays anew each time, and remembers scans of whole tables from when they were
/// small.
const PLANS: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

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
    /// The longest a call may take.
    pub(crate) call: Duration,
    away: Away,
    me: Weak<Self>,
}

pub(crate) type Values<'a> = [&'a (dyn ToSql + Sync)];

impl Link {
    pub(crate) fn new(url: &str, options: Options, hold: Hold) -> Result<Arc<Self>, StoreError> {
        let Place { mut config, tls } = Place::of(url)?;
        let connect = options.call.min(CONNECT);
        // A name may have several addresses, too, and the first may be of a machine that is gone.
        let addresses = u32::try_from(place::hosts(&config)).unwrap_or(1).max(2);
        config
            .application_name("kefu-bridge")
            .connect_timeout(connect / addresses)
            .tcp_user_timeout(options.call)
            .keepalives_idle(Duration::from_secs(10));
        let manager = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match tls {
            None => Manager::from_config(config, NoTls, manager),
            Some(tls) => Manager::from_config(config, tls, manager),
        };
        let session: Arc<str> = session(options.call, hold).into();
        let pool = Pool::builder(manager)
            .post_create(Hook::async_fn(move |client, _| {
                let session = session.clone();
                Box::pin(async move { begin(client, &session).await })
            }))
            .max_size(options.connections.max(1))
            // The one used last has its plans at hand.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(options.call))
            .create_timeout(Some(connect))
            .recycle_timeout(Some(connect))
            .build()
            .map_err(damaged)?;
        Ok(Arc::new_cyclic(|me| Self {
            pool,
            call: options.call,
            away: Away::default(),
            me: me.clone(),
        }))
    }

    /// A connection for something longer than a call.
    pub(crate) async fn client(&self) -> Result<Object, StoreError> {
        let (why, _) = match self.connection().await {
            Ok(client) => return Ok(client),
            Err(why) => why,
        };
        Err(StoreError::Unavailable(why))
    }

    /// A connection, or why there is none and whether that is so for everybody.
    async fn connection(&self) -> Result<Object, (String, bool)> {
        let asked = Instant::now();
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => (BUSY.to_owned(), false),
            PoolError::Timeout(_) => (format!("no connection within {CONNECT:?}"), true),
            error => (chain(&error), asked.elapsed() > BRISK),
        })
    }

    /// Whether a connection is a session of its own. A pooler in transaction mode gives the session of one who pauses to the
    /// next; what either was told, prepared and locked is then the other's.
    pub(crate) async fn own_sessions(&self) -> Result<(), StoreError> {
        let (pausing, next) = (self.client().await?, self.client().await?);
        let asked = async {
            let theirs = said(&pausing, BACKEND).await?;
            next.batch_execute("BEGIN").await?;
            let own = said(&next, BACKEND).await?;
            next.batch_execute("ROLLBACK").await?;
            Ok(own != theirs)
        };
        match asked.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::Unavailable(POOLED.to_owned())),
            Err(error) => Err(unavailable(&error as &tokio_postgres::Error)),
        }
    }

    /// Runs one statement; tries again where another transaction came in its way. All that takes no longer than a call may.
    pub(crate) async fn query(
        &self,
        sql: &str,
        values: &Values<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let latest = Instant::now() + self.call;
        for _ in 0..TRIES {
            match self.once(sql, values, latest).await {
                Err(Failure::InTheWay) => {}
                Err(Failure::Other(error)) => return Err(error),
                Ok(rows) => return Ok(rows),
            }
        }
        Err(StoreError::Unavailable(
            "others' transactions came in the way again and again".to_owned(),
        ))
    }

    /// The first row, if there is one.
    pub(crate) async fn first(
        &self,
        sql: &str,
        values: &Values<'_>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    async fn once(
        &self,
        sql: &str,
        values: &Values<'_>,
        latest: Instant,
    ) -> Result<Vec<Row>, Failure> {
        self.away.check()?;
        let began = Instant::now();
        let gone = |(why, everybody): (String, bool)| {
            if everybody {
                self.goes_away(&why, began);
            }
            StoreError::Unavailable(why)
        };
        let client = match timeout_at(latest, self.connection()).await {
            Ok(client) => client.map_err(gone)?,
            Err(_) => return Err(StoreError::Unavailable(BUSY.to_owned()).into()),
        };
        let asked = Instant::now();
        let call = async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, values).await
        };
        match timeout_at(latest, call).await {
            Ok(Ok(rows)) => {
                self.away.heard();
                Ok(rows)
            }
            Ok(Err(error)) => {
                if error.code().is_some() {
                    self.away.heard();
                }
                let failure = Failure::of(&error);
                self.replace(client, error.code());
                Err(failure)
            }
            Err(_) => {
                // The wire is silent: nobody else should get this connection.
                drop(Object::take(client));
                // Within that time the server ends what takes too long: it is no statement that does.
                if asked.elapsed() > self.call / 2 {
                    self.goes_away(SILENT, asked);
                }
                Err(StoreError::Unavailable(SILENT.to_owned()).into())
            }
        }
    }

    /// Gives up sessions that remember what is no longer so: a primary that has become a standby, statements that were
    /// prepared of what a newer version has replaced.
    fn replace(&self, client: Object, code: Option<&SqlState>) {
        let outlived = match code {
            Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => {
                Object::metrics(&client).created.elapsed() > OUTLIVED
            }
            Some(code) => forgotten(code),
            None => false,
        };
        if outlived {
            drop(Object::take(client));
            self.pool
                .retain(|_, about| about.created.elapsed() <= OUTLIVED);
        }
    }

    /// As many connections as there may be, each with its plans made: what comes first need not wait for that. What cannot be
    /// had now is made when it is needed.
    pub(crate) async fn warm(&self) {
        let most = self.pool.status().max_size;
        let rehearsed = join_all((0..most).map(|_| async {
            let client = self.connection().await.map_err(|(why, _)| why)?;
            match client.batch_execute(REHEARSAL).await {
                Ok(()) => Ok(client),
                Err(error) => {
                    // It stands in the middle of a transaction.
                    drop(Object::take(client));
                    Err(chain(&error))
                }
            }
        }));
        let Ok(clients) = timeout(self.call, rehearsed).await else {
            return;
        };
        if let Some(why) = clients.iter().find_map(|one| one.as_ref().err()) {
            tracing::warn!(
                why,
                "the database was not rehearsed; first messages are slower"
            );
        }
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// The number of the server's process that answers.
const BACKEND: &str = "SELECT pg_backend_pid()";

/// The first column of the first row, by a statement that nothing is prepared for.
async fn said(
    client: &tokio_postgres::Client,
    sql: &str,
) -> Result<Option<String>, tokio_postgres::Error> {
    let lines = client.simple_query(sql).await?;
    Ok(lines.iter().find_map(|line| match line {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// What a session is told first, in one statement.
fn session(call: Duration, hold: Hold) -> String {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    // Sooner than the caller goes: then it is told why, and knows that the server lives.
    let times = [
        ("statement_timeout", milliseconds(call * 7 / 8)),
        ("lock_timeout", milliseconds(call / 2)),
    ];
    let fixed = SESSION.iter().chain(match hold {
        Hold::Shared => &PLANS[..],
        Hold::None => &[],
    });
    let fixed = fixed.map(|(name, value)| (*name, (*value).to_owned()));
    let set: Vec<String> = fixed
        .chain(times)
        .map(|(name, value)| format!("set_config('{name}', '{value}', false)"))
        .collect();
    let share = match hold {
        Hold::Shared => format!("pg_try_advisory_lock_shared({HOLD})"),
        Hold::None => "true".to_owned(),
    };
    format!("SELECT {share}, {}", set.join(", "))
}

/// A new connection is told how to work, and takes its share of the database.
async fn begin(client: &ClientWrapper, session: &str) -> Result<(), HookError> {
    for _ in 0..LOOKS {
        let shared = said(client, session).await;
        if shared.map_err(HookError::Backend)?.as_deref() == Some("t") {
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
    /// A deadlock, a row that others changed, a statement prepared of what has been replaced: nothing was written, trying
    /// again helps.
    InTheWay,
    Other(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Other(error)
    }
}

impl Failure {
    fn of(error: &tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE) => {
                Self::InTheWay
            }
            Some(code) if forgotten(code) => Self::InTheWay,
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

/// Whether it is what we sent that is wrong: classes 22 (data), 23 (constraints). Not 42: a table or a right that is missing
/// is missing to all messages, and no message is to be given up for it.
fn ours(code: &SqlState) -> bool {
    ["22", "23"]
        .iter()
        .any(|class| code.code().starts_with(class))
}

/// Whether it is what the session remembers that is wrong: a plan, or a statement that the server does not know any more.
fn forgotten(code: &SqlState) -> bool {
    *code == SqlState::FEATURE_NOT_SUPPORTED || *code == SqlState::INVALID_SQL_STATEMENT_NAME
}

pub(crate) fn unavailable(error: &(dyn Error + 'static)) -> StoreError {
    StoreError::Unavailable(chain(error))
}

pub(crate) fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(error.to_string())
}

/// An error and its causes in one line, and what to do where that is known; the driver's own words hold no password.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some repeat what they were caused by.
        let words = error.to_string();
        if !line.contains(&words) {
            line.push_str(": ");
            line.push_str(&words);
        }
        if let Some(remedy) = place::remedy(error) {
            line.push_str("; ");
            line.push_str(remedy);
        }
        cause = error.source();
    }
    line.replace('\n', " ")
}
