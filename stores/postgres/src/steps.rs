//! Claiming and taking what is due: each a call of one function in the database.

use std::collections::HashSet;

use bridge_core::{
    clock::Timestamp,
    message::{ArrivalId, BotName, DeadlineKind, DispatchId, ErrandId},
    store::{Accepted, CLAIM_LIMIT, Claim, Due, DueId, DueKind, DueWhat, Errand, StoreError},
};
use tokio_postgres::{Row, types::FromSql};

use crate::{
    horizon::Horizon,
    link::{Link, Values, damaged},
    rows::{self, from_json},
};

/// A column, by its place.
pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(damaged)
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

/// For each of so many who ask: a claim, while there are any.
pub(crate) async fn claims(
    link: &Link,
    horizon: &Horizon,
    now: Option<i64>,
    lease: i64,
    asked: usize,
) -> Result<Vec<Option<Claim>>, StoreError> {
    let limit = i32::try_from(CLAIM_LIMIT).map_err(damaged)?;
    let most = i32::try_from(asked).map_err(damaged)?;
    let sql = "SELECT conversation, fence, conversation_body, contact, contact_body, held, ids, failures, bodies,
            (SELECT k.conversation FROM kin k WHERE k.conversation = c.conversation LIMIT 1) IS NULL
        FROM kefu_claims($1, $2, $3, $4, $5) AS c";
    let from = horizon.queues(link, now).await?.lanes;
    let values: &Values<'_> = &[&now, &lease, &limit, &most, &from];
    let rows = link.query(sql, values).await?;
    let mut claims: Vec<Option<Claim>> = Vec::with_capacity(asked);
    for row in &rows {
        claims.push(Some(claim(row)?));
    }
    claims.resize_with(asked, || None);
    Ok(claims)
}

fn claim(row: &Row) -> Result<Claim, StoreError> {
    let (id, contact): (i64, i64) = (get(row, 0)?, get(row, 3)?);
    let (ids, failures): (Vec<i64>, Vec<i32>) = (get(row, 6)?, get(row, 7)?);
    let bodies: Vec<&str> = get(row, 8)?;
    let mut arrivals = Vec::with_capacity(ids.len());
    for ((id, failures), body) in ids.into_iter().zip(failures).zip(bodies) {
        arrivals.push(Accepted {
            id: ArrivalId(id),
            failures: count(failures),
            arrival: from_json(body)?,
        });
    }
    Ok(Claim {
        fence: u64::try_from(get::<i64>(row, 1)?).map_err(damaged)?,
        conversation: rows::conversation(id, contact, get(row, 2)?)?,
        contact: rows::contact(contact, get(row, 4)?)?,
        arrivals,
        held: u32::try_from(get::<i64>(row, 5)?).unwrap_or(u32::MAX),
        alone: get(row, 9)?,
    })
}

pub(crate) fn fence(fence: u64) -> Result<i64, StoreError> {
    i64::try_from(fence).map_err(damaged)
}

pub(crate) async fn abandon(
    link: &Link,
    now: Option<i64>,
    claim: &Claim,
) -> Result<(), StoreError> {
    let (id, fence) = (claim.conversation.id.0, fence(claim.fence)?);
    let sql = "SELECT kefu_abandon($1, $2, $3)";
    let row = link.first(sql, &[&now, &id, &fence]).await?;
    let held = held(row.as_ref());
    if held == Err(StoreError::Lost) {
        let ids: Vec<i64> = claim
            .arrivals
            .iter()
            .map(|accepted| accepted.id.0)
            .collect();
        let acquit = "UPDATE arrivals SET failures = failures - 1 WHERE id = ANY ($1) AND failures > 0 RETURNING id";
        link.first(acquit, &[&ids]).await?;
    }
    held
}

/// A function's word on whether the caller still had it.
pub(crate) fn held(row: Option<&Row>) -> Result<(), StoreError> {
    match row.map(|row| get::<bool>(row, 0)).transpose()? {
        Some(true) => Ok(()),
        _ => Err(StoreError::Lost),
    }
}

