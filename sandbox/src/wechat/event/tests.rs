//! Events as the protocol notes show them (WeChat notes, 2.4 and 2.5).

use super::*;

#[test]
fn a_subscription_answer_is_wrapped_in_xml_and_bare_in_json() {
    let answers = vec![
        ("t1".into(), "accept".into()),
        ("t2".into(), "reject".into()),
    ];
    let event = Event::SubscriptionPopup { answers };
    let xml = event.fields(Format::Xml).write(Format::Xml);
    assert!(
        xml.contains("<SubscribeMsgPopupEvent><List><TemplateId><![CDATA[t1]]>"),
        "{xml}"
    );
    let json: Value =
        serde_json::from_str(&event.fields(Format::Json).write(Format::Json)).unwrap();
    assert_eq!(json["List"][1]["SubscribeStatusString"], "reject");
}

#[test]
fn a_followed_code_carries_its_scene_once_prefixed() {
    let event = Event::Subscribe {
        scene: Some("agent:system".into()),
    };
    let xml = event.fields(Format::Xml).write(Format::Xml);
    assert!(
        xml.contains("<EventKey><![CDATA[qrscene_agent:system]]></EventKey>"),
        "{xml}"
    );
    let plain = Event::Subscribe { scene: None }
        .fields(Format::Xml)
        .write(Format::Xml);
    assert!(
        plain.contains("<EventKey><![CDATA[]]></EventKey>"),
        "{plain}"
    );
}

#[test]
fn events_are_written_as_the_notes_show_them() {
    let cases = [
        (
            Event::ScanCode {
                key: "SCAN_ORDER".into(),
                result: "order:42".into(),
                waits: true,
            },
            "<Event><![CDATA[scancode_waitmsg]]></Event><EventKey><![CDATA[SCAN_ORDER]]></EventKey><ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType><ScanResult><![CDATA[order:42]]></ScanResult></ScanCodeInfo>",
        ),
        (
            Event::Pictures {
                name: "pic_photo_or_album".into(),
                key: "SEND_PIC".into(),
                md5s: vec!["0cc1".into(), "92eb".into()],
            },
            "<Event><![CDATA[pic_photo_or_album]]></Event><EventKey><![CDATA[SEND_PIC]]></EventKey><SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum><![CDATA[0cc1]]></PicMd5Sum></item><item><PicMd5Sum><![CDATA[92eb]]></PicMd5Sum></item></PicList></SendPicsInfo>",
        ),
        (
            Event::PickLocation {
                key: "PICK_LOC".into(),
                latitude: 30.27,
                longitude: 120.15,
                label: "杭州".into(),
            },
            "<Event><![CDATA[location_select]]></Event><EventKey><![CDATA[PICK_LOC]]></EventKey><SendLocationInfo><Location_X><![CDATA[30.27]]></Location_X><Location_Y><![CDATA[120.15]]></Location_Y><Scale><![CDATA[15]]></Scale><Label><![CDATA[杭州]]></Label><Poiname><![CDATA[]]></Poiname></SendLocationInfo>",
        ),
        (
            Event::View {
                url: "https://shop.example/?a=1&b=2".into(),
            },
            "<Event><![CDATA[VIEW]]></Event><EventKey><![CDATA[https://shop.example/?a=1&b=2]]></EventKey><MenuId>430127001</MenuId>",
        ),
        (
            Event::KfSwitch {
                from: "alice@kefutest".into(),
                to: "bob@kefutest".into(),
            },
            "<Event><![CDATA[kf_switch_session]]></Event><FromKfAccount><![CDATA[alice@kefutest]]></FromKfAccount><ToKfAccount><![CDATA[bob@kefutest]]></ToKfAccount>",
        ),
        (
            Event::SubscriptionSent {
                template: "tpl_ship_001".into(),
                message: 1_700_827_132_819_554_304,
                code: 0,
                status: "success".into(),
            },
            "<Event><![CDATA[subscribe_msg_sent_event]]></Event><SubscribeMsgSentEvent><List><TemplateId><![CDATA[tpl_ship_001]]></TemplateId><MsgID>1700827132819554304</MsgID><ErrorCode>0</ErrorCode><ErrorStatus><![CDATA[success]]></ErrorStatus></List></SubscribeMsgSentEvent>",
        ),
        (
            Event::EnterSession {
                session_from: "src=faq|sku=42".into(),
            },
            "<Event><![CDATA[user_enter_tempsession]]></Event><SessionFrom><![CDATA[src=faq|sku=42]]></SessionFrom>",
        ),
    ];
    for (event, expected) in cases {
        let xml = event.fields(Format::Xml).write(Format::Xml);
        let expected = format!("<xml><MsgType><![CDATA[event]]></MsgType>{expected}</xml>");
        assert_eq!(xml, expected);
    }
}
