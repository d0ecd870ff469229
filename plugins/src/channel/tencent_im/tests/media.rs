use bridge_core::error::Remedy;
use bridge_core::media::Rendition;
use bridge_core::message::{Content, ContentKind};
use serde_json::{Value, json};

use super::kit::{Kit, dispatch, kept, kit, remote};

const URL: &str = "https://mmbiz.example.test/1";

async fn sent(kit: &Kit, content: Content) -> (Value, Vec<ContentKind>) {
    let receipt = kit.sends(&dispatch(1, content)).await.unwrap();
    let kinds = receipt.lost.iter().map(|loss| loss.kind).collect();
    (
        kit.peer.messages().pop().unwrap()["MsgBody"][0].clone(),
        kinds,
    )
}

#[tokio::test]
async fn a_picture_goes_out_under_our_own_address_with_its_thumbnail() {
    let kit = kit().await;
    kit.shelf.put(URL, kept("a.png", "image/png"));
    kit.shelf
        .renders(Rendition::Thumbnail, kept("a-small.jpg", "image/jpeg"));
    let (element, lost) = sent(&kit, Content::Image { media: remote(URL) }).await;
    assert_eq!(
        (element["MsgType"].as_str(), lost.len()),
        (Some("TIMImageElem"), 0)
    );
    let content = &element["MsgContent"];
    assert_eq!(
        (&content["UUID"], &content["ImageFormat"]),
        (&json!("hash-of-a.png"), &json!(3))
    );
    let sizes = content["ImageInfoArray"].as_array().unwrap();
    let shown: Vec<(u64, &str)> = sizes
        .iter()
        .map(|size| {
            (
                size["Type"].as_u64().unwrap(),
                size["URL"].as_str().unwrap(),
            )
        })
        .collect();
    let (whole, small) = (
        "https://kefu.example.test/media/a.png",
        "https://kefu.example.test/media/a-small.jpg",
    );
    assert_eq!(shown, [(1, whole), (2, whole), (3, small)]);
    assert_eq!(
        (&sizes[0]["Width"], &sizes[0]["Height"], &sizes[0]["Size"]),
        (&json!(640), &json!(480), &json!(1234))
    );
}

#[tokio::test]
async fn a_picture_of_a_type_that_clients_do_not_show_is_turned_into_one_they_do() {
    let kit = kit().await;
    kit.shelf.put(URL, kept("a.webp", "image/webp"));
    let (element, _) = sent(&kit, Content::Image { media: remote(URL) }).await;
    assert_eq!(
        element["MsgType"], "TIMFileElem",
        "where it cannot be turned it is a file"
    );

    let wanted = Rendition::Picture {
        max_bytes: 5 * 1024 * 1024,
    };
    kit.shelf.renders(wanted, kept("a.jpg", "image/jpeg"));
    let (element, _) = sent(&kit, Content::Image { media: remote(URL) }).await;
    assert_eq!(
        (&element["MsgType"], &element["MsgContent"]["ImageFormat"]),
        (&json!("TIMImageElem"), &json!(1))
    );
}

#[tokio::test]
async fn files_and_videos() {
    let kit = kit().await;
    kit.shelf.put(URL, kept("合同.pdf", "application/pdf"));
    let (file, _) = sent(&kit, Content::File { media: remote(URL) }).await;
    assert_eq!(file["MsgContent"]["FileName"], "合同.pdf");
    assert_eq!(
        (
            &file["MsgContent"]["FileSize"],
            &file["MsgContent"]["Download_Flag"]
        ),
        (&json!(1234), &json!(2))
    );

    kit.shelf.put(URL, kept("v.mp4", "video/mp4"));
    kit.shelf.put(
        "https://mmbiz.example.test/still",
        kept("v.jpg", "image/jpeg"),
    );
    let still = Some(remote("https://mmbiz.example.test/still"));
    let (video, _) = sent(
        &kit,
        Content::Video {
            media: remote(URL),
            thumbnail: still,
            seconds: Some(8),
        },
    )
    .await;
    let content = &video["MsgContent"];
    assert_eq!(
        (&content["VideoSecond"], &content["VideoFormat"]),
        (&json!(8), &json!("mp4"))
    );
    assert_eq!(content["ThumbUrl"], "https://kefu.example.test/media/v.jpg");

    let lost_still = Some(remote("https://mmbiz.example.test/gone"));
    let without = Content::Video {
        media: remote(URL),
        thumbnail: lost_still,
        seconds: None,
    };
    let (video, lost) = sent(&kit, without).await;
    assert_eq!(
        video["MsgType"], "TIMFileElem",
        "a still is no reason to fail"
    );
    assert_eq!(lost, [ContentKind::Video]);
}

#[tokio::test]
async fn a_voice_is_transcoded_or_goes_as_a_link_with_its_words() {
    let kit = kit().await;
    kit.shelf.put(URL, kept("v.amr", "audio/amr"));
    let voice = Content::Voice {
        media: remote(URL),
        words: Some("我要退货".into()),
        seconds: Some(4),
    };
    let (element, lost) = sent(&kit, voice.clone()).await;
    let words = "[语音] 4″\n[语音识别] 我要退货\nhttps://kefu.example.test/media/v.amr";
    assert_eq!(element["MsgContent"]["Text"], words);
    assert_eq!(lost, [ContentKind::Voice]);

    kit.shelf
        .renders(Rendition::Mp3, kept("v.mp3", "audio/mpeg"));
    sent(&kit, voice).await;
    let messages = kit.peer.messages();
    let [.., sound, words] = &messages[..] else {
        panic!()
    };
    assert_eq!(
        sound["MsgBody"][0]["MsgContent"]["Url"],
        "https://kefu.example.test/media/v.mp3"
    );
    assert_eq!(
        words["MsgBody"][0]["MsgContent"]["Text"],
        "[语音识别] 我要退货"
    );
}

#[tokio::test]
async fn a_medium_that_is_gone_is_said_in_words() {
    let kit = kit().await;
    let (element, lost) = sent(
        &kit,
        Content::Image {
            media: remote("https://mmbiz.example.test/gone"),
        },
    )
    .await;
    assert_eq!(
        (&element["MsgContent"]["Text"], &lost[..]),
        (&json!("[图片无法获取]"), &[ContentKind::Image][..])
    );
}

#[tokio::test]
async fn a_medium_that_is_away_is_waited_for_but_not_for_ever() {
    let kit = kit().await;
    kit.shelf.put(URL, kept("a.png", "image/png"));
    *kit.shelf.away.lock().unwrap() = Some(Remedy::retry_secs(1));
    let mut picture = dispatch(1, Content::Image { media: remote(URL) });
    for attempt in 1..3 {
        picture.attempt = attempt;
        assert_eq!(
            kit.sends(&picture).await.unwrap_err().remedy,
            Remedy::retry_secs(1)
        );
    }
    picture.attempt = 3;
    let receipt = kit.sends(&picture).await.unwrap();
    assert_eq!(receipt.lost.len(), 1);
    assert_eq!(kit.peer.messages().len(), 1);
}
