//! A batch of intakes as the columns of one call, and what the call says to each of them.

use std::collections::HashMap;

use bridge_core::{
    message::{ArrivalId, ThreadKey},
    store::{Accepted, CLAIM_LIMIT, Claim, StoreError},
};
use tokio_postgres::Row;

use super::{Taken, Waiting, opened, thread};
use crate::{
    link::{Link, damaged},
    rows,
};

/// Intakes that go together.
pub(super) struct Batch<'a> {
    all: &'a [Waiting],
    inbox: Vec<&'a str>,
    external: Vec<&'a str>,
    peer: Vec<&'a str>,
    body: Vec<&'a str>,
    hands: Vec<bool>,
    /// Intake and arrival of each row. What comes twice is given once.
    places: Vec<(usize, usize)>,
    /// Rows, counted from 1, whose threads may lead nowhere, and what to open then.
    new: Vec<i32>,
    opened: Vec<String>,
    contact: Vec<String>,
    cursor_inbox: Vec<&'a str>,
    topic: Vec<&'a str>,
    cursor: Vec<&'a str>,
}

const ACCEPT: &str =
    "SELECT places, ids, conversations, lanes, fences, bodies, contacts, contact_bodies, held,
        ARRAY(SELECT (SELECT k.conversation FROM kin k WHERE k.conversation = l.id LIMIT 1) IS NULL
            FROM unnest(lanes) WITH ORDINALITY AS l(id, nth) ORDER BY l.nth)
    FROM kefu_accept_in_hand($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
) -> Result<Option<Vec<T>>, StoreError> {
    row.try_get(column).map_err(damaged)
}

impl<'a> Batch<'a> {
    /// `known`: threads that lead somewhere.
    pub(super) fn of(
        all: &'a [Waiting],
        known: impl Fn(&ThreadKey) -> bool,
    ) -> Result<Self, StoreError> {
        let mut batch = Self {
            all,
            inbox: Vec::with_capacity(all.len()),
            external: Vec::with_capacity(all.len()),
            peer: Vec::with_capacity(all.len()),
            body: Vec::with_capacity(all.len()),
            hands: Vec::with_capacity(all.len()),
            places: Vec::with_capacity(all.len()),
            new: Vec::new(),
            opened: Vec::new(),
            contact: Vec::new(),
            cursor_inbox: Vec::new(),
            topic: Vec::new(),
            cursor: Vec::new(),
        };
        let mut met = std::collections::HashSet::new();
        for (index, one) in all.iter().enumerate() {
            for (nth, (arrival, body)) in one.intake.arrivals.iter().zip(&one.bodies).enumerate() {
                if !met.insert((&arrival.inbox, &arrival.external_id)) {
                    continue;
                }
                batch.inbox.push(arrival.inbox.as_str());
                batch.external.push(arrival.external_id.as_str());
                batch.peer.push(arrival.peer.as_str());
                batch.body.push(body);
                batch.hands.push(one.free());
                batch.places.push((index, nth));
                if !known(&thread(arrival)) {
                    let (conversation, contact) =
                        opened(arrival, &one.intake.entry, one.opened_at)?;
                    let row = i32::try_from(batch.places.len()).map_err(damaged)?;
                    batch.new.push(row);
                    batch.opened.push(conversation);
                    batch.contact.push(contact);
                }
            }
            if let Some(moved) = &one.intake.cursor {
                batch.cursor_inbox.push(moved.inbox.as_str());
                batch.topic.push(&moved.topic);
                batch.cursor.push(&moved.cursor);
            }
        }
        Ok(batch)
    }

    /// Whether it relies on threads that were known.
    pub(super) fn trusts(&self) -> bool {
        self.new.len() < self.places.len()
    }

    pub(super) async fn accept(&self, link: &Link) -> Result<Vec<Taken>, StoreError> {
        // One clock and one lease for all: they came together.
        let now = self.all.first().and_then(|one| one.now);
        let lease = self.all.iter().find_map(|one| one.hand).unwrap_or_default();
        let limit = i32::try_from(CLAIM_LIMIT).map_err(damaged)?;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 14] = [
            &now,
            &lease,
            &limit,
            &self.inbox,
            &self.external,
            &self.peer,
            &self.body,
            &self.hands,
            &self.new,
            &self.opened,
            &self.contact,
            &self.cursor_inbox,
            &self.topic,
            &self.cursor,
        ];
        let row = link.first(ACCEPT, &values).await?;
        self.taken(&row.ok_or_else(|| damaged("accept said nothing"))?)
    }

    fn taken(&self, row: &Row) -> Result<Vec<Taken>, StoreError> {
        let numberless = |one: &Waiting| -> Taken { (vec![None; one.intake.arrivals.len()], None) };
        let mut taken: Vec<Taken> = self.all.iter().map(numberless).collect();
        let places: Vec<i32> = get(row, 0)?.unwrap_or_default();
        let ids: Vec<i64> = get(row, 1)?.unwrap_or_default();
        let conversations: Vec<i64> = get(row, 2)?.unwrap_or_default();
        let mut claims = claims(row)?;
        // Who gets each claim: the first of those who opened its work and are free.
        let mut owners: HashMap<i64, usize> = HashMap::new();
        for ((place, id), conversation) in places.into_iter().zip(ids).zip(conversations) {
            let place = usize::try_from(place - 1)
                .ok()
                .and_then(|row| self.places.get(row));
            let Some((index, nth)) = place.copied() else {
                return Err(damaged("accept spoke of what it was not given"));
            };
            taken[index].0[nth] = Some(ArrivalId(id));
            if let Some(claim) = claims.get_mut(&conversation) {
                claim.arrivals.push(Accepted {
                    id: ArrivalId(id),
                    failures: 0,
                    arrival: self.all[index].intake.arrivals[nth].clone(),
                });
                if self.all[index].free() {
                    owners.entry(conversation).or_insert(index);
                }
            }
        }
        for (conversation, claim) in claims {
            if let Some(owner) = owners.get(&conversation) {
                taken[*owner].1 = Some(claim);
            }
        }
        Ok(taken)
    }
}

/// The claims, by conversation; their arrivals are for us to fill in.
fn claims(row: &Row) -> Result<HashMap<i64, Claim>, StoreError> {
    let mut claims = HashMap::new();
    let Some(lanes) = get::<i64>(row, 3)? else {
        return Ok(claims);
    };
    let fences: Vec<i64> = get(row, 4)?.unwrap_or_default();
    let bodies: Vec<&str> = get(row, 5)?.unwrap_or_default();
    let contacts: Vec<i64> = get(row, 6)?.unwrap_or_default();
    let contact_bodies: Vec<&str> = get(row, 7)?.unwrap_or_default();
    let held: Vec<i64> = get(row, 8)?.unwrap_or_default();
    let alone: Vec<bool> = get(row, 9)?.unwrap_or_default();
    let lanes = lanes.into_iter().zip(fences).zip(bodies);
    let contacts = contacts.into_iter().zip(contact_bodies);
    let about = contacts.zip(held).zip(alone);
    for (((lane, fence), body), (((contact, contact_body), held), alone)) in lanes.zip(about) {
        let claim = Claim {
            fence: u64::try_from(fence).map_err(damaged)?,
            conversation: rows::conversation(lane, contact, body)?,
            contact: rows::contact(contact, contact_body)?,
            arrivals: Vec::new(),
            held: u32::try_from(held).unwrap_or(u32::MAX),
            alone,
        };
        claims.insert(lane, claim);
    }
    Ok(claims)
}
