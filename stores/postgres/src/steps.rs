//! The steps of the message path: each a call of one function in the database.

use bridge_core::{
    clock::Timestamp,
    convert::Loss,
    message::{ArrivalId, BotName, DeadlineKind, DispatchId, ErrandId, ThreadKey},
    store::{
        Accepted, CLAIM_LIMIT, Changes, Claim, Committed, Due, DueId, DueKind, DueWhat, Errand,
        Intake, Settlement, StoreError,
    },
};
use tokio_postgres::{
    Row,
    types::{FromSql, ToSql},
};

use crate::{
    accept::Columns,
    kin,
    link::{Link, damaged},
    rows::{self, contact_lane, from_json, lane, phase_number, to_json},
};

/// A column, by its place.
fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(damaged)
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

/// For each of so many who ask: a claim, while there are any.
pub(crate) async fn claims(
    link: &Link,
    now: Option<i64>,
    lease: i64,
    asked: usize,
) -> Result<Vec<Option<Claim>>, StoreError> {
    let limit = i32::try_from(CLAIM_LIMIT).map_err(damaged)?;
    let most = i32::try_from(asked).map_err(damaged)?;
    let sql = "SELECT conversation, fence, conversation_body, contact, contact_body, held, ids, failures, bodies
        FROM kefu_claims($1, $2, $3, $4)";
    let rows = link.query(sql, &[&now, &lease, &limit, &most]).await?;
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
    })
}

/// A dispatch that was sent.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) now: Option<i64>,
    pub(crate) id: i64,
    pub(crate) fence: u64,
    pub(crate) external_id: Option<String>,
    pub(crate) lost: Vec<Loss>,
}

/// Settles them; whether each was still the settler's.
pub(crate) async fn settle_sent(link: &Link, sent: &[Sent]) -> Result<Vec<bool>, StoreError> {
    let now = sent.first().and_then(|one| one.now);
    let ids: Vec<i64> = sent.iter().map(|one| one.id).collect();
    let external: Vec<Option<&str>> = sent.iter().map(|one| one.external_id.as_deref()).collect();
    let (mut fences, mut losts) = (Vec::new(), Vec::new());
    for one in sent {
        fences.push(fence(one.fence)?);
        losts.push(to_json(&one.lost)?);
    }
    let sql = "SELECT fence FROM kefu_settle_sent($1, $2, $3, $4, $5) AS settled(fence)";
    let rows = link
        .query(sql, &[&now, &ids, &fences, &external, &losts])
        .await?;
    let mut settled = rows
        .iter()
        .map(|row| get::<i64>(row, 0))
        .collect::<Result<std::collections::HashSet<_>, _>>()?;
    // No two takings have one fence: of two who settle the same taking one was first.
    Ok(fences.iter().map(|fence| settled.remove(fence)).collect())
}

fn fence(fence: u64) -> Result<i64, StoreError> {
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
    held(row.as_ref())
}

/// A function's word on whether the caller still had it.
fn held(row: Option<&Row>) -> Result<(), StoreError> {
    match row.map(|row| get::<bool>(row, 0)).transpose()? {
        Some(true) => Ok(()),
        _ => Err(StoreError::Lost),
    }
}

/// What a commit changes, a column each.
struct Written {
    conversation: String,
    contact: Option<(i64, String)>,
    done: (Vec<i64>, Vec<String>),
    entries: (Vec<i64>, Vec<String>, Vec<String>, Vec<i64>),
    dispatches: (Vec<String>, Vec<bool>, Vec<i64>, Vec<String>),
    asks: Asks,
    threads: (Vec<String>, Vec<String>),
    deadlines: (Vec<String>, Vec<Option<i64>>),
}

#[derive(Default)]
struct Asks {
    traces: Vec<i64>,
    bots: Vec<String>,
    argvs: Vec<String>,
    said: Vec<String>,
    due: Vec<i64>,
    latest: Vec<i64>,
}

