use super::fixture;
use crate::tencent_im::callback::{Callback, CallbackError, MAX_BYTES};
use crate::tencent_im::key::MessageKey;

/// Reads a sample under its own command's name.
fn read(body: &str) -> Callback<'_> {
    let command: serde_json::Value = serde_json::from_str(body).unwrap();
    Callback::parse(command["CallbackCommand"].as_str(), body.as_bytes()).unwrap()
}

#[test]
fn after_send() {
    let Callback::C2cAfterSend(message) = read(fixture!("callbacks/c2c_after_send_msg.json"))
    else {
        panic!()
    };
    assert_eq!((&*message.from, &*message.to), ("visitor43", "kf_agent-01"));
    assert_eq!(
        (message.msg_seq, message.msg_random),
        (4_100_000_007, 2_216_677_889)
    );
    assert_eq!(
        (message.msg_time, message.event_time),
        (1_700_000_010, 1_700_000_010_421)
    );
    assert!(message.delivered());
    assert_eq!(message.unread_msg_num, 3);
    assert_eq!(message.msg_body.len(), 1);
    assert_eq!(
        message.key().between(&message.from, &message.to),
        "1700000010:4100000007:2216677889:visitor43:kf_agent-01"
    );
}

#[test]
fn a_send_that_failed_is_not_delivered() {
    let body = fixture!("callbacks/c2c_after_send_msg.json")
        .replace("\"SendMsgResult\":0", "\"SendMsgResult\":20006");
    let Callback::C2cAfterSend(message) = read(&body) else {
        panic!()
    };
    assert!(!message.delivered());
}

#[test]
fn before_send_read_recall_modify() {
    assert!(matches!(
        read(fixture!("callbacks/c2c_before_send_msg.json")),
        Callback::C2cBeforeSend(_)
    ));

    let Callback::C2cRead(read_up) = read(fixture!("callbacks/c2c_after_msg_report.json")) else {
        panic!()
    };
    assert_eq!(
        (&*read_up.reader, &*read_up.peer, read_up.last_read_time),
        ("visitor43", "kf_agent-01", 1_700_000_031)
    );

    let Callback::C2cRecalled(recalled) = read(fixture!("callbacks/c2c_after_msg_with_draw.json"))
    else {
        panic!()
    };
    let numbers = MessageKey::Numbers {
        time: 1_700_000_010,
        seq: 4_100_000_007,
        random: 2_216_677_889,
    };
    assert_eq!(MessageKey::parse(&recalled.msg_key), numbers);

    let Callback::C2cModified(modified) = read(fixture!("callbacks/c2c_after_modify_msg.json"))
    else {
        panic!()
    };
    assert_eq!(&*modified.operator, "administrator");
    assert_eq!(modified.key().time(), 1_700_000_005);
    assert_eq!(modified.msg_body.len(), 1);
}

#[test]
fn presence() {
    let Callback::StateChange(login) = read(fixture!("callbacks/state_state_change_login.json"))
    else {
        panic!()
    };
    assert_eq!(
        (&*login.info.account, login.online()),
        ("visitor43", Some(true))
    );
    let Callback::StateChange(lost) =
        read(fixture!("callbacks/state_state_change_disconnect.json"))
    else {
        panic!()
    };
    assert_eq!(
        (&*lost.info.reason, lost.online()),
        ("TimeOut", Some(false))
    );
}

#[test]
fn profile() {
    let Callback::PortraitSet(profile) = read(fixture!("callbacks/profile_portrait_set.json"))
    else {
        panic!()
    };
    assert_eq!(profile.text("Tag_Profile_IM_Nick"), Some("小周"));
    assert_eq!(profile.text("Tag_Profile_IM_BirthDay"), None);
    assert_eq!(profile.items.len(), 2);
}

#[test]
fn groups() {
    assert!(matches!(
        read(fixture!("callbacks/group_before_send_msg.json")),
        Callback::GroupBeforeSend(_)
    ));
    let Callback::GroupAfterSend(sent) = read(fixture!("callbacks/group_after_send_msg.json"))
    else {
        panic!()
    };
    assert_eq!(
        (sent.msg_seq, sent.event_time),
        (12, 1_700_000_060_105),
        "EventTime is a string here"
    );
    let Callback::GroupSendException(failed) =
        read(fixture!("callbacks/group_send_msg_exception.json"))
    else {
        panic!()
    };
    assert_eq!(
        (failed.error_code, &*failed.error_info),
        (10023, "frequency")
    );
    let Callback::GroupRecalled(recalled) = read(fixture!("callbacks/group_after_recall_msg.json"))
    else {
        panic!()
    };
    assert_eq!(recalled.messages[0].msg_seq, 12);
    let Callback::GroupJoined(joined) =
        read(fixture!("callbacks/group_after_new_member_join.json"))
    else {
        panic!()
    };
    assert_eq!(
        (&*joined.how, &*joined.members[0].account),
        ("Invited", "kf_agent-02")
    );
    let Callback::GroupLeft(left) = read(fixture!("callbacks/group_after_member_exit.json")) else {
        panic!()
    };
    assert_eq!(
        (&*left.how, &*left.members[0].account),
        ("Quit", "visitor43")
    );
}

