use super::*;
use crate::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, async_trait},
    chain::Outcome,
    conversation::Move,
    message::{AgentName, Media},
    plugin::{BuildError, Plugin, Tools},
    testkit::{NOW, tools, turn_of_agent, turn_of_contact, turn_of_waiting, words},
};

#[derive(clap::Args)]
struct Anything {
    words: Vec<String>,
}

#[derive(clap::Args)]
struct Something {
    #[arg(required = true)]
    words: Vec<String>,
}

struct Silent<A>(std::marker::PhantomData<fn() -> A>);

impl<A: 'static> Plugin for Silent<A> {
    type Config = serde_json::Value;
    fn build(_: serde_json::Value, _: &Tools) -> Result<Self, BuildError> {
        Ok(Self(std::marker::PhantomData))
    }
}

#[async_trait]
impl<A: clap::Args + Send + 'static> ChatBot for Silent<A> {
    type Args = A;
    async fn answer(&self, _: A, _: &Turn) -> Result<Vec<Effect>, BotError> {
        Ok(Vec::new())
    }
}

fn filter() -> ParseCommands {
    let mut catalogue = Catalogue::default();
    for spec in [
        BotSpec::new::<Silent<Anything>>("ai"),
        BotSpec::new::<Silent<Anything>>("queue")
            .aliases(&["排队"])
            .audience(Audience::Everyone),
        BotSpec::new::<Silent<Anything>>("send"),
        BotSpec::new::<Silent<Anything>>("transfer").aliases(&["转接"]),
        BotSpec::new::<Silent<Something>>("weather").aliases(&["天气"]),
    ] {
        let bot = spec.build(serde_json::Value::Null, &tools()).unwrap();
        catalogue.insert(spec, bot);
    }
    ParseCommands {
        catalogue: Arc::new(catalogue),
        transfer_words: vec!["转人工".to_owned(), "Agent".to_owned()],
    }
}

async fn asked(turn: Turn) -> (String, Vec<String>) {
    match filter().apply(turn).await {
        Ok(ControlFlow::Continue(command)) => (command.bot.to_string(), command.argv),
        Ok(ControlFlow::Break(ending)) => panic!("ended: {ending:?}"),
        Err(error) => panic!("{error}"),
    }
}

async fn refused(turn: Turn) -> String {
    match filter().apply(turn).await {
        Ok(ControlFlow::Break(ending)) => {
            assert_eq!(ending.effects.len(), 1, "nothing but an answer");
            words(&ending.effects)[0].to_owned()
        }
        other => panic!("not refused: {:?}", other.map(|_| ())),
    }
}

fn assigned(mut turn: Turn) -> Turn {
    let to = Move::Assign(AgentName::new("system"));
    turn.conversation.apply(to, NOW).unwrap();
    turn
}

#[tokio::test]
async fn plain_speech_goes_to_the_bot_of_the_phase() {
    for (turn, bot) in [
        (turn_of_contact("在吗"), "ai"),
        (turn_of_waiting("在吗"), "queue"),
        (assigned(turn_of_contact("在吗")), "send"),
        (turn_of_agent("system", "您好"), "send"),
    ] {
        assert_eq!(asked(turn).await, (bot.to_owned(), vec![]));
    }
}

#[tokio::test]
async fn what_an_agent_says_is_never_the_assistants() {
    let mut turn = turn_of_agent("system", "您好");
    for phase in [
        Phase::Assisted,
        Phase::Resolved { since: NOW },
        turn_of_waiting("").conversation.phase,
    ] {
        turn.conversation.phase = phase;
        assert_eq!(asked(turn.clone()).await.0, "send");
    }
}

#[tokio::test]
async fn a_contact_asks_for_a_person() {
    for said in ["转人工", " 转人工！", "“转人工”", "ａｇｅｎｔ"] {
        assert_eq!(asked(turn_of_contact(said)).await.0, "transfer", "{said}");
    }
    for said in ["转人工要多久", "#转人工 现在", ""] {
        assert_eq!(asked(turn_of_contact(said)).await.0, "ai", "{said}");
    }
    let agents = turn_of_agent("system", "转人工");
    assert_eq!(asked(agents).await.0, "send", "an agent only says it");
}

#[tokio::test]
async fn recognised_speech_asks_for_a_person_and_is_never_a_command() {
    let voice = |words: &str| Content::Voice {
        media: Media::remote(&"mall".into(), "voice-1", None),
        words: Some(words.to_owned()),
        seconds: None,
    };
    let mut turn = turn_of_contact("");
    turn.said = Some(voice("转人工。"));
    assert_eq!(asked(turn).await.0, "transfer");
    let mut turn = turn_of_agent("system", "");
    turn.said = Some(voice("#转接"));
    assert_eq!(asked(turn).await.0, "send");
}

#[tokio::test]
async fn a_command_names_its_bot_and_how_it_was_called() {
    let turn = turn_of_agent("system", "＃ＱＵＥＵＥ 一 \"二 三\"");
    let Ok(ControlFlow::Continue(command)) = filter().apply(turn).await else {
        panic!("a command");
    };
    assert_eq!(command.bot.as_str(), "queue");
    assert_eq!(command.argv, ["一", "二 三"]);
    assert_eq!(command.turn.called.as_deref(), Some("queue"));
    assert!(command.turn.manual.page("排队").is_some());
}

#[tokio::test]
async fn a_command_is_understood_in_every_phase() {
    let mut turn = turn_of_agent("system", "#转接 lin");
    for phase in [
        Phase::Assisted,
        turn_of_waiting("").conversation.phase,
        Phase::Resolved { since: NOW },
    ] {
        turn.conversation.phase = phase;
        assert_eq!(asked(turn.clone()).await.0, "transfer");
    }
    assert_eq!(asked(turn_of_contact("#排队")).await.0, "queue");
    assert_eq!(
        asked(turn_of_contact("#转接")).await.0,
        "ai",
        "speech from a contact"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_command_ends_the_turn_with_an_answer() {
    let unknown = refused(turn_of_agent("system", "#转街")).await;
    assert!(unknown.contains("#转接"), "{unknown}");
    let usage = refused(turn_of_agent("system", "#天气")).await;
    assert!(usage.contains("用法：#天气 <WORDS>..."), "{usage}");
}

#[tokio::test]
async fn an_account_that_is_no_agents_may_use_no_command() {
    let mut turn = turn_of_agent("system", "#转接 lin");
    turn.agent = None;
    assert_eq!(
        refused(turn.clone()).await,
        "您没有使用“#转接”命令的权限，发送 #帮助 查看可用的命令。"
    );
    turn.said = Some(Content::text("您好"));
    assert_eq!(asked(turn).await.0, "send", "which refuses it");
}

#[tokio::test]
async fn two_signs_send_one() {
    let turn = turn_of_agent("system", "##1 号订单");
    let Ok(ControlFlow::Continue(command)) = filter().apply(turn).await else {
        panic!("speech");
    };
    assert_eq!(command.bot.as_str(), "send");
    assert_eq!(command.turn.words(), Some("#1 号订单"));
    assert_eq!(command.turn.called, None);
}

#[tokio::test]
async fn an_entry_bot_that_cannot_answer_speech_is_an_error_and_no_silence() {
    for name in ["weather", "nobody"] {
        let mut turn = turn_of_contact("在吗");
        turn.conversation.bot = BotName::new(name);
        let outcome = filter().apply(turn).await.map(|_| Outcome::default());
        assert!(matches!(outcome, Err(ChainError::Bot { .. })), "{name}");
    }
}
