//! The books: what was acknowledged and said, and what arrived, where and in which order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bridge_core::message::ConversationId;
use parking_lot::Mutex;

use super::{nodes::Cluster, phone::by_kf};

#[derive(Default)]
struct OfContact {
    numbers: u32,
    acknowledged: BTreeSet<u32>,
    agents_numbers: u32,
    said: BTreeSet<u32>,
    /// Said, and the platform could not tell the bridge: the desk's platform does not try again, so these are found later,
    /// in its history, and come late.
    untold: BTreeSet<u32>,
    /// Who has it, as the agents see it, and the contact's last words by which that was seen.
    holder: Option<(usize, u32)>,
    /// Handed over by this one, who heard it last by this message.
    leaving: Option<usize>,
    handovers: u32,
    /// An agent's message is under way: the next is typed once it shows as sent, or failed.
    typing: bool,
}

/// By contact; and how often agents said that contacts are one person, and that they are not.
#[derive(Default)]
pub struct Books(Mutex<BTreeMap<usize, OfContact>>, AtomicUsize, AtomicUsize);

/// `<contact:number>`.
pub fn from_contact(text: &str) -> Option<(usize, u32)> {
    numbered(text, '<', '>')
}

/// `[contact:number]`.
fn from_agent(text: &str) -> Option<(usize, u32)> {
    numbered(text, '[', ']')
}

fn numbered(text: &str, open: char, close: char) -> Option<(usize, u32)> {
    let (contact, number) = text
        .strip_prefix(open)?
        .strip_suffix(close)?
        .split_once(':')?;
    Some((contact.parse().ok()?, number.parse().ok()?))
}

/// What is wrong, a line each.
type Wrong = Vec<String>;

impl Books {
    fn of<T>(&self, contact: usize, work: impl FnOnce(&mut OfContact) -> T) -> T {
        work(self.0.lock().entry(contact).or_default())
    }

    pub fn tied(&self) {
        self.1.fetch_add(1, Relaxed);
    }

    pub fn parted(&self) {
        self.2.fetch_add(1, Relaxed);
    }

    /// The ties in words.
    pub fn ties(&self, people: &[(ConversationId, Vec<ConversationId>)]) -> String {
        let (tied, parted) = (self.1.load(Relaxed), self.2.load(Relaxed));
        let persons: BTreeSet<_> = people
            .iter()
            .filter_map(|(_, all)| all.iter().min())
            .collect();
        format!(
            "ties: {tied} merges and {parted} splits were asked for; {} contacts are {} persons",
            people.len(),
            persons.len()
        )
    }

    pub fn next_of_contact(&self, contact: usize) -> u32 {
        self.of(contact, |of| {
            of.numbers += 1;
            of.numbers
        })
    }

    pub fn acknowledged(&self, contact: usize, number: u32) {
        self.of(contact, |of| of.acknowledged.insert(number));
    }

    pub fn next_of_agent(&self, contact: usize) -> u32 {
        self.of(contact, |of| {
            of.agents_numbers += 1;
            of.agents_numbers
        })
    }

    pub fn said(&self, contact: usize, number: u32) {
        self.of(contact, |of| of.said.insert(number));
    }

    /// Whether an agent may type to the contact now.
    pub fn may_type(&self, contact: usize) -> bool {
        self.of(contact, |of| !of.typing)
    }

    pub fn typing(&self, contact: usize, typing: bool) {
        self.of(contact, |of| of.typing = typing);
    }

    pub fn untold(&self, contact: usize, number: u32) {
        self.of(contact, |of| of.untold.insert(number));
    }

    /// An agent heard a contact's words; whether this agent may speak now.
    pub fn heard_by(&self, contact: usize, agent: usize, number: u32) -> bool {
        self.of(contact, |of| {
            if of.leaving == Some(agent) {
                return false;
            }
            let newest = of.holder.is_none_or(|(_, last)| number > last);
            if newest {
                of.holder = Some((agent, number));
                of.leaving = None;
            }
            of.holder.is_some_and(|(holder, _)| holder == agent)
        })
    }

