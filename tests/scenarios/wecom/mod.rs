//! Agents who work in WeCom: all customers in one chat, kept apart; and staff who write to the app.

mod cards;
mod lanes;
mod staff;

use bridge_sandbox::{Content, Message, wecom::Member};

use crate::{
    configuration,
    stage::{Set, Stage},
};

/// How long a busy machine may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);

async fn stage(change: impl FnOnce(&mut Set)) -> Stage {
    let mut set = Set {
        assistant: false,
        ..Set::default()
    };
    let corp = &mut set.settings.wecom;
    (corp.token_rate, corp.daily_share) = (0, 0);
    change(&mut set);
    let corp = &set.settings.wecom;
    let robots = format!("robots = {{ duty = \"{}\" }}", corp.robots[0].key);
    let work = configuration::wecom(corp, &robots);
    set.more
        .push_str(&(work + &configuration::agent_in_wecom(5)));
    let stage = Stage::with(set).await;
    stage.sandbox.wecom().verify_callback("work").await.unwrap();
    stage
}

fn zhou(stage: &Stage) -> Member {
    stage.sandbox.wecom().member("ZhouNing").unwrap()
}

/// The number and name of a new contact, from the card's title.
fn line(card: &Message) -> (String, String) {
    let words = card.content.words();
    let title = words.lines().next().unwrap();
    let (_, line) = title.split_once('：').unwrap();
    let (number, name) = line.split_once(' ').unwrap();
    (number.to_owned(), name.to_owned())
}

fn press(member: &Member, card: &Message, label: &str) -> bridge_sandbox::Pushed {
    let Content::TemplateCard { card: shown } = &card.content else {
        panic!("no card: {card:?}")
    };
    let button = shown.buttons.iter().find(|button| button.text == label);
    member.presses(card, &button.unwrap().key).unwrap()
}

fn heard(chat: &[Message], part: &str) -> usize {
    let words = chat.iter().map(|one| one.content.words());
    words.filter(|words| words.contains(part)).count()
}
