//! What arrived, where and in which order: read off the desks, the phones and the store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bridge_core::{
    message::{ArrivalId, Content},
    store::EntryAuthor,
};
use bridge_sandbox::{Author, Message, Status};

use super::{
    judge::Wrong,
    marks::{ASSISTANT, agents_in, contacts_in, from_agent, from_contact, is_apology},
};
use crate::hard_weather::{cluster::Cluster, phone::Channel};

/// A contact's line at an agent's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AtDesk {
    /// In which the platform took it.
    pub(super) order: u64,
    /// The platform's time.
    pub(super) at: i64,
    pub(super) agent: String,
    /// The contact's stand-in, or its line in the agent's one chat.
    pub(super) chat: String,
    pub(super) contact: usize,
    pub(super) number: u32,
    /// Whether the agent had been given the conversation before.
    pub(super) given: bool,
    /// Whether the platform there knows no idempotency.
    pub(super) repeats: bool,
}

/// A line on a contact's phone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OnPhone {
    pub(super) at: i64,
    pub(super) what: Heard,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    Agent(usize, u32),
    /// An answer to these; to nothing: an apology.
    Assistant(Vec<(usize, u32)>),
}

/// A line of the transcript.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stored {
    Contact(u32),
    Agent(u32),
    Assistant,
    /// It waits for a person.
    Waits,
    /// A person has taken over.
    Taken,
    /// The conversation is over.
    Over,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// In the order in which the platforms took them.
    pub(super) desks: Vec<AtDesk>,
    /// What agents were shown with a conversation that they were given.
    pub(super) shown: BTreeSet<(usize, u32)>,
    pub(super) phones: BTreeMap<usize, Vec<OnPhone>>,
    /// Agents' messages of which the agent was told that they may not have arrived.
    pub(super) told: BTreeSet<(usize, u32)>,
    pub(super) stored: BTreeMap<usize, Vec<Stored>>,
    /// What the assistant was asked.
    pub(super) asked: BTreeSet<(usize, u32)>,
    /// What pages say of what they were shown.
    pub(super) complaints: BTreeMap<usize, Vec<String>>,
}

impl Found {
    /// What agents heard.
    pub(super) fn desks(&mut self, cluster: &Cluster) {
        for agent in 0..cluster.plan().agents {
            let client = cluster.agent(agent);
            for chat in client.chats() {
                let mut given = false;
                for message in client.messages(&chat.peer) {
                    let text = message.text();
                    given |= text.contains("【新会话】");
                    let Some((contact, number)) = from_contact(text) else {
                        self.shown.extend(contacts_in(text));
                        continue;
                    };
                    self.desks.push(AtDesk {
                        order: message.id,
                        at: message.at,
                        agent: format!("a{agent}"),
                        chat: chat.peer.clone(),
                        contact,
                        number,
                        given,
                        repeats: false,
                    });
                }
            }
        }
        for member in 0..cluster.plan().members {
            self.member(cluster, member);
        }
        self.desks.sort_by_key(|line| line.order);
    }

    /// What an agent in WeCom heard: everything in one chat, each line with its contact's number and name.
    fn member(&mut self, cluster: &Cluster, number: usize) {
        let mut given = BTreeSet::new();
        for message in cluster.member(number).chat() {
            let words = message.content.words();
            if let Some((_, line)) = words.split_once("新会话：") {
                given.insert(line.lines().next().unwrap_or_default().trim().to_owned());
            }
            match of_a_line(&words) {
                Some((line, (contact, said))) => self.desks.push(AtDesk {
                    order: message.id,
                    at: message.at,
                    agent: format!("w{number}"),
                    chat: format!("w{number} {line}"),
                    contact,
                    number: said,
                    given: given.contains(line),
                    repeats: true,
                }),
                None => self.shown.extend(contacts_in(&words)),
            }
        }
    }

