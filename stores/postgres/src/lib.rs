//! The store of a cluster: PostgreSQL. Each step of the message path is one function in the database
//! (`migrations/2-steps.sql`): one round trip, one transaction, and no client in the middle of it that could be killed or
//! stopped while it holds locks. Callbacks that come in side by side are accepted in one batch ([`accept`]). A database out
//! of reach is [`StoreError::Unavailable`] within seconds, and is used again as soon as it is back.

mod accept;
mod confirm;
mod kin;
mod link;
mod quiet;
mod read;
mod rows;
mod schema;
mod shared;
mod steps;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bridge_core::{
    clock::{Clock, Timestamp},
    message::{ArrivalId, DispatchId, WorkerId},
    store::{
        Changes, Claim, Committed, Due, DueId, DueKind, Intake, Settlement, Store, StoreError,
    },
};

pub use self::quiet::Quiet;
use self::{
    accept::Acceptor,
    link::{Hold, Link},
    shared::Shared,
    steps::Sent,
};

/// How a store is connected.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether the schema is brought to this version.
    pub migrate: bool,
    /// Connections.
    pub connections: usize,
    /// The longest a call may take, the wait for a connection included.
    pub call: Duration,
    /// Whose clock decides what is due and which lease is over. The database's own makes skew between nodes harmless.
    pub time: Time,
}

/// Whose clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// The database's.
    Database,
    /// The one that the store was given: tests own it.
    Given,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            migrate: true,
            connections: 16,
            call: Duration::from_secs(4),
            time: Time::Database,
        }
    }
}

/// The store in PostgreSQL.
pub struct Postgres {
    link: Arc<Link>,
    acceptor: Acceptor,
    claims: Shared<(Option<i64>, i64), Option<Claim>>,
    sent: Shared<Sent, bool>,
    clock: Arc<dyn Clock>,
    time: Time,
}

impl Postgres {
    /// Connects to `postgres://user:password@host:port/database` and looks at the schema.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it cannot be reached or the schema is older and may not be migrated;
    /// [`StoreError::Damaged`] where the URL is none or the schema is newer than this program. No password is in any of
    /// them.
    pub async fn connect(
        url: &str,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Arc<Self>, StoreError> {
        let link = Arc::new(Link::new(url, options, Hold::Shared)?);
        schema::migrate(&link, options.migrate).await?;
        if quiet::unfinished(&link).await? {
            return Err(StoreError::Unavailable(
                "a copy into it was not finished: run `kefu-bridge store copy` again".to_owned(),
            ));
        }
        Ok(Arc::new(Self {
            acceptor: Acceptor::start(link.clone()),
            claims: share_claims(link.clone()),
            sent: share_sent(link.clone()),
            link,
            clock,
            time: options.time,
        }))
    }

    /// `None` where the database's clock counts.
    fn now(&self) -> Option<i64> {
        match self.time {
            Time::Database => None,
            Time::Given => Some(self.clock.now().0),
        }
    }
}

fn share_claims(link: Arc<Link>) -> Shared<(Option<i64>, i64), Option<Claim>> {
    Shared::start(move |asked: Vec<(Option<i64>, i64)>| {
        let link = link.clone();
        async move {
            let (now, lease) = asked.first().copied().unwrap_or_default();
            steps::claims(&link, now, lease, asked.len()).await
        }
    })
}

fn share_sent(link: Arc<Link>) -> Shared<Sent, bool> {
    Shared::start(move |sent: Vec<Sent>| {
        let link = link.clone();
        async move { steps::settle_sent(&link, &sent).await }
    })
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for Postgres {
    async fn accept(&self, intake: Intake) -> Result<Vec<Option<ArrivalId>>, StoreError> {
        self.acceptor
            .accept(intake, self.now(), self.clock.now())
            .await
    }

    async fn claim(&self, _: &WorkerId, lease: Duration) -> Result<Option<Claim>, StoreError> {
        self.claims.ask((self.now(), millis(lease))).await
    }

    async fn commit(&self, claim: Claim, changes: Changes) -> Result<Committed, StoreError> {
        steps::commit(&self.link, self.now(), self.clock.now(), claim, changes).await
    }

    async fn abandon(&self, claim: Claim) -> Result<(), StoreError> {
        steps::abandon(&self.link, self.now(), &claim).await
    }

    async fn due(
        &self,
        kind: DueKind,
        _: &WorkerId,
        limit: usize,
        lease: Duration,
        but: &[String],
    ) -> Result<Vec<Due>, StoreError> {
        steps::due(&self.link, self.now(), kind, limit, millis(lease), but).await
    }

    async fn take(
        &self,
        dispatch: DispatchId,
        _: &WorkerId,
        lease: Duration,
    ) -> Result<Option<DueId>, StoreError> {
        steps::take(&self.link, self.now(), dispatch, millis(lease)).await
    }

    async fn settle(&self, due: &DueId, settlement: Settlement) -> Result<(), StoreError> {
        if let (DueKind::Dispatch, Settlement::Done { external_id, lost }) = (due.kind, &settlement)
        {
            let sent = Sent {
                now: self.now(),
                id: due.id,
                fence: due.fence,
                external_id: external_id.clone(),
                lost: lost.clone(),
            };
            return match self.sent.ask(sent).await? {
                true => Ok(()),
                false => Err(StoreError::Lost),
            };
        }
        steps::settle(&self.link, self.now(), self.clock.now(), due, settlement).await
    }

    async fn next_due(
        &self,
        kind: DueKind,
        but: &[String],
    ) -> Result<Option<Timestamp>, StoreError> {
        steps::next_due(&self.link, kind, but).await
    }
}
