//! The schema, by version. One node migrates while the others wait; a lock of the database sees to that.

use bridge_core::store::StoreError;
use tokio_postgres::Client;

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
];

/// The lock of migrations: any number that nobody else uses.
const LOCK: i64 = 0x6b65_6675;

/// Brings the database to this version's schema.
pub(crate) async fn migrate(link: &Link, allowed: bool) -> Result<(), StoreError> {
    let mut client = link.client().await?;
    let failed = |error: tokio_postgres::Error| unavailable(&error);
    // Others may be at it for longer than a call may take.
    let patient = "SET statement_timeout = 0; SET lock_timeout = 0";
    client.batch_execute(patient).await.map_err(failed)?;
    let lock = "SELECT pg_advisory_lock($1)";
    client.execute(lock, &[&LOCK]).await.map_err(failed)?;
    let migrated = steps(&mut client, allowed).await;
    let unlock = "SELECT pg_advisory_unlock($1)";
    client.execute(unlock, &[&LOCK]).await.map_err(failed)?;
    // This connection was made patient: it is not for the pool.
    drop(deadpool_postgres::Object::take(client));
    migrated
}

async fn steps(client: &mut Client, allowed: bool) -> Result<(), StoreError> {
    let failed = |error: tokio_postgres::Error| unavailable(&error);
    let exists = "SELECT to_regclass('kefu_schema') IS NOT NULL";
    let exists: bool = client.query_one(exists, &[]).await.map_err(failed)?.get(0);
    let version = match exists {
        true => {
            let version = "SELECT coalesce(max(version), 0) FROM kefu_schema";
            client.query_one(version, &[]).await.map_err(failed)?.get(0)
        }
        false => 0_i32,
    };
    let (known, version) = (STEPS.len(), usize::try_from(version).map_err(damaged)?);
    if version > known {
        return Err(damaged(format!(
            "its schema is version {version}, this program knows up to {known}: use a newer program"
        )));
    }
    if version < known && !allowed {
        return Err(StoreError::Unavailable(format!(
            "its schema is version {version} of {known}; run `kefu-bridge migrate` or set storage.migrate = true"
        )));
    }
    for (index, step) in STEPS.iter().enumerate().skip(version) {
        let tx = client.transaction().await.map_err(failed)?;
        let table = "CREATE TABLE IF NOT EXISTS kefu_schema (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())";
        tx.batch_execute(table).await.map_err(failed)?;
        tx.batch_execute(step).await.map_err(failed)?;
        let number = i32::try_from(index + 1).map_err(damaged)?;
        let note = "INSERT INTO kefu_schema (version) VALUES ($1)";
        tx.execute(note, &[&number]).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        tracing::info!(version = number, "the schema was brought up to date");
    }
    Ok(())
}
