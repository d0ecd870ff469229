//! A backend under test, its clock, and the short words in which the parts speak to it.

use std::{sync::Arc, time::Duration};

use bridge_core::{
    channel::Persona,
    clock::{Clock, TestClock, Timestamp},
    message::{
        Arrival, ArrivalId, Author, BotName, Content, ExternalId, InboxName, PeerId, ThreadKey,
        What, WorkerId,
    },
    store::{
        Ask, Backend, Changes, Claim, Due, DueKind, DueWhat, Intake, NewDispatch, Said, Settlement,
        Verdict,
    },
};

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// A backend under test and its clock.
pub struct Bench {
    /// The backend, empty.
    pub store: Arc<dyn Backend>,
    /// Its clock.
    pub clock: Arc<TestClock>,
}

pub(crate) fn inbox() -> InboxName {
    InboxName::new("mall")
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::new("w1")
}

/// The contact `peer` says `text`; `id` is its external id.
#[must_use]
pub fn said(peer: &str, id: &str, text: &str) -> Arrival {
    Arrival {
        inbox: inbox(),
        external_id: ExternalId::new(id),
        peer: PeerId::new(peer),
        author: Author::Contact,
        what: What::Content(Content::text(text)),
        sent_at: Timestamp(0),
        received_at: Timestamp(0),
        decoded_at: None,
        trigger: None,
        profile: None,
    }
}

pub(super) fn intake(arrivals: Vec<Arrival>) -> Intake {
    Intake {
        arrivals,
        cursor: None,
        entry: BotName::new("ai"),
    }
}

impl Bench {
    pub(super) async fn accept(&self, arrivals: Vec<Arrival>) -> Vec<Option<ArrivalId>> {
        self.store.accept(intake(arrivals)).await.unwrap()
    }

    pub(super) async fn claim(&self) -> Claim {
        self.try_claim().await.expect("something waits")
    }

    pub(super) async fn try_claim(&self) -> Option<Claim> {
        self.store.claim(&worker(), LEASE).await.unwrap()
    }

    /// Accepts one message and claims its conversation.
    pub(super) async fn opened(&self, peer: &str, id: &str) -> Claim {
        self.accept(vec![said(peer, id, "你好")]).await;
        self.claim().await
    }

    pub(super) async fn commit(&self, claim: Claim, changes: Changes) {
        self.store.commit(claim, changes).await.unwrap();
    }

    /// A turn that says every arrival's id to the contact.
    pub(super) async fn echo(&self, claim: Claim) {
        let mut changes = done(&claim);
        let ids = claim
            .arrivals
            .iter()
            .map(|accepted| &accepted.arrival.external_id);
        changes.dispatches = ids
            .map(|id| to_contact(&claim, id.as_str(), false))
            .collect();
        self.commit(claim, changes).await;
    }

    pub(super) async fn due(&self, kind: DueKind) -> Vec<Due> {
        self.store
            .due(kind, &worker(), 10, LEASE, &[])
            .await
            .unwrap()
    }

    pub(super) async fn settle(&self, due: &Due, settlement: Settlement) {
        self.store.settle(&due.id, settlement).await.unwrap();
    }
}

/// Everything a claim carries is done; nothing else changes.
pub(super) fn done(claim: &Claim) -> Changes {
    let mut changes = Changes::none(claim.conversation.clone());
    changes.done = claim
        .arrivals
        .iter()
        .map(|accepted| {
            (
                accepted.id,
                Verdict::Turned {
                    by: None,
                    note: None,
                },
            )
        })
        .collect();
    changes
}

pub(crate) fn to_contact(claim: &Claim, text: &str, held: bool) -> NewDispatch {
    let ThreadKey { inbox, peer } = claim.conversation.thread.clone();
    let trace = claim
        .arrivals
        .first()
        .map_or(ArrivalId(0), |accepted| accepted.id);
    NewDispatch {
        trace,
        inbox,
        to: peer,
        sender: None,
        content: Content::text(text),
        held,
    }
}

pub(crate) fn to_desk(claim: &Claim, text: &str) -> NewDispatch {
    let sender = Persona {
        id: PeerId::new("kefu_1"),
        name: "小周".to_owned(),
        avatar_url: None,
    };
    let (inbox, to) = (InboxName::new("desk"), PeerId::new("agent_system"));
    NewDispatch {
        inbox,
        to,
        sender: Some(sender),
        ..to_contact(claim, text, false)
    }
}

pub(super) fn words(due: &Due) -> String {
    match &due.what {
        DueWhat::Dispatch(dispatch) => dispatch.content.words().unwrap_or_default().to_owned(),
        other => panic!("not a dispatch: {other:?}"),
    }
}

pub(super) fn sent() -> Settlement {
    Settlement::Done {
        external_id: Some("m-1".to_owned()),
        lost: Vec::new(),
    }
}

pub(super) fn again_now(bench: &Bench) -> Settlement {
    Settlement::Retry {
        at: bench.clock.now(),
        reason: "-1".to_owned(),
        tried: true,
    }
}

pub(super) fn ask(claim: &Claim, text: &str, now: Timestamp) -> Ask {
    let trace = claim.arrivals[0].id;
    Ask {
        trace,
        bot: BotName::new("ai"),
        argv: Vec::new(),
        said: vec![Said {
            trace,
            content: Content::text(text),
        }],
        due_at: now + Duration::from_secs(1),
        latest: now + Duration::from_secs(3),
    }
}

pub(super) fn question(due: &Due) -> Vec<String> {
    match &due.what {
        DueWhat::Errand(errand) => errand
            .said
            .iter()
            .map(|said| said.content.words().unwrap_or_default().to_owned())
            .collect(),
        other => panic!("not an errand: {other:?}"),
    }
}
