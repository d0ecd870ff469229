//! The comparison: pure, so that each check is shown to be able to fail (see the tests beside it).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use bridge_core::message::ConversationId;

use super::{
    Account, Left, To,
    found::{AtDesk, Found, Heard, OnPhone, Stored},
};

/// Whose message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Contact(u32),
    Agent(u32),
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wrong {
    pub(super) contact: usize,
    /// The message, where it is one.
    pub(super) message: Option<By>,
    pub(super) what: String,
}

impl Wrong {
    fn new(contact: usize, message: By, what: impl Into<String>) -> Self {
        Self {
            contact,
            message: Some(message),
            what: what.into(),
        }
    }

    /// As it stands in the message.
    pub(super) fn mark(&self) -> Option<String> {
        Some(match self.message? {
            By::Contact(number) => format!("<{}:{number}>", self.contact),
            By::Agent(number) => format!("[{}:{number}]", self.contact),
        })
    }

    pub(super) fn said_at(&self, of: &Account) -> Option<Duration> {
        match self.message? {
            By::Contact(number) => of.customer.get(&number).map(|said| said.at),
            By::Agent(number) => of.agents.get(&number).map(|answer| answer.at),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = self.mark().unwrap_or_default();
        write!(f, "contact {}: {mark} {}", self.contact, self.what)
    }
}

type Accounts = BTreeMap<usize, Account>;

/// What may be.
pub(super) struct Rules<'a> {
    /// Whether something happened between these times for which a message may be on a contact's phone twice.
    pub(super) on_phone: &'a dyn Fn(usize, i64, i64) -> bool,
    /// The same of a desk whose platform has nothing to tell a repeat by.
    pub(super) at_desk: &'a dyn Fn(i64, i64) -> bool,
}

/// Agents' messages that are not on the phone and of which the agent was not told so.
pub(super) fn unheard(contact: usize, of: &Account, found: &Found) -> Vec<Wrong> {
    let heard: BTreeSet<u32> = on_phone(found, contact)
        .filter_map(|line| match line.what {
            Heard::Agent(whose, number) if whose == contact => Some(number),
            _ => None,
        })
        .collect();
    let wanted = of.agents.iter().filter(|(number, answer)| {
        answer.left != Left::Perhaps
            && !heard.contains(number)
            && !found.told.contains(&(contact, **number))
    });
    wanted
        .map(|(number, _)| Wrong::new(contact, By::Agent(*number), "did not reach the phone"))
        .collect()
}

/// What has not arrived, as far as people know for whom it was.
pub(super) fn missing(accounts: &Accounts, found: &Found) -> Vec<Wrong> {
    // What was said while the contact waited is shown with it.
    let mut at_desks = found.shown.clone();
    at_desks.extend(found.desks.iter().map(|line| (line.contact, line.number)));
    let mut missing = Vec::new();
    for (contact, of) in accounts {
        let to_person = of
            .customer
            .iter()
            .filter(|(_, said)| said.acknowledged && said.to == To::Person);
        for (number, _) in to_person {
            if !at_desks.contains(&(*contact, *number)) {
                let what = "was acknowledged and did not reach an agent";
                missing.push(Wrong::new(*contact, By::Contact(*number), what));
            }
        }
        missing.extend(unheard(*contact, of, found));
    }
    missing
}

/// Everything that is wrong once all is quiet.
pub(super) fn wrong(accounts: &Accounts, found: &Found, rules: &Rules<'_>) -> Vec<Wrong> {
    let mut wrong = missing(accounts, found);
    wrong.extend(at_desks(accounts, found, rules));
    for (contact, of) in accounts {
        wrong.extend(on_a_phone(*contact, of, found, rules));
        wrong.extend(in_store(*contact, of, found));
        let complaints = found.complaints.get(contact).into_iter().flatten();
        wrong.extend(complaints.map(|what| Wrong {
            contact: *contact,
            message: None,
            what: format!("page: {what}"),
        }));
    }
    wrong
}

/// Once, in order at each agent's, in the contact's own chat and in no other, at somebody's who had been given it.
fn at_desks(accounts: &Accounts, found: &Found, rules: &Rules<'_>) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut first: BTreeMap<(usize, u32), &AtDesk> = BTreeMap::new();
    // In order at each agent's. What waited to be sent to the one who had the conversation may reach them after the next
    // one has heard more: it is in what the next was shown with the conversation.
    let mut last: BTreeMap<(&str, usize), u32> = BTreeMap::new();
    let mut whose: BTreeMap<&str, usize> = BTreeMap::new();
    let mut chats: BTreeMap<usize, &str> = BTreeMap::new();
    for line in &found.desks {
        let (contact, number) = (line.contact, line.number);
        let mut is_wrong = |what: String| {
            wrong.push(Wrong::new(contact, By::Contact(number), what));
        };
        if *whose.entry(&line.chat).or_insert(contact) != contact {
            is_wrong(format!("is in somebody else's chat {}", line.chat));
        }
        // A line of a member's chat is given anew with each talk.
        if !line.repeats && *chats.entry(contact).or_insert(&line.chat) != line.chat {
            is_wrong(format!(
                "is in a second chat {} at {}",
                line.chat, line.agent
            ));
        }
        if !line.given {
            is_wrong(format!("is at {}, who was never given it", line.agent));
        }
        if let Some(before) = first.get(&(contact, number)) {
            if !(line.repeats && (rules.at_desk)(before.at, line.at)) {
                is_wrong(format!(
                    "is there twice: at {} and {}",
                    before.agent, line.agent
                ));
            }
            continue;
        }
        first.insert((contact, number), line);
        let said = accounts
            .get(&contact)
            .and_then(|of| of.customer.get(&number));
        // What nobody acknowledged may come late, or not at all.
        if !said.is_some_and(|said| said.acknowledged) {
            continue;
        }
        let last = last.entry((&line.agent, contact)).or_default();
        if number < *last {
            is_wrong(format!("comes after {last} at {}", line.agent));
        }
        *last = number.max(*last);
    }
    wrong
}

