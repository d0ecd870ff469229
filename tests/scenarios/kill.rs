//! `kill -9` at random points under load: what was acknowledged arrives once and in order, whatever happened between.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::stage::{Set, Stage};

const CONTACTS: usize = 12;
const ROUNDS: usize = 12;
/// How long a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_reordered() {
    let seed: u64 = std::env::var("KEFU_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_261_121);
    println!("seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let mut settings = bridge_sandbox::Settings::sink();
    settings.chat_capacity = 100_000;
    settings.patience = PATIENCE;
    let mut stage = Stage::with(Set {
        assistant: false,
        capacity: 1000,
        settings,
        ..Set::default()
    })
    .await;
    let agents = [stage.agent("system"), stage.agent("lin")];
    let phones: Vec<_> = (0..CONTACTS)
        .map(|number| stage.phone(&format!("客户{number}")))
        .collect();
    for phone in &phones {
        assert!(phone.says("人工").await.delivered());
        phone.hears_text("为您服务").await.unwrap();
    }
    let mut said = [0_u32; CONTACTS];
    let mut acknowledged: Vec<Vec<u32>> = vec![Vec::new(); CONTACTS];
    for _ in 0..ROUNDS {
        let before = reached(&agents);
        let mut flying = Vec::new();
        for (contact, phone) in phones.iter().enumerate() {
            // A customer types the next message once the phone shows the last one as sent, or failed.
            let count = dice.random_range(1..6);
            let first = said[contact] + 1;
            said[contact] += count;
            let phone = phone.clone();
            flying.push(tokio::spawn(async move {
                let mut taken = Vec::new();
                for number in first..first + count {
                    if phone
                        .says(&format!("<{contact}:{number}>"))
                        .await
                        .delivered()
                    {
                        taken.push(number);
                    }
                }
                (contact, taken)
            }));
        }
        // A random moment is the point of this test: when so many of these words have reached an agent.
        let come = before + dice.random_range(0..=CONTACTS);
        let through = stage
            .sandbox
            .until(PATIENCE, || (reached(&agents) >= come).then_some(()));
        through.await.unwrap();
        stage.kill_and_restart();
        for flight in flying {
            let (contact, taken) = flight.await.unwrap();
            acknowledged[contact].extend(taken);
        }
    }
    for (contact, phone) in phones.iter().enumerate() {
        said[contact] += 1;
        let last = said[contact];
        assert!(
            phone.says(&format!("<{contact}:{last}>")).await.delivered(),
            "the weather is over"
        );
        acknowledged[contact].push(last);
    }
    stage.settled().await;
    compare(&agents, &acknowledged);
    let total: usize = acknowledged.iter().map(Vec::len).sum();
    println!("{total} acknowledged messages over {ROUNDS} kills: each once, in order");
}

/// The books: what was acknowledged, and what the agents' accounts hold.
fn compare(agents: &[bridge_sandbox::tim::Client], acknowledged: &[Vec<u32>]) {
    let chats: Vec<Vec<(usize, u32)>> = agents.iter().flat_map(heard_by).collect();
    for (contact, taken) in acknowledged.iter().enumerate() {
        let of_contact =
            |chat: &&Vec<(usize, u32)>| chat.iter().any(|(other, _)| *other == contact);
        let chats: Vec<_> = chats.iter().filter(of_contact).collect();
        assert_eq!(
            chats.len(),
            1,
            "contact {contact} has one chat with one agent"
        );
        assert!(
            chats[0].iter().all(|(other, _)| *other == contact),
            "nobody else is in it"
        );
        let heard: Vec<u32> = chats[0].iter().map(|(_, number)| *number).collect();
        assert!(
            heard.windows(2).all(|pair| pair[0] < pair[1]),
            "contact {contact}: once and in order: {heard:?}"
        );
        // A message whose acknowledgement was lost may have been taken all the same; an acknowledged one must be there.
        let lost: Vec<_> = taken
            .iter()
            .filter(|number| !heard.contains(number))
            .collect();
        assert!(
            lost.is_empty(),
            "contact {contact}: {lost:?} lost of {heard:?}"
        );
    }
}

/// How many numbered messages there are at the agents'.
fn reached(agents: &[bridge_sandbox::tim::Client]) -> usize {
    agents
        .iter()
        .flat_map(heard_by)
        .map(|chat| chat.len())
        .sum()
}

/// What one agent's chats hold of the numbered messages, chat by chat, in order.
fn heard_by(agent: &bridge_sandbox::tim::Client) -> Vec<Vec<(usize, u32)>> {
    let numbered = |text: &str| -> Option<(usize, u32)> {
        let (contact, number) = text.strip_prefix('<')?.strip_suffix('>')?.split_once(':')?;
        Some((contact.parse().ok()?, number.parse().ok()?))
    };
    let lines = |peer: &str| {
        agent
            .messages(peer)
            .iter()
            .filter_map(|message| numbered(message.text()))
            .collect()
    };
    agent
        .chats()
        .into_iter()
        .map(|chat| lines(&chat.peer))
        .collect()
}
