//! Commits as the columns of one call. What belongs to the nth of them says so.

use bridge_core::store::StoreError;
use tokio_postgres::types::ToSql;

use super::Commit;
use crate::link::damaged;

pub(super) const COMMIT: &str = "SELECT outcomes, more, dispatched_of, dispatched, fences, cancelled_of, cancelled
    FROM kefu_commits($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41)";

#[derive(Default)]
pub(super) struct Columns<'a> {
    now: Option<i64>,
    lease: i64,
    ids: Vec<i64>,
    fences: Vec<i64>,
    bodies: Vec<&'a str>,
    phases: Vec<i16>,
    agents: Vec<Option<&'a str>>,
    seats: Vec<Option<i32>>,
    episodes: Vec<i32>,
    contacts: Vec<Option<i64>>,
    contact_bodies: Vec<Option<&'a str>>,
    releases: Vec<i32>,
    contact_lanes: Vec<&'a str>,
    cancels: Vec<bool>,
    takes: Vec<bool>,
    done_of: Vec<i32>,
    done: Vec<i64>,
    verdicts: Vec<&'a str>,
    entry_of: Vec<i32>,
    entry_traces: Vec<i64>,
    authors: Vec<&'a str>,
    entry_bodies: Vec<&'a str>,
    entry_ats: Vec<i64>,
    of: Vec<i32>,
    lanes: Vec<&'a str>,
    held: Vec<bool>,
    traces: Vec<i64>,
    dispatches: Vec<&'a str>,
    ask_of: Vec<i32>,
    ask_traces: Vec<i64>,
    bots: Vec<&'a str>,
    argvs: Vec<&'a str>,
    said: Vec<&'a str>,
    ask_due: Vec<i64>,
    ask_latest: Vec<i64>,
    thread_of: Vec<i32>,
    thread_inboxes: Vec<&'a str>,
    thread_peers: Vec<&'a str>,
    deadline_of: Vec<i32>,
    kinds: Vec<&'a str>,
    deadline_ats: Vec<Option<i64>>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(commits: &[&'a Commit]) -> Result<Self, StoreError> {
        let mut columns = Self {
            // One clock and one lease for all: they came together.
            now: commits.first().and_then(|commit| commit.now),
            lease: commits
                .iter()
                .find_map(|commit| commit.hand)
                .unwrap_or_default(),
            ..Self::default()
        };
        for (index, commit) in commits.iter().enumerate() {
            columns.add(i32::try_from(index + 1).map_err(damaged)?, commit);
        }
        Ok(columns)
    }

    fn add(&mut self, nth: i32, commit: &'a Commit) {
        self.ids.push(commit.id);
        self.fences.push(commit.fence);
        self.bodies.push(&commit.body);
        self.phases.push(commit.phase);
        self.agents
            .push(commit.agent.as_ref().map(|agent| agent.as_str()));
        self.seats.push(commit.seats);
        self.episodes.push(commit.episode);
        self.contacts
            .push(commit.contact.as_ref().map(|(id, _)| *id));
        self.contact_bodies
            .push(commit.contact.as_ref().map(|(_, body)| body.as_str()));
        self.releases.push(commit.release);
        self.contact_lanes.push(&commit.lane);
        self.cancels.push(commit.cancel);
        self.takes.push(commit.hand.is_some());
        for (id, verdict) in &commit.done {
            self.done_of.push(nth);
            self.done.push(*id);
            self.verdicts.push(verdict);
        }
        for line in &commit.entries {
            self.entry_of.push(nth);
            self.entry_traces.push(line.trace);
            self.authors.push(&line.author);
            self.entry_bodies.push(&line.body);
            self.entry_ats.push(line.at);
        }
        for outgoing in &commit.dispatches {
            self.of.push(nth);
            self.lanes.push(&outgoing.lane);
            self.held.push(outgoing.held);
            self.traces.push(outgoing.trace);
            self.dispatches.push(&outgoing.body);
        }
        self.add_rare(nth, commit);
    }

    fn add_rare(&mut self, nth: i32, commit: &'a Commit) {
        for question in &commit.asks {
            self.ask_of.push(nth);
            self.ask_traces.push(question.trace);
            self.bots.push(&question.bot);
            self.argvs.push(&question.argv);
            self.said.push(&question.said);
            self.ask_due.push(question.due);
            self.ask_latest.push(question.latest);
        }
        for thread in &commit.threads {
            self.thread_of.push(nth);
            self.thread_inboxes.push(thread.inbox.as_str());
            self.thread_peers.push(thread.peer.as_str());
        }
        for (kind, at) in &commit.deadlines {
            self.deadline_of.push(nth);
            self.kinds.push(kind);
            self.deadline_ats.push(*at);
        }
    }

    /// In the order of the function's parameters.
    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 41] {
        [
            &self.now,
            &self.lease,
            &self.ids,
            &self.fences,
            &self.bodies,
            &self.phases,
            &self.agents,
            &self.seats,
            &self.episodes,
            &self.contacts,
            &self.contact_bodies,
            &self.releases,
            &self.contact_lanes,
            &self.cancels,
            &self.takes,
            &self.done_of,
            &self.done,
            &self.verdicts,
            &self.entry_of,
            &self.entry_traces,
            &self.authors,
            &self.entry_bodies,
            &self.entry_ats,
            &self.of,
            &self.lanes,
            &self.held,
            &self.traces,
            &self.dispatches,
            &self.ask_of,
            &self.ask_traces,
            &self.bots,
            &self.argvs,
            &self.said,
            &self.ask_due,
            &self.ask_latest,
            &self.thread_of,
            &self.thread_inboxes,
            &self.thread_peers,
            &self.deadline_of,
            &self.kinds,
            &self.deadline_ats,
        ]
    }
}