    /// What a contact's phone shows of what agents and the assistant said, in order.
    pub(super) fn phone(&mut self, cluster: &Cluster, contact: usize) {
        let phone = cluster.phone(contact);
        let theirs = phone.chat().into_iter().filter(|line| !line.own);
        let lines = theirs.filter_map(|line| {
            let what = heard(&line.text)?;
            Some(OnPhone { at: line.at, what })
        });
        self.phones.insert(contact, lines.collect());
        self.complaints.insert(contact, phone.complaints());
    }

    /// Of which of its messages to a contact an agent was told that they did not arrive, or may not have. After the phone:
    /// who answers a contact who has gone, or is another's by now, is told so once for each message.
    pub(super) fn told(&mut self, cluster: &Cluster, contact: usize, peer: Option<&str>) {
        let Some(peer) = peer else { return };
        let doubted = cluster.channel(contact) == Channel::Mini;
        for agent in 0..cluster.plan().agents {
            let chat = cluster.agent(agent).messages(peer);
            let refused = refused(contact, &chat, |number| self.is_on_phone(contact, number));
            self.told.extend(refused);
            for message in chat.iter().filter(|_| doubted) {
                if message.text().contains("未送达") {
                    self.told.extend(agents_in(message.text()));
                }
            }
        }
        for member in 0..cluster.plan().members {
            let chat = cluster.member(member).chat();
            let refused = refused(contact, &chat, |number| self.is_on_phone(contact, number));
            self.told.extend(refused);
        }
    }

    fn is_on_phone(&self, contact: usize, number: u32) -> bool {
        let mut lines = self.phones.get(&contact).into_iter().flatten();
        lines.any(|line| line.what == Heard::Agent(contact, number))
    }

    /// The transcripts.
    pub(super) async fn stored(&mut self, cluster: &Cluster) {
        let store = cluster.store().await;
        for contact in 0..cluster.plan().contacts {
            let lines = cluster.stored(&store, contact, 1_000_000).await;
            let lines = lines.into_iter().filter_map(|line| match line.content {
                Content::Text(text) => stored(&line.author, &text.text, contact),
                _ => None,
            });
            self.stored.insert(contact, lines.collect());
        }
    }

    pub(super) fn asked(&mut self, cluster: &Cluster) {
        for asked in cluster.sandbox.dify().asked() {
            self.asked.extend(contacts_in(&asked.query));
        }
    }

    /// How many of the agents' messages phones show, and how many repeats of them.
    pub(super) fn heard(&self) -> (usize, usize) {
        let (mut heard, mut repeats) = (0, 0);
        for lines in self.phones.values() {
            let agents = lines.iter().filter_map(|line| match line.what {
                Heard::Agent(contact, number) => Some((contact, number)),
                Heard::Assistant(_) => None,
            });
            let all: Vec<_> = agents.collect();
            let once: BTreeSet<_> = all.iter().collect();
            heard += once.len();
            repeats += all.len() - once.len();
        }
        (heard, repeats)
    }

    /// How many were told not to have been sent, and were not.
    pub(super) fn told_only(&self) -> usize {
        let told = self.told.iter();
        told.filter(|(contact, number)| !self.is_on_phone(*contact, *number))
            .count()
    }

    pub(super) fn answers(&self) -> usize {
        let lines = self.phones.values().flatten();
        let answer = |line: &&OnPhone| matches!(&line.what, Heard::Assistant(to) if !to.is_empty());
        lines.filter(answer).count()
    }
}

/// An agent's messages in one chat that were refused: what is not on the phone, and has a warning of its own behind it (in
/// WeCom both name the line); or shows as failed, and the contact is not the agent's any more: nobody looks for it then.
pub(super) fn refused(
    contact: usize,
    chat: &[Message],
    is_on_phone: impl Fn(u32) -> bool,
) -> Vec<(usize, u32)> {
    let mut waiting: BTreeMap<&str, VecDeque<(usize, u32)>> = BTreeMap::new();
    let (mut failed, mut refused) = (Vec::new(), Vec::new());
    for message in chat {
        let text = message.text();
        let named = text.strip_prefix('@').and_then(|rest| rest.split_once(' '));
        let (line, words) = named.unwrap_or(("", text));
        match from_agent(words).filter(|_| message.from == Author::Agent) {
            Some((whose, number)) if whose == contact && !is_on_phone(number) => {
                match message.status {
                    Status::Failed => failed.push((contact, number)),
                    _ => waiting
                        .entry(line)
                        .or_default()
                        .push_back((contact, number)),
                }
            }
            Some(_) => {}
            None => {
                if text.contains("客户已结束会话") || text.contains("当前不由您接待")
                {
                    refused.append(&mut failed);
                }
                let first = warned(text).and_then(|line| waiting.get_mut(line)?.pop_front());
                refused.extend(first);
            }
        }
    }
    refused
}

