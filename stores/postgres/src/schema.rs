//! The schema, by version. One node migrates while the others wait; a lock of the database sees to that.

use std::time::{Duration, Instant};

use bridge_core::store::StoreError;
use tokio_postgres::{Client, error::SqlState};

use crate::link::{Link, damaged, unavailable};

/// One step each.
const STEPS: &[&str] = &[
    include_str!("../migrations/1-tables.sql"),
    include_str!("../migrations/2-steps.sql"),
    include_str!("../migrations/3-contacts.sql"),
    include_str!("../migrations/4-fairness.sql"),
    include_str!("../migrations/5-kin.sql"),
    include_str!("../migrations/6-shared.sql"),
    include_str!("../migrations/7-confirmed.sql"),
    include_str!("../migrations/8-together.sql"),
    include_str!("../migrations/9-row-by-row.sql"),
    include_str!("../migrations/10-blameless.sql"),
    include_str!("../migrations/11-renewed.sql"),
    include_str!("../migrations/12-forgotten.sql"),
    include_str!("../migrations/13-recalled.sql"),
    include_str!("../migrations/14-newest.sql"),
    include_str!("../migrations/15-horizon.sql"),
    include_str!("../migrations/16-one-way.sql"),
];

/// The lock of migrations; one for each schema. SQL.
const LOCK: &str = "hashtextextended('kefu.schema.' || coalesce(current_schema(), ''), 17)";

/// The oldest server that knows all that is used (`server_version_num`).
const OLDEST: i32 = 140_000;

/// How often whoever waits looks, and how often it is told.
const LOOK: Duration = Duration::from_millis(50);
const TOLD: Duration = Duration::from_secs(10);

/// What waits for a step's lock waits behind it, callbacks among it: so it waits no longer than this, and then lets them
/// through before it tries again.
const PATIENCE: Duration = Duration::from_secs(1);

/// Brings the database to this version's schema.
pub(crate) async fn migrate(link: &Link, allowed: bool) -> Result<(), StoreError> {
    let mut client = link.client().await?;
    let failed = |error: tokio_postgres::Error| unavailable(&error);
    // A step may take longer than a call may.
    let patient = format!(
        "SET statement_timeout = 0; SET lock_timeout = {}",
        PATIENCE.as_millis()
    );
    client.batch_execute(&patient).await.map_err(failed)?;
    take_turn(&client).await?;
    let migrated = steps(&mut client, allowed).await;
    // This connection was made patient: it is not for the pool. The lock ends with it.
    drop(deadpool_postgres::Object::take(client));
    migrated
}

/// Waits until nobody else is at it.
async fn take_turn(client: &Client) -> Result<(), StoreError> {
    let failed = |error: tokio_postgres::Error| unavailable(&error);
    let lock = format!("SELECT pg_try_advisory_lock({LOCK})");
    let mut told: Option<Instant> = None;
    loop {
        let taken = client.query_one(&lock, &[]).await.map_err(failed)?;
        if taken.get(0) {
            return Ok(());
        }
        if told.is_none_or(|told| told.elapsed() > TOLD) {
            told = Some(Instant::now());
            tracing::info!("another node looks after the schema; waiting for it");
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn steps(client: &mut Client, allowed: bool) -> Result<(), StoreError> {
    let version = version(client).await?;
    let known = STEPS.len();
    if version > known {
        return Err(StoreError::OtherVersion(format!(
            "its schema is version {version}, this program knows up to {known}: use a newer program"
        )));
    }
    if version < known && !allowed {
        return Err(StoreError::OtherVersion(format!(
            "its schema is version {version} of {known}; run `kefu-bridge migrate` or set storage.migrate = true"
        )));
    }
    for (index, step) in STEPS.iter().enumerate().skip(version) {
        let number = i32::try_from(index + 1).map_err(damaged)?;
        let mut told: Option<Instant> = None;
        loop {
            match take(client, number, step).await {
                Ok(()) => break,
                Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                    if told.is_none_or(|told| told.elapsed() > TOLD) {
                        told = Some(Instant::now());
                        tracing::warn!(
                            version = number,
                            "somebody holds a table that the schema's next version changes (a backup, perhaps); trying again"
                        );
                    }
                    tokio::time::sleep(PATIENCE).await;
                }
                Err(error) => return Err(unavailable(&error)),
            }
        }
        tracing::info!(version = number, "the schema was brought up to date");
    }
    Ok(())
}

/// The schema's version.
async fn version(client: &Client) -> Result<usize, StoreError> {
    let failed = |error: tokio_postgres::Error| unavailable(&error);
    let server =
        "SELECT current_setting('server_version_num')::integer, current_setting('server_version'),
        to_regclass('kefu_schema') IS NOT NULL";
    let row = client.query_one(server, &[]).await.map_err(failed)?;
    if row.get::<_, i32>(0) < OLDEST {
        return Err(StoreError::Unavailable(format!(
            "PostgreSQL {} or newer is needed, this is {}",
            OLDEST / 10_000,
            row.get::<_, &str>(1)
        )));
    }
    if !row.get::<_, bool>(2) {
        return Ok(0);
    }
    let version = "SELECT coalesce(max(version), 0) FROM kefu_schema";
    let row = client.query_one(version, &[]).await.map_err(failed)?;
    usize::try_from(row.get::<_, i32>(0)).map_err(damaged)
}

/// One step, all or nothing.
async fn take(client: &mut Client, number: i32, step: &str) -> Result<(), tokio_postgres::Error> {
    let tx = client.transaction().await?;
    let table = "CREATE TABLE IF NOT EXISTS kefu_schema (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())";
    tx.batch_execute(table).await?;
    tx.batch_execute(step).await?;
    let note = "INSERT INTO kefu_schema (version) VALUES ($1)";
    tx.execute(note, &[&number]).await?;
    tx.commit().await
}
