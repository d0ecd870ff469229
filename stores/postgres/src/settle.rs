//! What became of something due. Dispatches that nobody is told of are settled together; those with a cue, errands and
//! deadlines are few, and each on its own.

use std::collections::HashSet;

use bridge_core::{
    bot::standing,
    clock::Timestamp,
    message::{Arrival, BotName},
    store::{DueId, DueKind, Settlement, StoreError},
};

use crate::{
    accept::Columns,
    link::{Link, Values, damaged},
    rows::to_json,
    steps::{fence, get, held},
};

/// A dispatch and what became of it.
#[derive(Clone)]
pub(crate) struct Settled {
    pub(crate) now: Option<i64>,
    id: i64,
    fence: i64,
    fate: Fate,
}

/// What becomes of something due, as columns.
#[derive(Clone)]
struct Fate {
    outcome: &'static str,
    at: Option<i64>,
    reason: Option<String>,
    external: Option<String>,
    lost: String,
}

/// A fate, and the cue that tells of it.
fn fate(kind: DueKind, settlement: Settlement) -> Result<(Fate, Option<Box<Arrival>>), StoreError> {
    let plain = Fate {
        outcome: "done",
        at: None,
        reason: None,
        external: None,
        lost: "[]".to_owned(),
    };
    let because = |outcome, reason| Fate {
        outcome,
        reason: Some(reason),
        ..plain.clone()
    };
    Ok(match settlement {
        Settlement::Done { external_id, lost } => {
            let fate = Fate {
                external: external_id,
                lost: to_json(&lost)?,
                ..plain
            };
            (fate, None)
        }
        Settlement::Retry { at, reason, tried } => {
            // Of an errand every try counts.
            let counts = tried || kind != DueKind::Dispatch;
            let fate = because(if counts { "retry" } else { "postpone" }, reason);
            let at = Some(at.0);
            (Fate { at, ..fate }, None)
        }
        Settlement::Held { reason, cue } => (because("held", reason), cue),
        Settlement::Dead { reason, cue } => (because("dead", reason), cue),
    })
}

impl Settled {
    /// `None` where somebody is to be told, or it is no dispatch.
    pub(crate) fn of(
        now: Option<i64>,
        due: &DueId,
        settlement: &Settlement,
    ) -> Result<Option<Self>, StoreError> {
        let told = matches!(
            settlement,
            Settlement::Held { cue: Some(_), .. } | Settlement::Dead { cue: Some(_), .. }
        );
        if due.kind != DueKind::Dispatch || told {
            return Ok(None);
        }
        Ok(Some(Self {
            now,
            id: due.id,
            fence: fence(due.fence)?,
            fate: fate(due.kind, settlement.clone())?.0,
        }))
    }
}

/// Settles them. For each whether it was still the settler's, and whether others are due now that waited behind one of
/// them.
pub(crate) async fn together(
    link: &Link,
    settled: &[Settled],
) -> Result<Vec<(bool, bool)>, StoreError> {
    let now = settled.first().and_then(|one| one.now);
    let fates = || settled.iter().map(|one| &one.fate);
    let ids: Vec<i64> = settled.iter().map(|one| one.id).collect();
    let fences: Vec<i64> = settled.iter().map(|one| one.fence).collect();
    let outcomes: Vec<&str> = fates().map(|fate| fate.outcome).collect();
    let ats: Vec<Option<i64>> = fates().map(|fate| fate.at).collect();
    let reasons: Vec<Option<&str>> = fates().map(|fate| fate.reason.as_deref()).collect();
    let external: Vec<Option<&str>> = fates().map(|fate| fate.external.as_deref()).collect();
    let losts: Vec<&str> = fates().map(|fate| fate.lost.as_str()).collect();
    let sql = "SELECT settled, promoted FROM kefu_settle_all($1, $2, $3, $4, $5, $6, $7, $8)";
    let values: &Values<'_> = &[
        &now, &ids, &fences, &outcomes, &ats, &reasons, &external, &losts,
    ];
    let row = link.first(sql, values).await?;
    let row = row.ok_or_else(|| damaged("settling said nothing"))?;
    let mut ours: HashSet<i64> = get::<Vec<i64>>(&row, 0)?.into_iter().collect();
    let promoted: bool = get(&row, 1)?;
    // No two takings have one fence: of two who settle the same taking one was first.
    Ok(fences
        .iter()
        .map(|fence| (ours.remove(fence), promoted))
        .collect())
}

/// Settles one, and tells in the same step.
pub(crate) async fn alone(
    link: &Link,
    now: Option<i64>,
    opened_at: Timestamp,
    due: &DueId,
    settlement: Settlement,
) -> Result<(), StoreError> {
    let (fate, cue) = fate(due.kind, settlement)?;
    // A cue belongs to a thread that exists: whom it would be opened for does not matter.
    let cue: Vec<Arrival> = cue.into_iter().map(|cue| *cue).collect();
    let told = Columns::of(&cue, &BotName::new(standing::TRANSFER), opened_at)?;
    let [inbox, from, peer, body, opened, contact] = told.values();
    let fence = fence(due.fence)?;
    let row = match (due.kind, due.deadline) {
        (DueKind::Dispatch, _) => {
            let sql = "SELECT kefu_settle_dispatch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
            let values: &Values<'_> = &[
                &now,
                &due.id,
                &fence,
                &fate.outcome,
                &fate.at,
                &fate.reason,
                &fate.external,
                &fate.lost,
                inbox,
                from,
                peer,
                body,
                opened,
                contact,
            ];
            link.first(sql, values).await?
        }
        (DueKind::Errand, _) => {
            let sql = "SELECT kefu_settle_errand($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
            let values: &Values<'_> = &[
                &now,
                &due.id,
                &fence,
                &fate.outcome,
                &fate.at,
                inbox,
                from,
                peer,
                body,
                opened,
                contact,
            ];
            link.first(sql, values).await?
        }
        (DueKind::Deadline, Some(kind)) => {
            let sql =
                "SELECT kefu_settle_deadline($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
            let kind = to_json(&kind)?;
            let values: &Values<'_> = &[
                &now,
                &due.id,
                &kind,
                &fence,
                &fate.outcome,
                &fate.at,
                inbox,
                from,
                peer,
                body,
                opened,
                contact,
            ];
            link.first(sql, values).await?
        }
        (DueKind::Deadline, None) => return Err(StoreError::Lost),
    };
    held(row.as_ref())
}
