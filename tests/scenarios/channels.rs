//! Customers of every channel at once, served by agents who see all of them: nothing crosses, nothing is lost, each hears
//! their own answers in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bridge_sandbox::{Author, kf::KfPhone, tim, wechat, wecom};
use tokio::task::{JoinHandle, JoinSet};

use crate::{
    configuration,
    stage::{Backs, Set, Stage, on_both_backs},
    visitor::Visitor,
};

on_both_backs!(customers_of_every_channel_talk_at_once_and_nothing_crosses);

/// How many of each kind come.
const EACH: usize = 3;
/// How many questions each asks: what an agent in WeCom gets of them has to fit what a member may get at once.
const QUESTIONS: usize = 4;

/// Somebody who asks, wherever.
enum Person {
    Phone(wechat::Phone),
    Kf(KfPhone),
    Visitor(Box<Visitor>),
}

impl Person {
    async fn says(&mut self, text: &str) {
        match self {
            Self::Phone(phone) => assert!(phone.says(text).await.delivered()),
            Self::Kf(phone) => assert!(phone.says(text).await.delivered()),
            Self::Visitor(visitor) => assert_eq!(visitor.says(text).await["t"], "taken"),
        }
    }

    async fn hears(&mut self, part: &str) {
        match self {
            Self::Phone(phone) => drop(phone.hears_text(part).await.unwrap()),
            Self::Kf(phone) => drop(phone.hears_text(part).await.unwrap()),
            Self::Visitor(visitor) => drop(visitor.reads(part).await),
        }
    }

    /// The answers heard, in order.
    fn answers(&self) -> Vec<String> {
        let chat = match self {
            Self::Phone(phone) => phone.chat(),
            Self::Kf(phone) => phone.chat(),
            Self::Visitor(visitor) => return only_answers(visitor.words()),
        };
        let heard = chat.iter().filter(|one| one.from == Author::Account);
        only_answers(heard.map(|one| one.text().to_owned()))
    }
}

fn only_answers(words: impl IntoIterator<Item = String>) -> Vec<String> {
    let words = words.into_iter();
    words.filter(|text| text.starts_with("答 ")).collect()
}

async fn stage(backs: Backs) -> Stage {
    let mut set = Set {
        backs,
        capacity: 20,
        assistant: false,
        ..Set::default()
    };
    // An agent in WeCom who happens to have more of them is told at the pace that WeCom sets: one in some seconds.
    set.settings.patience = Duration::from_secs(60);
    let platforms = &set.settings;
    set.more = [
        configuration::site(""),
        configuration::kf(&platforms.kf, ""),
        configuration::mini_program(&platforms.wechat.accounts[1], ""),
        configuration::wecom(&platforms.wecom, ""),
        configuration::agent_in_wecom(10),
    ]
    .concat();
    Stage::with(set).await
}

/// Everybody, with the name that their words carry.
async fn people(stage: &Stage) -> Vec<(String, Person)> {
    let mut people = Vec::new();
    for number in 0..EACH {
        let name = |kind: &str| format!("{kind}{number}");
        let mall = stage.phone(&name("公众号"));
        people.push((name("公众号"), Person::Phone(mall)));
        let mini = stage.sandbox.wechat().add_customer(wechat::NewCustomer {
            nickname: name("小程序"),
            inbox: Some("mini".to_owned()),
            ..wechat::NewCustomer::default()
        });
        people.push((name("小程序"), Person::Phone(mini.unwrap())));
        let kf = stage.sandbox.kf().phone(&name("客服"));
        people.push((name("客服"), Person::Kf(kf)));
        let visitor = Visitor::comes(&stage.bridge.url).await;
        people.push((name("网站"), Person::Visitor(Box::new(visitor))));
    }
    people
}

/// Asks for a person, then one question after the other, each after the answer to the one before.
async fn asks(name: String, mut person: Person) -> (String, Person) {
    person.says("人工").await;
    person.hears("为您服务").await;
    for number in 0..QUESTIONS {
        person.says(&format!("问 {name} {number}")).await;
        person.hears(&format!("答 {name} {number}")).await;
    }
    (name, person)
}

