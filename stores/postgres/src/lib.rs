//! The store of a cluster: PostgreSQL. Each step of the message path is one function in the database
//! (`migrations/2-steps.sql`): one round trip, one transaction, and no client in the middle of it that could be killed or
//! stopped while it holds locks. Callbacks that come in side by side are accepted in one batch ([`accept`]). A database out
//! of reach is [`StoreError::Unavailable`] within seconds, and is used again as soon as it is back.

mod accept;
mod commit;
mod confirm;
mod horizon;
mod kin;
mod link;
mod quiet;
mod read;
mod rows;
mod schema;
mod settle;
mod shared;
mod skew;
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

/// Whether a URL says where a database is.
///
/// # Errors
/// [`StoreError::Damaged`] with what to write instead; nothing of the URL is in it.
pub fn readable(url: &str) -> Result<(), StoreError> {
    link::readable(url)
}

use self::{
    accept::Acceptor,
    commit::{Commit, Done},
    horizon::Horizon,
    link::{Hold, Link},
    settle::Settled,
    shared::Shared,
    skew::Skew,
};

/// How a store is connected.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether the schema is brought to this version.
    pub migrate: bool,
    /// How many connections to hold at the most.
    pub connections: usize,
    /// The longest a call may take, the wait for a connection included.
    pub call: Duration,
    /// Whose clock decides what is due and which lease is over. The database's own makes skew between nodes harmless.
    pub time: Time,
}

/// Whose clock counts: the server's, so that nodes agree, or in tests one that a test sets.
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
    horizon: Arc<Horizon>,
    claims: Shared<(Option<i64>, i64), Option<Claim>>,
    commits: Shared<Arc<Commit>, Result<Done, StoreError>>,
    settled: Shared<Settled, (bool, bool)>,
    clock: Arc<dyn Clock>,
    time: Time,
    skew: Skew,
}