pub(crate) async fn due(
    link: &Link,
    horizon: &Horizon,
    now: Option<i64>,
    kind: DueKind,
    limit: usize,
    lease: i64,
    but: &[String],
) -> Result<Vec<Due>, StoreError> {
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    let (sql, read): (_, fn(&Row) -> Result<Due, StoreError>) = match kind {
        DueKind::Dispatch => return dispatches(link, horizon, now, limit, lease, but).await,
        DueKind::Errand => (
            "SELECT id, fence, attempts, trace, episode, bot, argv, said, conversation, conversation_body, contact,
                contact_body FROM kefu_due_errands($1, $2, $3, $4) ORDER BY id",
            errand,
        ),
        DueKind::Deadline => (
            "SELECT conversation, kind, fence, at, episode, conversation_body FROM kefu_due_deadlines($1, $2, $3)
                WHERE $4::text[] IS NOT NULL ORDER BY at",
            deadline,
        ),
    };
    let rows = link.query(sql, &[&now, &limit, &lease, &but]).await?;
    rows.iter().map(read).collect()
}

async fn dispatches(
    link: &Link,
    horizon: &Horizon,
    now: Option<i64>,
    limit: i32,
    lease: i64,
    but: &[String],
) -> Result<Vec<Due>, StoreError> {
    let queues = horizon.queues(link, now).await?;
    let (inboxes, froms) = queues.columns();
    let sql = "SELECT id, fence, attempts, body FROM kefu_due_dispatches($1, $2, $3, $4, $5, $6) ORDER BY id";
    let values: &Values<'_> = &[&now, &limit, &lease, &but, &inboxes, &froms];
    let due: Vec<Due> = link
        .query(sql, values)
        .await?
        .iter()
        .map(dispatch)
        .collect::<Result<_, _>>()?;
    for one in &due {
        if let DueWhat::Dispatch(dispatch) = &one.what {
            horizon.met(dispatch.inbox.as_str());
        }
    }
    Ok(due)
}

/// One dispatch that nobody has in hand, wherever it stands in its lane.
pub(crate) async fn take(
    link: &Link,
    now: Option<i64>,
    dispatch: DispatchId,
    lease: i64,
) -> Result<Option<DueId>, StoreError> {
    let sql = "UPDATE dispatches SET fence = nextval('fences'), until = kefu_now($1) + $3
        WHERE id = $2 AND until <= kefu_now($1) RETURNING fence";
    let row = link.first(sql, &[&now, &dispatch.0, &lease]).await?;
    row.map(|row| taken(DueKind::Dispatch, dispatch.0, None, get(&row, 0)?))
        .transpose()
}

/// Renews what was taken, in one call for all. Those that are not the taker's any more.
pub(crate) async fn renew(
    link: &Link,
    now: Option<i64>,
    held: &[DueId],
    lease: i64,
) -> Result<Vec<DueId>, StoreError> {
    let of = |kind| -> Vec<i64> {
        let those = held.iter().filter(|due| due.kind == kind);
        those.map(|due| due.id).collect()
    };
    let (dispatches, errands) = (of(DueKind::Dispatch), of(DueKind::Errand));
    let deadlines = of(DueKind::Deadline);
    let fences: Vec<i64> = held
        .iter()
        .map(|due| fence(due.fence))
        .collect::<Result<_, _>>()?;
    let sql = "SELECT kefu_renew($1, $2, $3, $4, $5, $6)";
    let values: &Values<'_> = &[&now, &lease, &dispatches, &errands, &deadlines, &fences];
    let row = link.first(sql, values).await?;
    let row = row.ok_or_else(|| damaged("renewing said nothing"))?;
    let ours: HashSet<i64> = get::<Vec<i64>>(&row, 0)?.into_iter().collect();
    let lost = held.iter().zip(&fences);
    let lost = lost.filter(|(_, fence)| !ours.contains(fence));
    Ok(lost.map(|(due, _)| due.clone()).collect())
}

