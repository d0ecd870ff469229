//! Media: up, down, for three days.

use std::time::Duration;

use bridge_sandbox::Media;
use serde_json::Value;

use super::{Office, PNG, token};

#[tokio::test]
async fn media_goes_up_and_down_for_three_days() {
    let office = Office::open().await;
    for (kind, name, bytes, expected) in [
        ("image", "a.png", PNG, 0),
        ("image", "a.gif", &b"GIF89a123"[..], 40004),
        ("image", "a.png", &b"no picture"[..], 40004),
        ("voice", "a.mp3", &b"ID3xxxxx"[..], 40004),
        ("file", "a.txt", &b"12345"[..], 40006),
        ("file", "a.txt", &b""[..], 44001),
        ("poster", "a.txt", &b"123456"[..], 40005),
    ] {
        let answer = office.uploads(kind, name, bytes).await;
        assert_eq!(answer["errcode"], expected, "{kind} {name}: {answer}");
    }
    let id = office.uploads("image", "a.png", PNG).await["media_id"].clone();
    let id = id.as_str().unwrap();
    let get = async |token: &str, range: Option<&str>| {
        let url = format!(
            "{}/cgi-bin/media/get?access_token={token}&media_id={id}",
            office.world.sandbox.wecom_base()
        );
        let mut request = office.world.http.get(url);
        if let Some(range) = range {
            request = request.header("range", range);
        }
        request.send().await.unwrap()
    };
    let whole = get(&office.token, None).await;
    assert!(
        whole.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .contains("a.png")
    );
    assert_eq!(&whole.bytes().await.unwrap()[..], PNG);
    let part = get(&office.token, Some("bytes=1-3")).await;
    assert_eq!(
        (part.status().as_u16(), &part.bytes().await.unwrap()[..]),
        (206, &b"PNG"[..])
    );
    office.world.hand.advance(Duration::from_secs(3 * 86_400));
    let fresh = token(&office.world).await;
    let gone: Value = get(&fresh, None).await.json().await.unwrap();
    assert_eq!(gone["errcode"], 40007);
}

#[tokio::test]
async fn a_file_of_a_member_can_be_fetched() {
    let office = Office::open().await;
    let picture: Media = office.world.sandbox.keep("photo.png", PNG.to_vec());
    let member = office.world.sandbox.wecom().member("zhouning").unwrap();
    assert!(member.sends_image(picture).await.delivered());
    let plain = office
        .world
        .sandbox
        .wire()
        .last()
        .unwrap()
        .request
        .plain
        .clone()
        .unwrap();
    let id = plain
        .split_once("<MediaId><![CDATA[")
        .unwrap()
        .1
        .split_once("]]>")
        .unwrap()
        .0;
    let url = format!(
        "{}/cgi-bin/media/get?access_token={}&media_id={id}",
        office.world.sandbox.wecom_base(),
        office.token
    );
    let got = office.world.http.get(url).send().await.unwrap();
    assert_eq!(&got.bytes().await.unwrap()[..], PNG);
}
