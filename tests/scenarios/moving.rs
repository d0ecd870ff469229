//! A small start outgrows its machine: killed in the middle of everything, moved by a command that is killed half way and
//! run again, and carried on elsewhere. What was waiting arrives once and in order; nobody notices but by the delay.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use bridge_sandbox::{Author, Message};
use bridge_testkit::servers::{self, unique};
use tokio_postgres::{Client, NoTls};

use crate::{
    configuration,
    stage::{Bridge, Set, Stage},
};

/// A database of its own, and a session beside it.
async fn database() -> (Client, String) {
    let schema = unique("moving").replace('-', "_");
    let url = format!("{}?options=-csearch_path%3D{schema}", servers::postgres());
    let (db, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let create = format!("CREATE SCHEMA {schema}");
    db.batch_execute(&create).await.unwrap();
    (db, url)
}

fn copy(from: &Path, to: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kefu-bridge"));
    command
        .args(["store", "copy", "--from"])
        .arg(format!("sqlite://{}", from.display()))
        // The password stays out of the list of processes.
        .args(["--to", "${MOVE_TO}"])
        .env("MOVE_TO", to);
    command
}

fn run(command: &mut Command) -> (Output, String) {
    let output = command.output().unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    (output, said)
}

/// What of the customer's numbered messages an agent has, in order.
fn heard(messages: &[Message]) -> Vec<String> {
    let theirs = messages.iter().filter(|one| one.from == Author::Peer);
    let texts = theirs.map(|one| one.text().to_owned());
    texts.filter(|text| text.starts_with("第")).collect()
}

fn numbered(numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    numbers.map(|number| format!("第{number}句")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_carry_on_in_another_store() {
    let mut stage = Stage::with(Set {
        capacity: 1,
        ..Set::default()
    })
    .await;
    let (system, lin) = (stage.agent("system"), stage.agent("lin"));
    let [served, rated, waiting, asking] = ["甲", "乙", "丙", "丁"].map(|name| stage.phone(name));

    // One is with an agent, one has been and is asked for a rating, one waits, one asks the assistant.
    assert!(served.says("转人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    assert!(rated.says("转人工").await.delivered());
    let rated_peer = lin.hears_text("新会话").await.unwrap().peer;
    assert!(waiting.says("转人工").await.delivered());
    waiting.hears_text("请稍候").await.unwrap();
    for text in numbered(1..=3) {
        assert!(served.says(&text).await.delivered());
    }
    system.hears_text("第3句").await.unwrap();
    system.says(&peer, "回1").unwrap().await;
    served.hears_text("回1").await.unwrap();
    stage.settled().await;

    // From here on nothing leaves, and then the power goes.
    stage
        .sandbox
        .order("tim.send=http:503,wechat.send=http:503,dify.chat=hang")
        .unwrap();
    lin.says(&rated_peer, "#退出").unwrap().await;
    for text in numbered(4..=9) {
        assert!(served.says(&text).await.delivered());
    }
    system.says(&peer, "回2").unwrap().await;
    system.says(&peer, "回3").unwrap().await;
    assert!(asking.says("几点开门？").await.delivered());
    stage.bridge.kill();
    let file = stage.folder.path().join("kefu.db");

    // The copy is killed while it writes the transcript.
    let (db, url) = database().await;
    let set = Set {
        capacity: 1,
        storage: Some(url.clone()),
        ..Set::default()
    };
    let config = configuration::whole(stage.sandbox.url(), stage.folder.path(), &set);
    std::fs::write(stage.config(), config).unwrap();
    let mut migrate = Command::new(env!("CARGO_BIN_EXE_kefu-bridge"));
    let (migrated, said) = run(migrate.args(["migrate", "-c"]).arg(stage.config()));
    assert!(migrated.status.success(), "{said}");
    db.batch_execute(
        "CREATE FUNCTION in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM pg_advisory_xact_lock(hashtext(current_schema())); RETURN NULL; END $$;
         CREATE TRIGGER in_the_way BEFORE INSERT ON entries EXECUTE FUNCTION in_the_way();
         SELECT pg_advisory_lock(hashtext(current_schema()))",
    )
    .await
    .unwrap();
    let mut first = copy(&file, &url).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(first.stdout.take().unwrap()).lines();
    let turned = lines
        .map_while(Result::ok)
        .find(|line| line.contains("turned"));
    assert!(turned.unwrap().contains("copied"), "it is in the middle");
    first.kill().unwrap();
    first.wait().unwrap();
    db.batch_execute(
        "SELECT pg_advisory_unlock_all(); DROP TRIGGER in_the_way ON entries; DROP FUNCTION in_the_way",
    )
    .await
    .unwrap();
    assert!(
        Bridge::try_start(&stage.config()).is_none(),
        "nobody works on half a copy"
    );
    let (second, said) = run(&mut copy(&file, &url));
    assert!(second.status.success(), "{said}");
    assert!(
        said.contains("carrying on") && said.contains("✓ the same"),
        "{said}"
    );
    assert!(!said.contains("password"), "{said}");
    let (third, said) = run(&mut copy(&file, &url));
    assert!(
        !third.status.success() && said.contains("finished copy"),
        "{said}"
    );

    // Elsewhere, in fair weather, with the media's folder taken along.
    stage.sandbox.fair_weather();
    stage.sandbox.dify().answers("九点开门。");
    stage.bridge = Bridge::start(&stage.config());
    stage.sandbox.set_bridge(&stage.bridge.url);
    asking.hears_text("九点开门").await.unwrap();
    served.hears_text("回3").await.unwrap();
    system.hears_text("第9句").await.unwrap();
    rated.hears_text("本次服务已结束").await.unwrap();
    waiting.hears_text("林小满").await.unwrap();
    for text in numbered(10..=12) {
        assert!(served.says(&text).await.delivered());
    }
    system.hears_text("第12句").await.unwrap();
    system.says(&peer, "#退出").unwrap().await;
    system.hears_text("会话已结束").await.unwrap();
    let waited_peer = lin.hears_text("转人工").await.unwrap().peer;
    lin.says(&waited_peer, "久等了").unwrap().await;
    waiting.hears_text("久等了").await.unwrap();
    stage.settled().await;
    assert_eq!(heard(&system.messages(&peer)), numbered(1..=12));
    let answers: Vec<_> = served
        .chat()
        .iter()
        .map(Message::text)
        .filter(|text| text.contains('回'))
        .map(str::to_owned)
        .collect();
    assert_eq!(answers, ["回1", "回2", "回3"]);
    let ready = stage.ready().await;
    assert_eq!(
        (&ready["depths"]["queued"], &ready["depths"]["assigned"]),
        (&0.into(), &1.into()),
        "{ready}"
    );
}
