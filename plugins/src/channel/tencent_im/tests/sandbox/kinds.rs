//! Every kind of message, both ways.

use bridge_core::media::Rendition;
use bridge_core::message::{Content, Media, MediaSource, What};
use bridge_sandbox::tim::Element;

use super::super::kit::{STAND_IN, kept, remote};
use super::stage;

#[tokio::test]
async fn everything_a_contact_can_send_is_taken_by_the_service() {
    let stage = stage().await;
    for (url, name, mime) in [
        ("https://m.example.test/1", "a.jpg", "image/jpeg"),
        ("https://m.example.test/2", "v.mp3", "audio/mpeg"),
        ("https://m.example.test/3", "v.mp4", "video/mp4"),
        ("https://m.example.test/4", "合同.pdf", "application/pdf"),
    ] {
        stage.shelf.put(url, kept(name, mime));
    }
    stage
        .shelf
        .renders(Rendition::Thumbnail, kept("small.jpg", "image/jpeg"));
    let picture = remote("https://m.example.test/1");
    let contents = [
        Content::text("\u{1}控制符\n与 \"引号\" 🙏"),
        Content::text("长".repeat(5_000)),
        Content::Image {
            media: picture.clone(),
        },
        Content::Voice {
            media: remote("https://m.example.test/2"),
            words: Some("退货".into()),
            seconds: Some(3),
        },
        Content::Video {
            media: remote("https://m.example.test/3"),
            thumbnail: Some(picture),
            seconds: Some(8),
        },
        Content::Video {
            media: remote("https://m.example.test/3"),
            thumbnail: None,
            seconds: None,
        },
        Content::File {
            media: remote("https://m.example.test/4"),
        },
        Content::Location {
            latitude: 31.2304,
            longitude: 121.4737,
            label: "仓库北门".into(),
        },
        Content::Link {
            title: "说明".into(),
            description: "".into(),
            url: "https://example.test".into(),
            picture_url: None,
        },
        Content::Unsupported {
            what: "shortvideo".into(),
            summary: "".into(),
        },
    ];
    for (id, content) in (1..).zip(contents) {
        let kind = content.kind();
        stage
            .sends(id, content)
            .await
            .unwrap_or_else(|error| panic!("{kind:?}: {error}"));
    }
    assert_eq!(
        stage.agent.unheard().len(),
        13,
        "the long text takes three messages, the voice two"
    );
}

#[tokio::test]
async fn everything_an_agent_can_send_arrives_in_order() {
    let mut stage = stage().await;
    stage.sends(1, Content::text("在吗")).await.unwrap();
    let file = stage.sandbox.keep("合同.pdf", &b"%PDF-1.4"[..]);
    let sound = stage.sandbox.keep("v.mp3", &b"ID3"[..]);
    let location = Element::Location {
        latitude: 31.5,
        longitude: 121.5,
        label: "北门".into(),
    };
    let custom = Element::Custom {
        data: "{}".into(),
        description: "订单卡片".into(),
        extension: String::new(),
    };
    let elements = [
        Element::Text("一".into()),
        Element::Face {
            index: 3,
            data: "[smile]".into(),
        },
        location,
        Element::File(file.clone()),
        Element::Sound {
            media: sound,
            seconds: 4,
        },
        custom,
        Element::Text("二".into()),
    ];
    assert!(
        stage
            .agent
            .sends(STAND_IN, &elements)
            .unwrap()
            .await
            .delivered()
    );

    assert_eq!(
        stage.arrives().await.what,
        What::Content(Content::text("一"))
    );
    assert_eq!(
        stage.arrives().await.what,
        What::Content(Content::text("[smile]"))
    );
    let place = Content::Location {
        latitude: 31.5,
        longitude: 121.5,
        label: "北门".into(),
    };
    assert_eq!(stage.arrives().await.what, What::Content(place));
    let What::Content(Content::File { media }) = stage.arrives().await.what else {
        panic!()
    };
    assert_eq!(
        (media.name.as_deref(), media.size),
        (Some("合同.pdf"), Some(file.bytes.len() as u64))
    );
    assert!(address(&media).starts_with("http://"));
    assert!(matches!(
        stage.arrives().await.what,
        What::Content(Content::Voice {
            seconds: Some(4),
            ..
        })
    ));
    assert!(matches!(
        stage.arrives().await.what,
        What::Content(Content::Unsupported { .. })
    ));
    assert_eq!(
        stage.arrives().await.what,
        What::Content(Content::text("二"))
    );
    stage.nothing_else();
}

fn address(media: &Media) -> &str {
    match &media.source {
        MediaSource::Remote { url: Some(url), .. } => url,
        other => panic!("{other:?}"),
    }
}
