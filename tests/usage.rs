//! The command line, as somebody types it who reads Chinese and somebody who reads English: what is wrong in both
//! languages, 2 for what was typed wrong, 1 for what could not be done.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

fn typed(words: &[&str]) -> Output {
    let nowhere = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_kefu-bridge"))
        .args(words)
        .current_dir(nowhere.path())
        .output()
        .unwrap()
}

/// What it complains of: on stderr, and nothing else is said.
fn refused(words: &[&str]) -> String {
    let output = typed(words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
    assert!(output.stdout.is_empty(), "{words:?}");
    said
}

#[test]
fn what_was_typed_wrong_is_said_in_both_languages() {
    let cases: [(&[&str], &str, &str); 8] = [
        (&["serv"], "没有“serv”这个命令", "no command serv"),
        (
            &["serve", "--foo"],
            "没有 --foo 这个选项",
            "no option --foo",
        ),
        (&["serve", "foo"], "多出了“foo”", "foo is too much"),
        (&["trace"], "缺少 <ID>", "<ID> is missing"),
        (&["trace", "abc"], "<ID> 不能是“abc”", "<ID> cannot be abc"),
        (&["serve", "-c"], "后面缺少值", "needs a value"),
        (
            &["sandbox", "--listen", "here"],
            "不能是“here”",
            "cannot be here",
        ),
        (
            &["code", "m", "--agent", "a", "--scene", "b"],
            "不能与",
            "cannot be used with",
        ),
    ];
    for (words, zh, en) in cases {
        let said = refused(words);
        let first = said.lines().next().unwrap_or_default();
        assert!(
            first.contains(zh) && first.contains(en),
            "{words:?}: {said}"
        );
        assert!(said.contains("详见 / see: --help"), "{words:?}: {said}");
    }
    let near = refused(&["serv"]);
    assert!(near.contains("最接近的是 / did you mean: serve"), "{near}");
}

#[test]
fn help_reads_in_both_languages() {
    for words in [
        &["help"][..],
        &["--help"],
        &["serve", "--help"],
        &["help", "trace"],
    ] {
        let output = typed(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.contains("用法 / Usage: kefu-bridge"),
            "{words:?}: {said}"
        );
        assert!(said.contains("选项 / Options"), "{words:?}: {said}");
        for english in [
            "Print help",
            "Print version",
            "Print this message",
            "\nOptions:",
            "\nUsage",
        ] {
            assert!(!said.contains(english), "{words:?}: {english}: {said}");
        }
    }
    let said = String::from_utf8(typed(&["help"]).stdout).unwrap();
    assert!(said.contains("命令 / Commands"), "{said}");
}

#[test]
fn the_sandbox_tells_which_faults_can_be_ordered() {
    let said = String::from_utf8(typed(&["sandbox", "--help"]).stdout).unwrap();
    for part in ["TARGET[(WHO)]=KIND", "duplicate", "cut-after"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // What it gives as examples is taken: it gets as far as to an address that is not ours.
    let examples = said
        .lines()
        .find(|line| line.trim().starts_with("wechat.send="))
        .unwrap();
    let output = typed(&[
        "sandbox",
        "--listen",
        "192.0.2.1:1",
        "--faults",
        examples.trim(),
    ]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_mistake_of_whoever_typed_it_exits_with_two_everywhere() {
    let said = refused(&["store", "copy", "--from", "foo", "--to", "postgres://u@h/d"]);
    assert!(said.starts_with("--from: "), "{said}");
    let said = refused(&[
        "store",
        "copy",
        "--from",
        "postgres://u@h/d",
        "--to",
        "sqlite://x.db",
    ]);
    assert!(said.contains("sqlite://… "), "{said}");
    let said = refused(&[
        "store",
        "copy",
        "--from",
        "${KEFU_NOT_SET}",
        "--to",
        "sqlite://x",
    ]);
    assert!(said.contains("KEFU_NOT_SET"), "{said}");
    let said = refused(&["sandbox", "--faults", "zzz"]);
    assert!(said.starts_with("--faults: "), "{said}");
    let said = refused(&["code", "mall", "--agent", "x", "-c", "no-such-file.toml"]);
    assert!(said.contains("no-such-file.toml"), "{said}");
}

#[test]
fn a_code_for_nobody_or_nowhere_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[inboxes.site]\nchannel = \"web\"\n").unwrap();
    let file = file.to_str().unwrap();
    let said = refused(&["code", "site", "--agent", "nobody", "-c", file]);
    assert!(said.contains("nobody"), "{said}");
    let said = refused(&["code", "nowhere", "--scene", "x", "-c", file]);
    assert!(said.contains("nowhere"), "{said}");
    let said = refused(&["code", "site", "--scene", "x", "-c", file]);
    assert!(said.contains("no codes"), "{said}");
}
