//! A backup taken while everybody talks, and a life after it: what was open goes on, what had been sent is not sent again,
//! and no number of before is given to anything new, so that no platform takes something new for a repeat.

use std::{
    path::Path,
    process::{Command, Output},
};

use bridge_sandbox::{Author, Message, tim};

use crate::{
    configuration,
    stage::{Bridge, Set, Stage},
};

fn kefu(words: &[&str], config: &Path, folder: &Path) -> Output {
    let (command, rest) = words.split_first().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kefu-bridge"))
        .arg(command)
        .arg("-c")
        .arg(config)
        .args(rest)
        .arg(folder)
        .output();
    output.unwrap()
}

fn said(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(said).unwrap()
}

/// What of the customer's numbered messages an agent has, in order.
fn heard(agent: &tim::Client, peer: &str) -> Vec<String> {
    let messages = agent.messages(peer);
    let theirs = messages.iter().filter(|one| one.from == Author::Peer);
    let texts = theirs.map(|one| one.text().to_owned());
    texts.filter(|text| text.starts_with('第')).collect()
}

/// Messages that waited for their turn when the copy was made.
fn waiting_in(copy: &Path) -> usize {
    let db = rusqlite::Connection::open(copy.join("kefu.db")).unwrap();
    let count = "SELECT count(*) FROM arrivals";
    let waiting = db.query_row(count, [], |row| row.get::<_, u32>(0));
    waiting.unwrap().try_into().unwrap()
}

fn answers(messages: &[Message]) -> Vec<String> {
    let texts = messages.iter().map(|one| one.text().to_owned());
    texts.filter(|text| text.starts_with('答')).collect()
}

