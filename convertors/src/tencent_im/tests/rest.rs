use serde_json::{Value, json};

use super::fixture;
use crate::tencent_im::body::Element;
use crate::tencent_im::callback::{ProfileItem, ProfileValue};
use crate::tencent_im::rest::{self, AnswerError, FORBID_CALLBACKS, Refusal, SendMsg};

#[test]
fn a_message_is_spelt_as_in_the_notes() {
    let request = SendMsg {
        sync_other_machine: 1,
        from: Some("kf_agent-01"),
        to: "visitor43",
        msg_life_time: None,
        msg_seq: 77_001,
        msg_random: 3_899_123_456,
        forbid_callback_control: FORBID_CALLBACKS,
        send_msg_control: &[],
        msg_body: &[Element::text("您好,订单已发货。")],
        cloud_custom_data: r#"{"src":"kefu-bridge","mid":"01HF0"}"#,
    };
    let sample: Value = serde_json::from_str(fixture!("sendmsg_request.json")).unwrap();
    assert_eq!(serde_json::to_value(&request).unwrap(), sample);
}

#[test]
fn other_commands_are_spelt_as_in_the_notes() {
    let import = rest::AccountImport {
        user_id: "wx_oABC123",
        nick: "小周",
        face_url: "",
    };
    assert_eq!(
        serde_json::to_value(&import).unwrap(),
        json!({"UserID": "wx_oABC123", "Nick": "小周"})
    );

    let status = rest::QueryOnlineStatus {
        accounts: vec!["a", "b"],
    };
    assert_eq!(
        serde_json::to_value(&status).unwrap(),
        json!({"To_Account": ["a", "b"]})
    );

    let withdraw = rest::AdminMsgWithdraw {
        from: "a",
        to: "b",
        msg_key: "1_2_3",
    };
    let wanted = json!({"From_Account": "a", "To_Account": "b", "MsgKey": "1_2_3"});
    assert_eq!(serde_json::to_value(&withdraw).unwrap(), wanted);

    let page = rest::AdminGetRoamMsg {
        operator: "a",
        peer: "b",
        max_cnt: 100,
        min_time: 1,
        max_time: 2,
        last_msg_key: "",
    };
    let wanted = json!({"Operator_Account": "a", "Peer_Account": "b", "MaxCnt": 100, "MinTime": 1, "MaxTime": 2});
    assert_eq!(serde_json::to_value(&page).unwrap(), wanted);

    let items = [ProfileItem {
        tag: "Tag_Profile_IM_Nick".into(),
        value: ProfileValue::Text("小周".into()),
    }];
    let profile = rest::PortraitSet {
        account: "a",
        profile_item: &items,
    };
    let wanted = json!({"From_Account": "a", "ProfileItem": [{"Tag": "Tag_Profile_IM_Nick", "Value": "小周"}]});
    assert_eq!(serde_json::to_value(&profile).unwrap(), wanted);

    let check = rest::AccountCheck {
        check_item: vec![rest::CheckItem { user_id: "a" }],
    };
    assert_eq!(
        serde_json::to_value(&check).unwrap(),
        json!({"CheckItem": [{"UserID": "a"}]})
    );
}

#[test]
fn a_call_names_the_app_the_caller_and_the_ticket() {
    let url = rest::url(
        "https://console.tim.qq.com/",
        "openim/sendmsg",
        1_400_000_001,
        "@TLS#x y",
        "eJ*a-b_",
        7,
    );
    let wanted = "https://console.tim.qq.com/v4/openim/sendmsg?sdkappid=1400000001&identifier=%40TLS%23x%20y\
                  &usersig=eJ*a-b_&random=7&contenttype=json";
    assert_eq!(url, wanted);
}

#[test]
fn a_refusal_comes_with_http_200() {
    let refused =
        rest::answer::<SendMsg<'_>>(fixture!("answers/refused.json").as_bytes()).unwrap_err();
    let refusal = Refusal {
        code: 90012,
        info: "To_Account is not registered".into(),
    };
    assert_eq!(refused, AnswerError::Refused(refusal));
}