impl Postgres {
    /// Connects to `postgres://user:password@host:port/database` and looks at the schema.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it cannot be reached; [`StoreError::OtherVersion`] where the schema is newer than
    /// this program, or older and may not be migrated; [`StoreError::Damaged`] where the URL is none. No password is in
    /// any of them.
    pub async fn connect(
        url: &str,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Arc<Self>, StoreError> {
        let link = Link::new(url, options, Hold::Shared)?;
        if options.connections > 1 {
            link.own_sessions().await?;
        }
        schema::migrate(&link, options.migrate).await?;
        if quiet::unfinished(&link).await? {
            return Err(StoreError::Unavailable(
                "a copy into it was not finished: run `kefu-bridge store copy` again".to_owned(),
            ));
        }
        let horizon = Arc::new(Horizon::new(options.time));
        let skew = Skew::default();
        if options.time == Time::Database {
            skew.learn(&link, || clock.now()).await?;
        }
        Ok(Arc::new(Self {
            acceptor: Acceptor::start(link.clone()),
            claims: share_claims(link.clone(), horizon.clone()),
            horizon,
            commits: commit::share(link.clone()),
            settled: share_settled(link.clone()),
            link,
            clock,
            time: options.time,
            skew,
        }))
    }

    /// Makes its connections, and their plans, before they are needed: the first messages would wait for that.
    pub async fn warm(&self) {
        self.link.warm().await;
    }

    /// `None` where the database's clock counts.
    fn now(&self) -> Option<i64> {
        match self.time {
            Time::Database => None,
            Time::Given => Some(self.clock.now().0),
        }
    }
}

fn share_claims(
    link: Arc<Link>,
    horizon: Arc<Horizon>,
) -> Shared<(Option<i64>, i64), Option<Claim>> {
    // Two at once would only look for the same.
    Shared::start(1, move |asked: Vec<(Option<i64>, i64)>| {
        let (link, horizon) = (link.clone(), horizon.clone());
        async move {
            let (now, lease) = asked.first().copied().unwrap_or_default();
            steps::claims(&link, &horizon, now, lease, asked.len()).await
        }
    })
}

fn share_settled(link: Arc<Link>) -> Shared<Settled, (bool, bool)> {
    Shared::start(2, move |settled: Vec<Settled>| {
        let link = link.clone();
        async move { settle::together(&link, &settled).await }
    })
}

impl Postgres {
    async fn write(
        &self,
        claim: &Claim,
        mut changes: Changes,
        hand: Option<Duration>,
    ) -> Result<Done, StoreError> {
        let tie = changes.tie.take();
        let hand = hand.map(millis);
        let changes = self.skew.of_changes(changes);
        let commit = Commit::of(claim, changes, self.now(), self.clock.now(), hand)?;
        match tie {
            None => self.commits.ask(Arc::new(commit)).await?,
            Some(tie) => {
                let committed = commit::alone(&self.link, &commit, &tie).await?;
                Ok((committed, Vec::new()))
            }
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for Postgres {
    async fn accept(&self, intake: Intake) -> Result<Vec<Option<ArrivalId>>, StoreError> {
        let (now, at) = (self.now(), self.clock.now());
        Ok(self.acceptor.accept(intake, now, at, None).await?.0)
    }

    fn hands_over(&self) -> bool {
        true
    }

    async fn accept_in_hand(
        &self,
        intake: Intake,
        _: &WorkerId,
        lease: Duration,
    ) -> Result<(Vec<Option<ArrivalId>>, Option<Claim>), StoreError> {
        let (now, at) = (self.now(), self.clock.now());
        self.acceptor
            .accept(intake, now, at, Some(millis(lease)))
            .await
    }

    async fn claim(&self, _: &WorkerId, lease: Duration) -> Result<Option<Claim>, StoreError> {
        self.claims.ask((self.now(), millis(lease))).await
    }

    async fn commit(&self, claim: Claim, changes: Changes) -> Result<Committed, StoreError> {
        Ok(self.write(&claim, changes, None).await?.0)
    }

    async fn commit_and_take(
        &self,
        claim: Claim,
        changes: Changes,
        _: &WorkerId,
        lease: Duration,
    ) -> Result<(Committed, Vec<Due>), StoreError> {
        self.write(&claim, changes, Some(lease)).await
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
        let (horizon, lease) = (&self.horizon, millis(lease));
        steps::due(&self.link, horizon, self.now(), kind, limit, lease, but).await
    }

    async fn take(
        &self,
        dispatch: DispatchId,
        _: &WorkerId,
        lease: Duration,
    ) -> Result<Option<DueId>, StoreError> {
        steps::take(&self.link, self.now(), dispatch, millis(lease)).await
    }

    async fn renew(&self, taken: &[DueId], lease: Duration) -> Result<Vec<DueId>, StoreError> {
        steps::renew(&self.link, self.now(), taken, millis(lease)).await
    }

    async fn settle(&self, due: &DueId, settlement: Settlement) -> Result<(), StoreError> {
        self.settle_and_tell(due, settlement).await.map(drop)
    }

    async fn settle_and_tell(
        &self,
        due: &DueId,
        settlement: Settlement,
    ) -> Result<bool, StoreError> {
        let settlement = self.skew.of_settlement(settlement);
        if let Some(settled) = Settled::of(self.now(), due, &settlement)? {
            return match self.settled.ask(settled).await? {
                (true, others) => Ok(others),
                (false, _) => Err(StoreError::Lost),
            };
        }
        settle::alone(&self.link, self.now(), self.clock.now(), due, settlement).await?;
        Ok(true)
    }

    async fn recall(&self, farther_than: Duration) -> Result<bool, StoreError> {
        steps::recall(&self.link, self.now(), millis(farther_than)).await
    }

    async fn next_due(
        &self,
        kind: DueKind,
        but: &[String],
    ) -> Result<Option<Timestamp>, StoreError> {
        let now = self.now();
        let next = steps::next_due(&self.link, &self.horizon, now, kind, but).await?;
        Ok(next.map(|at| self.skew.here(at)))
    }
}