/// Makes due what a clock that was set back has put off. Whether there was anything.
pub(crate) async fn recall(
    link: &Link,
    now: Option<i64>,
    farther_than: i64,
) -> Result<bool, StoreError> {
    let sql = "SELECT kefu_recall($1, $2)";
    let row = link.first(sql, &[&now, &farther_than]).await?;
    Ok(row.map(|row| get(&row, 0)).transpose()?.unwrap_or_default())
}

pub(crate) fn taken(
    kind: DueKind,
    id: i64,
    deadline: Option<DeadlineKind>,
    fence: i64,
) -> Result<DueId, StoreError> {
    Ok(DueId {
        kind,
        id,
        deadline,
        fence: u64::try_from(fence).map_err(damaged)?,
    })
}

fn dispatch(row: &Row) -> Result<Due, StoreError> {
    let id = get(row, 0)?;
    let mut dispatch: bridge_core::channel::Dispatch = from_json(get(row, 3)?)?;
    (dispatch.id, dispatch.attempt) = (DispatchId(id), count(get(row, 2)?));
    Ok(Due {
        id: taken(DueKind::Dispatch, id, None, get(row, 1)?)?,
        what: DueWhat::Dispatch(Box::new(dispatch)),
    })
}

fn errand(row: &Row) -> Result<Due, StoreError> {
    let (id, contact): (i64, i64) = (get(row, 0)?, get(row, 10)?);
    let said: Vec<&str> = get(row, 7)?;
    let errand = Errand {
        id: ErrandId(id),
        trace: ArrivalId(get(row, 3)?),
        conversation: rows::conversation(get(row, 8)?, contact, get(row, 9)?)?,
        contact: rows::contact(contact, get(row, 11)?)?,
        episode: count(get(row, 4)?),
        bot: BotName::new(get::<&str>(row, 5)?),
        argv: from_json(get(row, 6)?)?,
        said: said.into_iter().map(from_json).collect::<Result<_, _>>()?,
        attempt: count(get(row, 2)?),
    };
    Ok(Due {
        id: taken(DueKind::Errand, id, None, get(row, 1)?)?,
        what: DueWhat::Errand(Box::new(errand)),
    })
}

fn deadline(row: &Row) -> Result<Due, StoreError> {
    let id: i64 = get(row, 0)?;
    let kind: DeadlineKind = from_json(get(row, 1)?)?;
    let conversation = rows::conversation(id, 0, get(row, 5)?)?;
    Ok(Due {
        id: taken(DueKind::Deadline, id, Some(kind), get(row, 2)?)?,
        what: DueWhat::Deadline {
            conversation: conversation.id,
            thread: conversation.thread,
            kind,
            episode: count(get(row, 4)?),
            at: Timestamp(get(row, 3)?),
        },
    })
}

pub(crate) async fn next_due(
    link: &Link,
    horizon: &Horizon,
    now: Option<i64>,
    kind: DueKind,
    but: &[String],
) -> Result<Option<Timestamp>, StoreError> {
    // Of what is taken the end of its lease counts, of the rest its time: both sides by their index.
    let row = match kind {
        DueKind::Dispatch => {
            let queues = horizon.queues(link, now).await?;
            let (inboxes, froms) = queues.columns();
            let sql = "SELECT kefu_next_dispatch($1, $2, $3)";
            link.first(sql, &[&but, &inboxes, &froms]).await?
        }
        DueKind::Errand => {
            let sql = "SELECT min(CASE WHEN until > 0 THEN until ELSE due_at END) FROM errands e
                WHERE (until > 0 OR bot <> ALL ($1))
                    AND e.id = (SELECT f.id FROM errands f WHERE f.conversation = e.conversation ORDER BY f.id + 0 LIMIT 1)";
            link.first(sql, &[&but]).await?
        }
        DueKind::Deadline => link.first("SELECT kefu_next_deadline()", &[]).await?,
    };
    let at: Option<i64> = row.map(|row| get(&row, 0)).transpose()?.flatten();
    Ok(at.map(Timestamp))
}
