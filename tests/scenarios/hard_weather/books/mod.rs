//! The books: what was said and acknowledged, kept while people talk ([`Books`]); what arrived, where and in which order
//! ([`found`]); and what is wrong when the two are compared ([`judge`]).

mod found;
mod judge;
mod marks;

mod tests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bridge_core::message::ConversationId;
use parking_lot::Mutex;

use self::found::Found;
pub(super) use self::found::of_a_line;
pub use self::{
    judge::is_one_person_or_another,
    marks::{ASSISTANT, from_contact, is_apology},
};
use super::{
    cluster::Cluster,
    diary::{Diary, Loses},
};

/// For whom a contact said something, as far as the contact knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Assistant,
    Person,
}

/// What a contact said.
#[derive(Debug, Clone)]
struct Said {
    at: Duration,
    to: To,
    acknowledged: bool,
}

/// How an agent's message left the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The bridge was told.
    Told,
    /// The desk's platform could not tell the bridge and does not try again: it is found later, in the desk's history, and
    /// comes late.
    Late,
    /// The platform could not tell the bridge and keeps no history: it may have come through, or not.
    Perhaps,
}

/// What an agent said.
#[derive(Debug, Clone)]
struct Answer {
    at: Duration,
    /// The contact's message that it answers.
    to: u32,
    left: Left,
}

/// One contact.
#[derive(Debug, Clone, Default)]
struct Account {
    customer: BTreeMap<u32, Said>,
    agents: BTreeMap<u32, Answer>,
    /// Who has it, as the agents see it, and the contact's last words by which that was seen.
    holder: Option<usize>,
    last: u32,
    /// Handed over by this one, who has not heard yet what became of that.
    leaving: Option<usize>,
    handovers: u32,
    talks: u32,
    waited: u32,
    /// An agent's message is under way: the next is typed once it shows as sent, or failed.
    typing: bool,
    /// The contact is about to go: nobody says more.
    closing: bool,
    /// Its stand-in at the desk.
    peer: Option<String>,
}

/// By contact; and how often agents said that contacts are one person, and that they are not.
pub struct Books {
    accounts: Mutex<BTreeMap<usize, Account>>,
    diary: Arc<Diary>,
    tied: AtomicUsize,
    parted: AtomicUsize,
}

impl Books {
    pub fn new(diary: Arc<Diary>) -> Self {
        Self {
            accounts: Mutex::default(),
            diary,
            tied: AtomicUsize::default(),
            parted: AtomicUsize::default(),
        }
    }

    fn of<T>(&self, contact: usize, work: impl FnOnce(&mut Account) -> T) -> T {
        work(self.accounts.lock().entry(contact).or_default())
    }

    pub fn tied(&self) {
        self.tied.fetch_add(1, Relaxed);
    }

    pub fn parted(&self) {
        self.parted.fetch_add(1, Relaxed);
    }

    /// The number of what a contact is about to say.
    pub fn next_of_contact(&self, contact: usize, to: To) -> u32 {
        let at = self.diary.now();
        self.of(contact, |of| {
            let number = of.customer.keys().last().map_or(1, |last| last + 1);
            let acknowledged = false;
            of.customer.insert(
                number,
                Said {
                    at,
                    to,
                    acknowledged,
                },
            );
            number
        })
    }

    pub fn acknowledged(&self, contact: usize, number: u32) {
        self.of(contact, |of| {
            if let Some(said) = of.customer.get_mut(&number) {
                said.acknowledged = true;
            }
        });
    }

    /// How many messages of contacts were acknowledged.
    pub fn taken(&self) -> usize {
        let accounts = self.accounts.lock();
        let taken = |of: &Account| {
            of.customer
                .values()
                .filter(|said| said.acknowledged)
                .count()
        };
        accounts.values().map(taken).sum()
    }

    /// How many messages contacts have sent.
    pub fn said(&self) -> usize {
        let accounts = self.accounts.lock();
        accounts.values().map(|of| of.customer.len()).sum()
    }

