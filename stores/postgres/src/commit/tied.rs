//! A commit with a tie: the tie is written first, and a commit that is refused takes it back.

use bridge_core::{
    message::{DispatchId, ErrandId},
    store::{Committed, StoreError, Tied},
};
use tokio_postgres::types::ToSql;

use super::Commit;
use crate::{
    kin,
    link::{Link, damaged},
    steps::get,
};

/// The commit waits for the tie's word.
const TIED: &str = "SELECT kefu_insist(outcome), dispatched, cancelled, more FROM (
        SELECT kefu_tie($2, $3, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43) AS done OFFSET 0) AS tied,
    LATERAL kefu_commit(CASE WHEN tied.done THEN $1::bigint END, $2, $3, $4, $5, $6, $7, $8, $9,
    $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)";

/// One of the things a commit has several of, as a column.
fn column<'a, T, R>(of: &'a [T], one: impl Fn(&'a T) -> R) -> Vec<R> {
    of.iter().map(one).collect()
}

pub(crate) async fn commit(
    link: &Link,
    commit: &Commit,
    tied: &Tied,
) -> Result<Committed, StoreError> {
    let agent = commit.agent.as_ref().map(|agent| agent.as_str());
    let (contact, contact_body) = match &commit.contact {
        Some((id, body)) => (Some(*id), Some(body)),
        None => (None, None),
    };
    let Commit {
        done,
        entries,
        dispatches,
        asks,
        threads,
        deadlines,
        ..
    } = commit;
    let tie = kin::Columns::of(tied)?;
    let values: [&(dyn ToSql + Sync); 43] = [
        &commit.now,
        &commit.id,
        &commit.fence,
        &commit.body,
        &commit.phase,
        &agent,
        &commit.seats,
        &contact,
        &contact_body,
        &column(done, |(id, _)| *id),
        &column(done, |(_, verdict)| verdict.as_str()),
        &column(entries, |line| line.trace),
        &column(entries, |line| line.author.as_str()),
        &column(entries, |line| line.body.as_str()),
        &column(entries, |line| line.at),
        &commit.episode,
        &column(dispatches, |outgoing| outgoing.lane.as_str()),
        &column(dispatches, |outgoing| outgoing.held),
        &column(dispatches, |outgoing| outgoing.trace),
        &column(dispatches, |outgoing| outgoing.body.as_str()),
        &commit.release,
        &commit.lane,
        &commit.cancel,
        &column(asks, |ask| ask.trace),
        &column(asks, |ask| ask.bot.as_str()),
        &column(asks, |ask| ask.argv.as_str()),
        &column(asks, |ask| ask.said.as_str()),
        &column(asks, |ask| ask.due),
        &column(asks, |ask| ask.latest),
        &column(threads, |thread| thread.inbox.as_str()),
        &column(threads, |thread| thread.peer.as_str()),
        &column(deadlines, |(kind, _)| kind.as_str()),
        &column(deadlines, |(_, at)| *at),
        &tie.tie,
        &tie.other,
        &tie.handles,
        &tie.seen,
        &tie.conversations,
        &tie.episodes,
        &tie.traces,
        &tie.ats,
        &tie.authors,
        &tie.bodies,
    ];
    let row = link
        .first(TIED, &values)
        .await
        .map_err(|error| match error {
            StoreError::SeatTaken(_) => commit
                .agent
                .clone()
                .map_or(StoreError::Lost, StoreError::SeatTaken),
            error => error,
        })?;
    let row = row.ok_or_else(|| damaged("commit said nothing"))?;
    let (dispatched, cancelled): (Vec<i64>, Vec<i64>) = (get(&row, 1)?, get(&row, 2)?);
    Ok(Committed {
        dispatches: dispatched.into_iter().map(DispatchId).collect(),
        cancelled: cancelled.into_iter().map(ErrandId).collect(),
        more: get(&row, 3)?,
    })
}