#[test]
fn robots() {
    let Callback::BotC2c(message) = read(fixture!("callbacks/bot_on_c2c_message.json")) else {
        panic!()
    };
    assert_eq!(&*message.to, "@RBT#kefu");
    let group = r#"{"CallbackCommand":"Bot.OnGroupMessage","GroupId":"g","AtRobots_Account":["@RBT#kefu"],"MsgSeq":3}"#;
    let Callback::BotGroup(message) = read(group) else {
        panic!()
    };
    assert_eq!(&*message.robots[0], "@RBT#kefu");
}

#[test]
fn commands_that_we_have_never_heard_of_are_named() {
    let body = r#"{"CallbackCommand":"Moon.CallbackAfterLanding","Crew":[1,2,3]}"#;
    assert!(
        matches!(read(body), Callback::Other(command) if command == "Moon.CallbackAfterLanding")
    );
}

#[test]
fn the_url_and_the_body_must_agree() {
    let body = fixture!("callbacks/c2c_after_send_msg.json").as_bytes();
    let other = Callback::parse(Some("C2C.CallbackBeforeSendMsg"), body);
    assert_eq!(other.unwrap_err(), CallbackError::CommandMismatch);
    assert!(Callback::parse(None, body).is_ok());
}

#[test]
fn a_message_without_its_key_has_the_same_identity() {
    let whole = fixture!("callbacks/c2c_after_send_msg.json");
    let without = whole.replace("\"MsgKey\":\"4100000007_2216677889_1700000010\",", "");
    assert_ne!(whole, without);
    let (Callback::C2cAfterSend(whole), Callback::C2cAfterSend(without)) =
        (read(whole), read(&without))
    else {
        panic!()
    };
    assert_eq!(whole.key(), without.key());
}

#[test]
fn keys_of_other_shapes_still_tell_messages_apart() {
    for odd in [
        "",
        "1_2",
        "1_2_3_4",
        "a_b_c",
        "4294967296_1_1",
        "-1_2_3",
        "1__3",
    ] {
        assert!(
            matches!(MessageKey::parse(odd), MessageKey::Other { .. }),
            "{odd}"
        );
    }
    assert_ne!(
        MessageKey::of("x1", 1, 2, 9).between("a", "b"),
        MessageKey::of("x2", 1, 2, 9).between("a", "b")
    );
    assert_eq!(
        MessageKey::of("", 1, 2, 9).between("a", "b"),
        "0000000009:1:2:a:b"
    );
    let long = "é".repeat(4_000);
    assert!(MessageKey::of(&long, 1, 2, 9).to_string().len() < 120);
}

#[test]
fn oversized_and_broken_bodies_are_refused_without_quoting_them() {
    let large = vec![b' '; MAX_BYTES + 1];
    assert_eq!(
        Callback::parse(None, &large).unwrap_err(),
        CallbackError::TooLarge(MAX_BYTES + 1)
    );

    let whole = fixture!("callbacks/c2c_after_send_msg.json");
    for end in (0..whole.len() - 2).filter(|end| whole.is_char_boundary(*end)) {
        assert!(
            Callback::parse(None, &whole.as_bytes()[..end]).is_err(),
            "cut at {end}"
        );
    }
    let secret = r#"{"CallbackCommand":"C2C.CallbackAfterSendMsg","MsgSeq":"my card is 4000"}"#;
    let error = Callback::parse(None, secret.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(!error.contains("4000"), "{error}");
}

#[test]
fn numbers_beyond_their_range_are_refused() {
    for number in [
        "4294967296",
        "-1",
        "1.5",
        "1e40",
        "\"4294967296\"",
        "9007199254740993.0",
    ] {
        let body = format!(r#"{{"CallbackCommand":"C2C.CallbackAfterSendMsg","MsgSeq":{number}}}"#);
        assert!(Callback::parse(None, body.as_bytes()).is_err(), "{number}");
    }
    for number in [
        "4294967295",
        "\"4294967295\"",
        "4294967295.0",
        "null",
        "true",
        "\"\"",
    ] {
        let body = format!(r#"{{"CallbackCommand":"C2C.CallbackAfterSendMsg","MsgSeq":{number}}}"#);
        assert!(Callback::parse(None, body.as_bytes()).is_ok(), "{number}");
    }
}