    /// From here on only another agent may speak, once it has heard the contact.
    pub fn handing_over(&self, contact: usize, agent: usize) {
        self.of(contact, |of| {
            of.leaving = Some(agent);
            of.handovers += 1;
        });
    }

    /// Whether everything said to a contact is on its phone.
    pub fn all_heard(&self, cluster: &Cluster, contact: usize) -> bool {
        let heard = on_phone(cluster, contact);
        self.of(contact, |of| {
            of.said.iter().all(|number| heard.contains(number))
        })
    }

    /// Waits until everything has arrived; then nothing may be lost, doubled, out of order or at a stranger's.
    pub async fn balance(&self, cluster: &Arc<Cluster>, patience: Duration) {
        let arrived = cluster.sandbox.until(patience, || {
            let missing = self.missing(cluster);
            missing.is_empty().then_some(())
        });
        assert!(
            arrived.await.is_some(),
            "lost:\n{}\ndepths: {}",
            self.missing(cluster).join("\n"),
            cluster.depths().await
        );
        let wrong = self.wrong(cluster);
        assert!(
            wrong.is_empty(),
            "the books do not balance:\n{}",
            wrong.join("\n")
        );
    }

    fn missing(&self, cluster: &Cluster) -> Wrong {
        let at_desk = at_desk(cluster);
        let mut missing = Wrong::new();
        for (contact, of) in self.0.lock().iter() {
            let nothing = Vec::new();
            let heard = at_desk.get(contact).unwrap_or(&nothing);
            let lost: Vec<_> = of
                .acknowledged
                .iter()
                .filter(|number| !heard.iter().any(|line| line.number == **number))
                .collect();
            if !lost.is_empty() {
                missing.push(format!(
                    "contact {contact}: {lost:?} did not reach an agent"
                ));
            }
            let phone = on_phone(cluster, *contact);
            let lost: Vec<_> = of
                .said
                .iter()
                .filter(|number| !phone.contains(number))
                .collect();
            if !lost.is_empty() {
                missing.push(format!(
                    "contact {contact}: {lost:?} did not reach the phone"
                ));
            }
        }
        missing
    }

    fn wrong(&self, cluster: &Cluster) -> Wrong {
        let mut wrong = Wrong::new();
        for (contact, heard) in at_desk(cluster) {
            let all: Vec<u32> = heard.iter().map(|line| line.number).collect();
            let once: BTreeSet<u32> = all.iter().copied().collect();
            if once.len() != all.len() {
                wrong.push(format!("contact {contact}: not once: {all:?}"));
            }
            // In order at each agent's. What waited to be sent to the one who had the conversation may reach them after
            // the next one has heard more: it is in what the next was shown with the conversation.
            for agent in 0..cluster.agents() {
                let here = heard.iter().filter(|line| line.agent == agent);
                let numbers: Vec<u32> = here.map(|line| line.number).collect();
                if !numbers.is_sorted() {
                    wrong.push(format!(
                        "contact {contact} at agent {agent}: out of order: {numbers:?}"
                    ));
                }
            }
            let chats: BTreeSet<_> = heard.iter().map(|line| &line.peer).collect();
            if chats.len() > 1 {
                wrong.push(format!(
                    "contact {contact}: in more than one stand-in's chat"
                ));
            }
        }
        for (contact, of) in self.0.lock().iter() {
            let phone = on_phone(cluster, *contact);
            let mut first = Vec::new();
            for number in &phone {
                if !first.contains(number) && !of.untold.contains(number) {
                    first.push(*number);
                }
            }
            // A send that is tried again carries the same id there.
            if by_kf(*contact) && phone.iter().collect::<BTreeSet<_>>().len() < phone.len() {
                wrong.push(format!("contact {contact}'s phone: not once: {phone:?}"));
            }
            if !first.is_sorted() {
                wrong.push(format!(
                    "contact {contact}'s phone: out of order: {phone:?}"
                ));
            }
        }
        wrong
    }