    /// The number of what an agent is about to answer to a contact's message; `None`: not now.
    pub fn next_of_agent(&self, contact: usize, to: u32, peer: &str) -> Option<u32> {
        let at = self.diary.now();
        self.of(contact, |of| {
            if of.typing || of.closing {
                return None;
            }
            of.typing = true;
            of.peer = Some(peer.to_owned());
            let number = of.agents.keys().last().map_or(1, |last| last + 1);
            let left = Left::Told;
            of.agents.insert(number, Answer { at, to, left });
            Some(number)
        })
    }

    /// An agent's message has left the client so; the next may be typed.
    pub fn has_left(&self, contact: usize, number: u32, left: Left) {
        self.of(contact, |of| {
            of.typing = false;
            if let Some(answer) = of.agents.get_mut(&number) {
                answer.left = left;
            }
        });
    }

    /// An agent heard a contact's words; whether this agent may speak now.
    pub fn heard_by(&self, contact: usize, agent: usize, number: u32) -> bool {
        self.of(contact, |of| {
            if of.leaving == Some(agent) {
                return false;
            }
            if number > of.last {
                (of.holder, of.last) = (Some(agent), number);
                of.leaving = None;
            }
            of.holder == Some(agent)
        })
    }

    /// From here on only another agent may speak, once it has heard the contact; `false`: not now.
    pub fn handing_over(&self, contact: usize, agent: usize) -> bool {
        self.of(contact, |of| {
            if of.typing || of.closing || of.leaving.is_some() {
                return false;
            }
            of.leaving = Some(agent);
            true
        })
    }

    /// What the agent heard became of that.
    pub fn handed_over(&self, contact: usize, agent: usize, gone: bool) {
        self.of(contact, |of| {
            if of.leaving == Some(agent) {
                of.leaving = None;
                of.handovers += u32::from(gone);
            }
            if gone && of.holder == Some(agent) {
                of.holder = None;
            }
        });
    }

    /// Nobody says more to a contact until it is opened again; whether all that was begun has ended.
    pub fn closes(&self, contact: usize) -> bool {
        self.of(contact, |of| {
            of.closing = true;
            !of.typing && of.leaving.is_none()
        })
    }

    /// A contact has a person again, and whether it waited for one.
    pub fn opened(&self, contact: usize, waited: bool) {
        self.of(contact, |of| {
            (of.closing, of.holder) = (false, None);
            of.talks += 1;
            of.waited += u32::from(waited);
        });
    }

    /// How a contact stands, for whoever has to find out why.
    pub fn state(&self, cluster: &Cluster, contact: usize) -> String {
        let unheard = self.unheard(cluster, contact);
        self.of(contact, |of| {
            format!(
                "holder {:?}, leaving {:?}, typing {}, last heard {}, last said {:?}, unheard {unheard:?}",
                of.holder,
                of.leaving,
                of.typing,
                of.last,
                of.customer.keys().last()
            )
        })
    }

    /// Whether everything said to a contact is on its phone, or is told not to be.
    pub fn all_heard(&self, cluster: &Cluster, contact: usize) -> bool {
        self.unheard(cluster, contact).is_empty()
    }

    fn unheard(&self, cluster: &Cluster, contact: usize) -> Vec<judge::Wrong> {
        let account = self.of(contact, |of| of.clone());
        let mut found = Found::default();
        found.phone(cluster, contact);
        let unheard = judge::unheard(contact, &account, &found);
        if unheard.is_empty() {
            return unheard;
        }
        found.told(cluster, contact, account.peer.as_deref());
        judge::unheard(contact, &account, &found)
    }