fn on_phone(found: &Found, contact: usize) -> impl Iterator<Item = &OnPhone> {
    found.phones.get(&contact).into_iter().flatten()
}

/// Once, in order, nobody else's, and the assistant never after a person.
fn on_a_phone(contact: usize, of: &Account, found: &Found, rules: &Rules<'_>) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut first: BTreeMap<By, i64> = BTreeMap::new();
    // The last of the agents' messages in order, and the contact's message that a person has answered.
    let (mut last, mut answered) = (0, 0);
    for line in on_phone(found, contact) {
        let marks = match &line.what {
            Heard::Agent(whose, number) => vec![(*whose, By::Agent(*number))],
            Heard::Assistant(to) => to
                .iter()
                .map(|(whose, number)| (*whose, By::Contact(*number)))
                .collect(),
        };
        for (whose, by) in marks {
            if whose != contact {
                let what = format!("is on the phone of {contact}");
                wrong.push(Wrong::new(whose, by, what));
                continue;
            }
            if let Some(before) = first.get(&by) {
                if !(rules.on_phone)(contact, *before, line.at) {
                    let gap = line.at - before;
                    let what = format!("is on the phone twice, {gap} ms apart, without a cause");
                    wrong.push(Wrong::new(contact, by, what));
                }
                continue;
            }
            first.insert(by, line.at);
            match by {
                By::Contact(number) if number < answered => {
                    let what = "was answered by the assistant after a person had spoken";
                    wrong.push(Wrong::new(contact, by, what));
                }
                By::Contact(_) => {}
                By::Agent(number) => {
                    let Some(answer) = of.agents.get(&number) else {
                        wrong.push(Wrong::new(contact, by, "was never said"));
                        continue;
                    };
                    answered = answer.to.max(answered);
                    if number < last && answer.left == Left::Told {
                        let what = format!("comes after {last} on the phone");
                        wrong.push(Wrong::new(contact, by, what));
                    }
                    if answer.left == Left::Told {
                        last = number.max(last);
                    }
                }
            }
        }
    }
    wrong
}

/// Who has a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Waits,
    Taken,
}

/// The transcript has everything once and in order; what was said to a person came to one; the assistant said nothing while
/// a person had the conversation; what was said to the assistant was asked, or shown to the person who came instead.
fn in_store(contact: usize, of: &Account, found: &Found) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let Some(lines) = found.stored.get(&contact) else {
        return wrong;
    };
    let at_desk: BTreeSet<u32> = found
        .desks
        .iter()
        .filter(|line| line.contact == contact)
        .map(|line| line.number)
        .collect();
    let (mut said, mut answers) = (BTreeSet::new(), BTreeSet::new());
    let (mut state, mut last) = (State::Free, 0);
    for line in lines {
        let mut is_wrong = |by: By, what: String| wrong.push(Wrong::new(contact, by, what));
        match *line {
            Stored::Waits => state = State::Waits,
            Stored::Taken => state = State::Taken,
            Stored::Over => state = State::Free,
            Stored::Assistant if state == State::Taken => wrong.push(Wrong {
                contact,
                message: Some(By::Contact(last)),
                what: "is the last before the assistant spoke while a person had the conversation"
                    .to_owned(),
            }),
            Stored::Assistant => {}
            Stored::Agent(number) => {
                if !answers.insert(number) {
                    is_wrong(By::Agent(number), "is stored twice".to_owned());
                }
            }
            Stored::Contact(number) => {
                let by = By::Contact(number);
                if !said.insert(number) {
                    is_wrong(by, "is stored twice".to_owned());
                    continue;
                }
                let Some(known) = of.customer.get(&number) else {
                    is_wrong(by, "was never said".to_owned());
                    continue;
                };
                if known.acknowledged && number < last {
                    is_wrong(by, format!("is stored after {last}"));
                }
                last = if known.acknowledged {
                    number.max(last)
                } else {
                    last
                };
                let (asked, shown) = (&found.asked, &found.shown);
                let mark = (contact, number);
                let at_desk = at_desk.contains(&number);
                match state {
                    State::Taken if !at_desk => {
                        is_wrong(by, "was for a person, and reached nobody".to_owned());
                    }
                    State::Free if known.to == To::Person && known.acknowledged => {
                        is_wrong(by, "was said to a person, and nobody had it".to_owned());
                    }
                    State::Free | State::Waits
                        if !at_desk && !asked.contains(&mark) && !shown.contains(&mark) =>
                    {
                        is_wrong(by, "reached neither the assistant nor a person".to_owned());
                    }
                    _ => {}
                }
            }
        }
    }
    let lost = of
        .customer
        .iter()
        .filter(|(number, known)| known.acknowledged && !said.contains(number));
    wrong.extend(lost.map(|(number, _)| {
        Wrong::new(
            contact,
            By::Contact(*number),
            "was acknowledged and is not stored",
        )
    }));
    // What was refused, and the agent told so, is nobody's.
    let unsaid = of.agents.iter().filter(|(number, answer)| {
        answer.left != Left::Perhaps
            && !answers.contains(number)
            && !found.told.contains(&(contact, **number))
    });
    wrong
        .extend(unsaid.map(|(number, _)| Wrong::new(contact, By::Agent(*number), "is not stored")));
    wrong
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