    /// What WeChat KF's contacts wrote is in the store, all of it, once and in the order in which they wrote it.
    pub async fn stored(&self, cluster: &Cluster) {
        let contacts: Vec<(usize, Vec<u32>)> = {
            let books = self.0.lock();
            let by_kf = books.iter().filter(|(contact, _)| by_kf(**contact));
            by_kf
                .map(|(contact, of)| (*contact, of.acknowledged.iter().copied().collect()))
                .collect()
        };
        for (contact, sent) in contacts {
            // Whatever was said to the contact is in there, too.
            let lines = cluster.stored(contact, sent.len() * 4 + 100).await;
            let lines = lines.iter().filter_map(|text| from_contact(text));
            let stored: Vec<u32> = lines.map(|(_, number)| number).collect();
            assert_eq!(
                stored, sent,
                "contact {contact}: the stored set is the sent set"
            );
        }
    }

    /// How many of the agents' messages phones show, and how many repeats of them. WeChat knows no idempotency: a send whose answer was lost is made again,
    /// as this inbox is set, and such repeats are told.
    fn said_to_people(&self, cluster: &Cluster) -> (usize, usize) {
        let mut repeats = 0;
        let mut heard = 0;
        for contact in self.0.lock().keys() {
            let phone = on_phone(cluster, *contact);
            let once: BTreeSet<_> = phone.iter().collect();
            repeats += phone.len() - once.len();
            heard += once.len();
        }
        (heard, repeats)
    }

    /// The balance in words.
    pub fn summary(&self, cluster: &Cluster) -> String {
        let (heard, repeats) = self.said_to_people(cluster);
        let books = self.0.lock();
        let sum = |of: fn(&OfContact) -> usize| books.values().map(of).sum::<usize>();
        format!(
            "balance: {} acknowledged customer messages, each at its agent once and in order; {heard} of {} agents' messages at \
             their customer in order, {repeats} of them twice (an answer of the platform was lost), {} late (found in the desk's history); {} handovers",
            sum(|of| of.acknowledged.len()),
            sum(|of| of.said.len()),
            sum(|of| of.untold.len()),
            sum(|of| of.handovers as usize)
        )
    }
}

/// Whoever is one person with somebody is so for all of that person: nobody is half of one.
pub fn is_one_person_or_another(people: &[(ConversationId, Vec<ConversationId>)]) {
    let all: BTreeMap<_, _> = people.iter().cloned().collect();
    for (own, kin) in &all {
        assert!(kin.contains(own), "{own} is nobody: {kin:?}");
        for other in kin {
            assert_eq!(
                all.get(other),
                Some(kin),
                "{own} is one person with {other}, who is not with all of {kin:?}"
            );
        }
    }
}

/// A customer's line at an agent's.
struct Line {
    agent: usize,
    number: u32,
    peer: String,
}

/// What agents heard, by contact, in the order in which the platform took it, whoever heard it.
fn at_desk(cluster: &Cluster) -> BTreeMap<usize, Vec<Line>> {
    let mut all: BTreeMap<usize, BTreeMap<u64, Line>> = BTreeMap::new();
    for agent in 0..cluster.agents() {
        let client = cluster.agent(agent);
        for chat in client.chats() {
            for message in client.messages(&chat.peer) {
                if let Some((contact, number)) = from_contact(message.text()) {
                    let peer = chat.peer.clone();
                    all.entry(contact).or_default().insert(
                        message.id,
                        Line {
                            agent,
                            number,
                            peer,
                        },
                    );
                }
            }
        }
    }
    let in_order =
        |(contact, lines): (usize, BTreeMap<u64, Line>)| (contact, lines.into_values().collect());
    all.into_iter().map(in_order).collect()
}

/// What a customer's phone shows of what agents said, in order.
fn on_phone(cluster: &Cluster, contact: usize) -> Vec<u32> {
    let chat = cluster.phone(contact).chat();
    let lines = chat.iter().filter_map(|message| from_agent(message.text()));
    lines
        .filter(|(of, _)| *of == contact)
        .map(|(_, number)| number)
        .collect()
}