#[test]
fn an_answer_that_contradicts_itself_or_says_nothing_is_no_success() {
    let failed = |body: &str| rest::answer::<SendMsg<'_>>(body.as_bytes()).unwrap_err();
    assert!(matches!(
        failed(r#"{"ActionStatus":"FAIL","ErrorCode":0}"#),
        AnswerError::Refused(_)
    ));
    assert!(matches!(
        failed(r#"{"ActionStatus":"FAIL"}"#),
        AnswerError::Refused(_)
    ));
    assert!(matches!(
        failed(r#"{"ErrorCode":"60007","ErrorInfo":null}"#),
        AnswerError::Refused(Refusal { code: 60007, .. })
    ));
    for nonsense in [
        "",
        "{}",
        "[]",
        "null",
        "<html>502</html>",
        r#"{"ActionStatus":"MAYBE"}"#,
    ] {
        assert_eq!(failed(nonsense), AnswerError::Unreadable, "{nonsense}");
    }
}

#[test]
fn sent() {
    let sent = rest::answer::<SendMsg<'_>>(fixture!("answers/sendmsg.json").as_bytes()).unwrap();
    assert_eq!(
        (sent.msg_time, &*sent.msg_key),
        (1_700_000_005, "77001_3899123456_1700000005")
    );
}

#[test]
fn a_page_of_history() {
    let page = rest::answer::<rest::AdminGetRoamMsg<'_>>(
        fixture!("answers/admin_getroammsg.json").as_bytes(),
    )
    .unwrap();
    assert_eq!(
        (page.complete, page.last_msg_time, page.msg_list.len()),
        (0, 1_700_000_005, 3)
    );
    let recalled: Vec<bool> = page
        .msg_list
        .iter()
        .map(|message| message.msg_flag_bits & rest::FLAG_RECALLED != 0)
        .collect();
    assert_eq!(recalled, [true, false, false]);
    let message = &page.msg_list[1];
    assert_eq!(
        message.key().between(&message.from, &message.to),
        "1700000010:4100000007:2216677889:kf_agent-01:wx_oABC123"
    );
}

#[test]
fn who_is_online_under_either_name_of_the_field() {
    let status = rest::answer::<rest::QueryOnlineStatus<'_>>(
        fixture!("answers/query_online_status.json").as_bytes(),
    )
    .unwrap();
    let states: Vec<(&str, &str)> = status
        .query_result
        .iter()
        .map(|one| (&*one.account, one.status()))
        .collect();
    assert_eq!(
        states,
        [
            ("kf_agent-01", "Online"),
            ("kf_agent-02", "PushOnline"),
            ("kf_agent-03", "Offline")
        ]
    );
}

#[test]
fn which_accounts_exist() {
    let checked =
        rest::answer::<rest::AccountCheck<'_>>(fixture!("answers/account_check.json").as_bytes())
            .unwrap();
    let states: Vec<&str> = checked
        .result_item
        .iter()
        .map(|one| &*one.account_status)
        .collect();
    assert_eq!(states, ["Imported", "NotImported"]);
}

#[test]
fn a_page_is_read_newest_first_whichever_way_round_it_lies() {
    let page = |messages: &[(u64, u32)], last: (u64, u32)| {
        let key = |(time, seq): (u64, u32)| format!("{seq}_1_{time}");
        let list: Vec<Value> = messages
            .iter()
            .map(|&(time, seq)| json!({"MsgTimeStamp": time, "MsgSeq": seq, "MsgKey": key((time, seq))}))
            .collect();
        let answer = json!({"ActionStatus": "OK", "ErrorCode": 0, "LastMsgTime": last.0, "LastMsgKey": key(last), "MsgList": list});
        let answer = answer.to_string();
        let page = rest::answer::<rest::AdminGetRoamMsg<'_>>(answer.as_bytes()).unwrap();
        page.newest_first()
            .iter()
            .map(|message| (message.msg_time_stamp, message.msg_seq))
            .collect::<Vec<_>>()
    };
    // The sequence numbers of clients are random: they do not tell.
    let newest_first = [(9, 4), (8, 1), (8, 7), (5, 3)];
    let oldest_first = [(5, 3), (8, 7), (8, 1), (9, 4)];
    assert_eq!(page(&newest_first, (5, 3)), newest_first);
    assert_eq!(page(&oldest_first, (5, 3)), newest_first);
    assert_eq!(
        page(&[(8, 1), (8, 7)], (8, 1)),
        [(8, 7), (8, 1)],
        "all in one second: the key decides"
    );
    assert_eq!(page(&[(8, 1), (8, 7)], (8, 7)), [(8, 1), (8, 7)]);
    assert_eq!(page(&[(8, 1)], (8, 1)), [(8, 1)]);
    assert_eq!(page(&[], (0, 0)), []);
}