/// An agent who answers every question in its own chat, until stopped.
fn answers(agent: tim::Client) -> JoinHandle<()> {
    tokio::spawn(async move {
        let is_question = |heard: &tim::Heard| heard.text().starts_with("问 ");
        while let Ok(heard) = agent.hears_which("a question", is_question).await {
            let answer = heard.text().replacen('问', "答", 1);
            assert!(agent.says(&heard.peer, &answer).unwrap().await.delivered());
        }
    })
}

/// An agent in WeCom, who has all contacts in one chat: each question begins with its line's number, each answer names it.
fn answers_in_wecom(member: wecom::Member) -> JoinHandle<()> {
    tokio::spawn(async move {
        let is_question = |message: &bridge_sandbox::Message| message.text().contains("】问 ");
        while let Ok(heard) = member.hears_which("a question", is_question).await {
            let (line, question) = on_line(heard.text()).unwrap();
            let answer = question.replacen('问', "答", 1);
            let said = member.says(&format!("@{line} {answer}"));
            assert!(said.await.delivered());
        }
    })
}

/// `【2 小周】问 …` as line and words.
fn on_line(text: &str) -> Option<(&str, &str)> {
    let (label, words) = text.strip_prefix('【')?.split_once('】')?;
    Some((label.split_once(' ')?.0, words))
}

/// Whose questions an agent has in one chat.
fn asked_in(agent: &tim::Client, peer: &str) -> Vec<String> {
    let mut names: Vec<String> = agent
        .messages(peer)
        .iter()
        .filter(|one| one.from == Author::Peer)
        .filter_map(|one| {
            Some(
                one.text()
                    .strip_prefix("问 ")?
                    .split(' ')
                    .next()?
                    .to_owned(),
            )
        })
        .collect();
    names.dedup();
    names
}

/// Whose questions came on which line of an agent in WeCom.
fn asked_on_lines(member: &wecom::Member) -> BTreeMap<String, BTreeSet<String>> {
    let mut lines: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for message in member.chat() {
        let Some((line, words)) = on_line(message.text()) else {
            continue;
        };
        if let Some(asked) = words.strip_prefix("问 ") {
            let name = asked.split(' ').next().unwrap_or_default();
            lines
                .entry(line.to_owned())
                .or_default()
                .insert(name.to_owned());
        }
    }
    lines
}

async fn customers_of_every_channel_talk_at_once_and_nothing_crosses(backs: Backs) {
    let stage = stage(backs).await;
    let agents = [stage.agent("system"), stage.agent("lin")];
    let zhou = stage.sandbox.wecom().member("ZhouNing").unwrap();
    let mut working: Vec<_> = agents.iter().cloned().map(answers).collect();
    working.push(answers_in_wecom(zhou.clone()));
    let mut talks = JoinSet::new();
    for (name, person) in people(&stage).await {
        talks.spawn(asks(name, person));
    }
    let mut names = Vec::new();
    while let Some(talk) = talks.join_next().await {
        let (name, person) = talk.unwrap();
        let expected: Vec<String> = (0..QUESTIONS)
            .map(|number| format!("答 {name} {number}"))
            .collect();
        assert_eq!(person.answers(), expected, "{name} hears their own answers");
        names.push(name);
    }
    working.iter().for_each(JoinHandle::abort);
    stage.settled().await;

    let mut seen = Vec::new();
    for agent in &agents {
        let chats = agent.chats();
        assert!(chats.len() >= EACH, "the load is shared: {}", chats.len());
        for chat in chats {
            let asked = asked_in(agent, &chat.peer);
            assert_eq!(asked.len(), 1, "{}: {asked:?}", chat.peer);
            seen.extend(asked);
        }
    }
    let lines = asked_on_lines(&zhou);
    assert!(lines.len() > 1, "WeCom has its share: {lines:?}");
    for (line, asked) in lines {
        assert_eq!(asked.len(), 1, "{line}: {asked:?}");
        seen.extend(asked);
    }
    names.sort();
    seen.sort();
    assert_eq!(seen, names, "everybody has one chat with one agent");
}