/// The line whose contact did not get what the agent said; none is named where the chat is one contact's.
fn warned(text: &str) -> Option<&str> {
    if let Some((line, _)) = text
        .strip_prefix("没有 ")
        .and_then(|rest| rest.split_once(" 号客户"))
    {
        return Some(line);
    }
    let named = text
        .strip_prefix('【')
        .and_then(|rest| rest.split_once(' '));
    text.contains("消息未发送给客户")
        .then_some(named.map_or("", |(line, _)| line))
}

fn heard(text: &str) -> Option<Heard> {
    if let Some((contact, number)) = from_agent(text) {
        return Some(Heard::Agent(contact, number));
    }
    let answers = text.starts_with(ASSISTANT);
    (answers || is_apology(text)).then(|| Heard::Assistant(contacts_in(text)))
}

/// `【1 name】<contact:number>`: the line and the mark.
pub(in crate::hard_weather) fn of_a_line(words: &str) -> Option<(&str, (usize, u32))> {
    let (line, said) = words.strip_prefix('【')?.split_once('】')?;
    Some((line, from_contact(said)?))
}

fn stored(author: &EntryAuthor, text: &str, contact: usize) -> Option<Stored> {
    let own = |(of, number): (usize, u32)| (of == contact).then_some(number);
    match author {
        EntryAuthor::Contact => from_contact(text).and_then(own).map(Stored::Contact),
        EntryAuthor::Agent(_) => from_agent(text).and_then(own).map(Stored::Agent),
        EntryAuthor::Bot(_) if text.starts_with(ASSISTANT) => Some(Stored::Assistant),
        _ if is_apology(text) => Some(Stored::Assistant),
        EntryAuthor::System if text.contains("为您服务") || text.contains("为您转接客服") => {
            Some(Stored::Taken)
        }
        EntryAuthor::System if text.contains("排在您前面") => Some(Stored::Waits),
        EntryAuthor::System if text.contains("本次服务已结束") => Some(Stored::Over),
        _ => None,
    }
}

/// What the store knows of a message that something is wrong with, and the nodes' logs of its conversation.
pub(super) async fn way(cluster: &Cluster, wrong: &Wrong) -> Vec<String> {
    let Some(mark) = wrong.mark() else {
        return Vec::new();
    };
    let store = cluster.store().await;
    let conversation = cluster.conversation(&store, wrong.contact).await;
    let lines = cluster.stored(&store, wrong.contact, 1_000_000).await;
    let of_it = lines
        .iter()
        .filter(|line| matches!(&line.content, Content::Text(text) if text.text.contains(&mark)));
    let traces: BTreeSet<ArrivalId> = of_it.map(|line| line.trace).collect();
    let mut told = vec![format!("    conversation {conversation}")];
    if traces.is_empty() {
        told.push(format!("    {mark} is not in its transcript"));
    }
    for id in traces {
        if let Some(trace) = cluster.trace(&store, id).await {
            let arrival = &trace.arrival;
            told.push(format!(
                "    {mark} came as {id}: accepted {:?}, turned {:?}",
                arrival.accepted_at, arrival.turned
            ));
            for one in &trace.dispatches {
                told.push(format!(
                    "      dispatch {} to {} {}: {} at {:?} after {} tries, {:?}",
                    one.id, one.inbox, one.to, one.state, one.at, one.attempts, one.reason
                ));
            }
        }
    }
    told
}