impl Written {
    fn of(changes: &mut Changes, claim: &Claim, at: Timestamp) -> Result<Self, StoreError> {
        let mut written = Self {
            conversation: to_json(&changes.conversation)?,
            contact: None,
            done: Default::default(),
            entries: Default::default(),
            dispatches: Default::default(),
            asks: Asks::default(),
            threads: Default::default(),
            deadlines: Default::default(),
        };
        if let Some(contact) = &changes.contact {
            written.contact = Some((contact.id.0, to_json(contact)?));
        }
        for (id, verdict) in &changes.done {
            written.done.0.push(id.0);
            written.done.1.push(to_json(verdict)?);
        }
        for entry in &changes.entries {
            written.entries.0.push(entry.trace.0);
            written.entries.1.push(to_json(&entry.author)?);
            written.entries.2.push(to_json(&entry.content)?);
            written.entries.3.push(entry.at.0);
        }
        for new in changes.dispatches.drain(..) {
            let sender = new.sender.as_ref().map(|sender| &sender.id);
            written.dispatches.0.push(lane(&new.inbox, &new.to, sender));
            written.dispatches.1.push(new.held);
            written.dispatches.2.push(new.trace.0);
            let row = rows::dispatch(new, claim.conversation.id, at);
            written.dispatches.3.push(to_json(&row)?);
        }
        for ask in &changes.asks {
            written.asks.traces.push(ask.trace.0);
            written.asks.bots.push(ask.bot.to_string());
            written.asks.argvs.push(to_json(&ask.argv)?);
            written.asks.said.push(to_json(&ask.said)?);
            written.asks.due.push(ask.due_at.0);
            written.asks.latest.push(ask.latest.0);
        }
        for ThreadKey { inbox, peer } in &changes.threads {
            written.threads.0.push(inbox.to_string());
            written.threads.1.push(peer.to_string());
        }
        // Of two words on one deadline the last counts.
        let mut deadlines: Vec<(DeadlineKind, Option<Timestamp>)> = Vec::new();
        for (kind, at) in &changes.deadlines {
            deadlines.retain(|(other, _)| other != kind);
            deadlines.push((*kind, *at));
        }
        for (kind, at) in deadlines {
            written.deadlines.0.push(to_json(&kind)?);
            written.deadlines.1.push(at.map(|at| at.0));
        }
        Ok(written)
    }
}

const COMMIT: &str = "SELECT outcome, dispatched, cancelled, more FROM kefu_commit($1, $2, $3, $4, $5, $6, $7, $8, $9,
    $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)";

/// With a tie, which is written first: the commit waits for its word, and a commit that is refused takes it back.
const TIED: &str = "SELECT kefu_insist(outcome), dispatched, cancelled, more FROM (
        SELECT kefu_tie($2, $3, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43) AS done OFFSET 0) AS tied,
    LATERAL kefu_commit(CASE WHEN tied.done THEN $1::bigint END, $2, $3, $4, $5, $6, $7, $8, $9,
    $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)";

pub(crate) async fn commit(
    link: &Link,
    now: Option<i64>,
    at: Timestamp,
    claim: Claim,
    mut changes: Changes,
) -> Result<Committed, StoreError> {
    let written = Written::of(&mut changes, &claim, at)?;
    let conversation = &changes.conversation;
    let agent = conversation.agent().map(ToString::to_string);
    // Seats count where the conversation is given to the very agent they are told for.
    let seats = changes
        .capacity
        .as_ref()
        .filter(|(name, _)| conversation.agent() == Some(name))
        .map(|(_, seats)| i32::try_from(*seats).unwrap_or(i32::MAX));
    let (contact_id, contact_body) = match &written.contact {
        Some((id, body)) => (Some(*id), Some(body)),
        None => (None, None),
    };
    let (id, fence) = (claim.conversation.id.0, fence(claim.fence)?);
    let phase = phase_number(&conversation.phase);
    let episode = i32::try_from(conversation.episode).map_err(damaged)?;
    let release = i32::try_from(changes.release).unwrap_or(i32::MAX);
    let lane = contact_lane(&conversation.thread);
    let Written {
        conversation: body,
        done,
        entries,
        dispatches,
        asks,
        threads,
        deadlines,
        ..
    } = &written;
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![
        &now,
        &id,
        &fence,
        body,
        &phase,
        &agent,
        &seats,
        &contact_id,
        &contact_body,
        &done.0,
        &done.1,
        &entries.0,
        &entries.1,
        &entries.2,
        &entries.3,
        &episode,
        &dispatches.0,
        &dispatches.1,
        &dispatches.2,
        &dispatches.3,
        &release,
        &lane,
        &changes.cancel_errands,
        &asks.traces,
        &asks.bots,
        &asks.argvs,
        &asks.said,
        &asks.due,
        &asks.latest,
        &threads.0,
        &threads.1,
        &deadlines.0,
        &deadlines.1,
    ];
    let tied = changes.tie.as_ref().map(kin::Columns::of).transpose()?;
    if let Some(tied) = &tied {
        let more: [&(dyn ToSql + Sync); 10] = [
            &tied.tie,
            &tied.other,
            &tied.handles,
            &tied.seen,
            &tied.conversations,
            &tied.episodes,
            &tied.traces,
            &tied.ats,
            &tied.authors,
            &tied.bodies,
        ];
        values.extend(more);
    }
    let sql = if tied.is_some() { TIED } else { COMMIT };
    let taken = |error| match (error, conversation.agent()) {
        (StoreError::SeatTaken(_), Some(agent)) => StoreError::SeatTaken(agent.clone()),
        (error, _) => error,
    };
    let row = link
        .first(sql, &values)
        .await
        .map_err(taken)?
        .ok_or_else(|| damaged("commit said nothing"))?;
    match get::<&str>(&row, 0)? {
        "ok" => {}
        "seat" => {
            let agent = conversation.agent().cloned();
            return Err(agent.map_or(StoreError::Lost, StoreError::SeatTaken));
        }
        _ => return Err(StoreError::Lost),
    }
    let (dispatched, cancelled): (Vec<i64>, Vec<i64>) = (get(&row, 1)?, get(&row, 2)?);
    Ok(Committed {
        dispatches: dispatched.into_iter().map(DispatchId).collect(),
        cancelled: cancelled.into_iter().map(ErrandId).collect(),
        more: get(&row, 3)?,
    })
}