fn numbered(word: &str, numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    numbers.map(|number| format!("{word}{number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_while_everybody_talks_is_a_beginning() {
    let mut stage = Stage::usual().await;
    let (system, lin) = (stage.agent("system"), stage.agent("lin"));
    let [phone, other] = ["甲", "乙"].map(|name| stage.phone(name));
    assert!(phone.says("转人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    assert!(other.says("转人工").await.delivered());
    let other_peer = lin.hears_text("新会话").await.unwrap().peer;
    for text in numbered("第", 1..=3) {
        assert!(phone.says(&text).await.delivered());
    }
    for text in numbered("答", 1..=2) {
        system.says(&peer, &text).unwrap().await;
    }
    phone.hears_text("答2").await.unwrap();
    system.hears_text("第3").await.unwrap();
    stage.settled().await;

    // A copy is made while another customer does not stop talking.
    let copy = stage.folder.path().join("copy");
    let (config, to) = (stage.config(), copy.clone());
    let backup = tokio::task::spawn_blocking(move || kefu(&["backup"], &config, &to));
    let mut while_copied = 0;
    while !backup.is_finished() || while_copied < 5 {
        while_copied += 1;
        let text = format!("第{while_copied}");
        assert!(other.says(&text).await.delivered(), "nobody waits for it");
    }
    let backup = backup.await.unwrap();
    assert!(backup.status.success(), "{}", said(&backup));
    let in_hand = waiting_in(&copy);
    let again = kefu(&["backup"], &stage.config(), &copy);
    assert!(!again.status.success(), "a backup is not written over");

    // Life goes on, and then the disk is lost.
    for text in numbered("第", 4..=6) {
        assert!(phone.says(&text).await.delivered());
    }
    system.says(&peer, "答3").unwrap().await;
    phone.hears_text("答3").await.unwrap();
    system.hears_text("第6").await.unwrap();
    stage.settled().await;
    let before = (heard(&system, &peer), heard(&lin, &other_peer));
    assert_eq!(stage.bridge.terminate(), Some(0));
    let there = kefu(&["restore"], &stage.config(), &copy);
    assert!(!there.status.success(), "a store is not written over");

    let fresh = stage.folder.path().join("fresh");
    std::fs::create_dir(&fresh).unwrap();
    let config = configuration::whole(stage.sandbox.url(), &fresh, &Set::default());
    std::fs::write(stage.config(), config).unwrap();
    let restored = kefu(&["restore"], &stage.config(), &copy);
    assert!(restored.status.success(), "{}", said(&restored));
    stage.bridge = Bridge::start(&stage.config());
    stage.sandbox.set_bridge(&stage.bridge.url);
    stage.settled().await;
    // Where nothing was in hand when the copy was made, nothing is sent again. What waited to be sent went out again, and
    // the desk knew it by its number; only what still waited for its turn, at that very moment, has a number of its own.
    assert_eq!(heard(&system, &peer), before.0);
    let after = heard(&lin, &other_peer);
    assert_eq!(after[..before.1.len()], before.1[..]);
    assert_eq!(after.len() - before.1.len(), in_hand, "{after:?}");
    assert_eq!(answers(&phone.chat()), numbered("答", 1..=3));

    // Both are still with their agents.
    for text in numbered("第", 7..=9) {
        assert!(phone.says(&text).await.delivered());
    }
    system.hears_text("第9").await.unwrap();
    system.says(&peer, "答4").unwrap().await;
    phone.hears_text("答4").await.unwrap();
    assert!(other.says("还在吗").await.delivered());
    lin.hears_text("还在吗").await.unwrap();
    system.says(&peer, "#退出").unwrap().await;
    phone.hears_text("本次服务已结束").await.unwrap();
    stage.settled().await;
    assert_eq!(heard(&system, &peer), numbered("第", 1..=9));
    assert_eq!(answers(&phone.chat()), numbered("答", 1..=4));
}

/// A bridge that never ran, with an empty store: its folder and its configuration.
fn empty_bridge() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let nowhere = "http://127.0.0.1:9";
    let text = configuration::whole(nowhere, folder.path(), &Set::default());
    std::fs::write(&config, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kefu-bridge"))
        .args(["migrate", "-c"])
        .arg(&config)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    (folder, config)
}

/// What the copy of the store names has to be in the copy of the media: so the media are read later.
#[test]
fn media_are_copied_after_the_store_and_the_copy_gets_its_name_last() {
    let (folder, config) = empty_bridge();
    let (shelf, copy) = (folder.path().join("media/ab"), folder.path().join("copy"));
    std::fs::create_dir_all(&shelf).unwrap();
    // Whoever opens it waits for whoever reads it: that is the moment when the media are copied.
    let pipe = shelf.join("abcd");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let (with, to) = (config.clone(), copy.clone());
    let backup = std::thread::spawn(move || kefu(&["backup"], &with, &to));
    let read = std::fs::File::options().write(true).open(&pipe).unwrap();
    assert!(copy.join("unfinished/kefu.db").exists());
    assert!(!copy.join("kefu.db").exists(), "it is not whole yet");
    drop(read);
    let output = backup.join().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(copy.join("kefu.db").exists() && copy.join("media/ab/abcd").exists());
    assert!(!copy.join("unfinished").exists());
}

/// SQLite would take the log of the old database for one of the new, and write it into it.
#[test]
fn a_log_that_was_left_behind_is_not_written_into_what_is_restored() {
    let (folder, config) = empty_bridge();
    let copy = folder.path().join("copy");
    let output = kefu(&["backup"], &config, &copy);
    assert!(output.status.success(), "{}", said(&output));
    let (store, log) = (
        folder.path().join("kefu.db"),
        folder.path().join("kefu.db-wal"),
    );
    std::fs::remove_file(&store).unwrap();
    std::fs::write(&log, "what was written last").unwrap();
    let output = kefu(&["restore"], &config, &copy);
    assert!(!output.status.success() && said(&output).contains("kefu.db-wal"));
    assert!(!store.exists());
    std::fs::remove_file(&log).unwrap();
    let output = kefu(&["restore"], &config, &copy);
    assert!(output.status.success(), "{}", said(&output));
}