    /// Waits until everything has arrived.
    pub async fn arrived(&self, cluster: &Cluster, patience: Duration) {
        let began = std::time::Instant::now();
        loop {
            let found = self.shown(cluster);
            let missing = judge::missing(&self.accounts.lock(), &found);
            if missing.is_empty() {
                return;
            }
            if began.elapsed() > patience {
                let explained = self.explain(cluster, missing).await;
                let depths = cluster.depths().await;
                panic!("lost:\n{explained}\ndepths: {depths}");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What desks and phones show.
    fn shown(&self, cluster: &Cluster) -> Found {
        let mut found = Found::default();
        found.desks(cluster);
        let peers: Vec<_> = {
            let accounts = self.accounts.lock();
            let peers = accounts
                .iter()
                .map(|(contact, of)| (*contact, of.peer.clone()));
            peers.collect()
        };
        for (contact, peer) in peers {
            found.phone(cluster, contact);
            found.told(cluster, contact, peer.as_deref());
        }
        found
    }

    /// Nothing may be lost, doubled, out of order, at a stranger's or said by the assistant over a person.
    pub async fn balance(&self, cluster: &Cluster) {
        let mut found = self.shown(cluster);
        found.stored(cluster).await;
        found.asked(cluster);
        let wrong = {
            let rules = judge::Rules {
                on_phone: &|contact, first, again| {
                    let from = cluster.channel(contact).repeats();
                    from.is_some_and(|from| self.diary.excuses(from, first, again))
                },
                at_desk: &|first, again| self.diary.excuses(Loses::OnTheWay, first, again),
            };
            judge::wrong(&self.accounts.lock(), &found, &rules)
        };
        if !wrong.is_empty() {
            let explained = self.explain(cluster, wrong).await;
            panic!("the books do not balance:\n{explained}");
        }
        println!("{}", self.summary(&found));
    }

    /// The balance in words.
    fn summary(&self, found: &Found) -> String {
        let accounts = self.accounts.lock();
        let sum = |of: &dyn Fn(&Account) -> usize| accounts.values().map(of).sum::<usize>();
        let left =
            |which: Left| sum(&|of| of.agents.values().filter(|one| one.left == which).count());
        let (heard, repeats) = found.heard();
        format!(
            "balance: {} acknowledged customer messages, each where it belongs once and in order; {heard} of {} agents' messages \
             at their customer in order, {} of them late (found in the desk's history), {repeats} shown again (a fault lost the \
             first answer), {} not sent and the agent told; {} answers of the assistant, none over a person; \
             {} talks, {} of them after waiting in the queue; {} handovers",
            sum(&|of| of
                .customer
                .values()
                .filter(|said| said.acknowledged)
                .count()),
            left(Left::Told) + left(Left::Late),
            left(Left::Late),
            found.told_only(),
            found.answers(),
            sum(&|of| of.talks as usize),
            sum(&|of| of.waited as usize),
            sum(&|of| of.handovers as usize),
        )
    }

    /// The ties in words.
    pub fn ties(&self, people: &[(ConversationId, Vec<ConversationId>)]) -> String {
        let (tied, parted) = (self.tied.load(Relaxed), self.parted.load(Relaxed));
        let persons: std::collections::BTreeSet<_> = people
            .iter()
            .filter_map(|(_, all)| all.iter().min())
            .collect();
        format!(
            "ties: {tied} merges and {parted} splits were asked for; {} contacts are {} persons",
            people.len(),
            persons.len()
        )
    }

    /// What is wrong, each with when it was said, the faults around it, and what the store knows of it.
    async fn explain(&self, cluster: &Cluster, wrong: Vec<judge::Wrong>) -> String {
        let mut lines = Vec::new();
        let more = wrong.len().saturating_sub(20);
        for wrong in wrong.into_iter().take(20) {
            lines.push(wrong.to_string());
            let at = self.of(wrong.contact, |of| wrong.said_at(of));
            if let Some(at) = at {
                lines.push(format!("    said at {:.1} s; around it:", at.as_secs_f32()));
                let (from, until) = (at, at + Duration::from_secs(10));
                let faults = self.diary.around(from, until);
                lines.extend(faults.into_iter().map(|fault| format!("      {fault}")));
            }
            lines.extend(found::way(cluster, &wrong).await);
        }
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines.join("\n")
    }
}