pub(crate) async fn due(
    link: &Link,
    now: Option<i64>,
    kind: DueKind,
    limit: usize,
    lease: i64,
    but: &[String],
) -> Result<Vec<Due>, StoreError> {
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    let (sql, read): (_, fn(&Row) -> Result<Due, StoreError>) = match kind {
        DueKind::Dispatch => (
            "SELECT id, fence, attempts, body FROM kefu_due_dispatches($1, $2, $3, $4) ORDER BY id",
            dispatch,
        ),
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

fn taken(
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

pub(crate) async fn settle(
    link: &Link,
    now: Option<i64>,
    opened_at: Timestamp,
    due: &DueId,
    settlement: Settlement,
) -> Result<(), StoreError> {
    let (mut at, mut reason, mut external, mut lost, mut cue) =
        (None, None, None, "[]".to_owned(), None);
    let outcome = match settlement {
        Settlement::Done {
            external_id,
            lost: losses,
        } => {
            external = external_id;
            lost = to_json(&losses)?;
            "done"
        }
        Settlement::Retry {
            at: then,
            reason: why,
            tried,
        } => {
            (at, reason) = (Some(then.0), Some(why));
            // Of an errand every try counts.
            if tried || due.kind != DueKind::Dispatch {
                "retry"
            } else {
                "postpone"
            }
        }
        Settlement::Held {
            reason: why,
            cue: told,
        } => {
            (reason, cue) = (Some(why), told);
            "held"
        }
        Settlement::Dead {
            reason: why,
            cue: told,
        } => {
            (reason, cue) = (Some(why), told);
            "dead"
        }
    };
    // A cue belongs to a thread that exists: whom it would be opened for does not matter.
    let intake = Intake {
        arrivals: cue.into_iter().map(|cue| *cue).collect(),
        cursor: None,
        entry: BotName::new("transfer"),
    };
    let told = Columns::of(intake, opened_at)?;
    let [inbox, from, peer, body, opened, contact] = told.arrivals();
    let fence = fence(due.fence)?;
    let row = match (due.kind, due.deadline) {
        (DueKind::Dispatch, _) => {
            let sql = "SELECT kefu_settle_dispatch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
            link.first(
                sql,
                &[
                    &now, &due.id, &fence, &outcome, &at, &reason, &external, &lost, inbox, from,
                    peer, body, opened, contact,
                ],
            )
            .await?
        }
        (DueKind::Errand, _) => {
            let sql = "SELECT kefu_settle_errand($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
            let values: &crate::link::Values<'_> = &[
                &now, &due.id, &fence, &outcome, &at, inbox, from, peer, body, opened, contact,
            ];
            link.first(sql, values).await?
        }
        (DueKind::Deadline, Some(kind)) => {
            let sql =
                "SELECT kefu_settle_deadline($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
            let kind = to_json(&kind)?;
            let values: &crate::link::Values<'_> = &[
                &now, &due.id, &kind, &fence, &outcome, &at, inbox, from, peer, body, opened,
                contact,
            ];
            link.first(sql, values).await?
        }
        (DueKind::Deadline, None) => return Err(StoreError::Lost),
    };
    held(row.as_ref())
}

pub(crate) async fn next_due(
    link: &Link,
    kind: DueKind,
    but: &[String],
) -> Result<Option<Timestamp>, StoreError> {
    // Of what is taken the end of its lease counts, of the rest its time: both sides by their index.
    let sql = match kind {
        DueKind::Dispatch => "SELECT kefu_next_dispatch($1)",
        DueKind::Errand => {
            "SELECT min(CASE WHEN until > 0 THEN until ELSE due_at END) FROM errands e
                WHERE (until > 0 OR bot <> ALL ($1)) AND NOT EXISTS (SELECT 1 FROM errands f WHERE f.conversation = e.conversation AND f.id < e.id)"
        }
        DueKind::Deadline => {
            "SELECT min(at) FROM (
                (SELECT at FROM deadlines WHERE until = 0 ORDER BY at LIMIT 1)
                UNION ALL (SELECT until FROM deadlines WHERE until > 0)) AS times(at) WHERE $1::text[] IS NOT NULL"
        }
    };
    let row = link.first(sql, &[&but]).await?;
    let at: Option<i64> = row.map(|row| get(&row, 0)).transpose()?.flatten();
    Ok(at.map(Timestamp))
}
