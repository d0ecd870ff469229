//! The channel and the sandbox's Tencent IM, each written from the protocol notes without the other's wire code: what
//! they agree on, a real application will hardly refuse.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::cache::MemoryCache;
use bridge_core::channel::{
    Ack, Channel, ChannelError, ChannelErrorKind, Delivery, Dispatch, Verb,
};
use bridge_core::clock::{Clock, SystemClock};
use bridge_core::media::Rendition;
use bridge_core::message::{Arrival, Author, Content, Event, Media, MediaSource, PeerId, What};
use bridge_core::plugin::{Plugin, Tools, read_config};
use bridge_core::texts::Locale;
use bridge_sandbox::tim::{Client, Element};
use bridge_sandbox::{Sandbox, Settings};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::super::TencentIm;
use super::kit::{STAND_IN, Shelf, dispatch, kept, remote};

/// The sandbox, the channel, and a door through which callbacks come.
struct Stage {
    sandbox: Sandbox,
    channel: Arc<TencentIm>,
    agent: Client,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    shelf: Arc<Shelf>,
}

async fn stage() -> Stage {
    let mut settings = Settings::default();
    settings.tim.dedupe_window = Duration::ZERO; // the real one is a second: rely on nothing
    let sandbox = Sandbox::start(settings).unwrap();
    let shelf = Arc::new(Shelf::default());
    let channel = Arc::new(built(&sandbox, shelf.clone()));
    let (base, arrivals) = door(channel.clone()).await;
    sandbox.set_bridge(&base);
    let agent = sandbox.tim().client("agent_system").unwrap();
    Stage {
        sandbox,
        channel,
        agent,
        arrivals,
        shelf,
    }
}

fn built(sandbox: &Sandbox, shelf: Arc<Shelf>) -> TencentIm {
    let tim = sandbox.tim().settings();
    let section = json!({
        "sdk_app_id": tim.sdk_app_id, "secret_key": tim.secret_key, "admin": tim.admin,
        "callback_token": tim.callback_token, "api_base": sandbox.tim_base()
    });
    let clock = Arc::new(SystemClock);
    let tools = Tools {
        name: "desk".into(),
        clock: clock.clone(),
        cache: Arc::new(MemoryCache::new(clock)),
        media: shelf,
        locale: Locale::Zh,
        public_url: "https://kefu.example.test".into(),
        keys: bridge_core::plugin::Keyring::new([7; 32]),
    };
    TencentIm::build(read_config(section).unwrap(), &tools).unwrap()
}

impl Stage {
    async fn sends(&self, id: i64, content: Content) -> Result<String, ChannelError> {
        self.channel
            .send(&self.dispatch(id, content))
            .await
            .map(|receipt| receipt.external_id.unwrap())
    }

    fn dispatch(&self, id: i64, content: Content) -> Dispatch {
        Dispatch {
            to: PeerId::new("agent_system"),
            created_at: SystemClock.now(),
            ..dispatch(id, content)
        }
    }

    /// A process that knows nothing of what this one did.
    fn another_process(&self) -> TencentIm {
        built(&self.sandbox, self.shelf.clone())
    }

    async fn arrives(&mut self) -> Arrival {
        let patience = Duration::from_secs(10);
        let arrival = tokio::time::timeout(patience, self.arrivals.recv()).await;
        arrival.expect("an arrival is on its way").unwrap()
    }

    /// Nothing came that nobody looked at: callbacks are answered after they are handed on.
    fn nothing_else(&mut self) {
        assert!(self.arrivals.try_recv().is_err());
    }

    async fn pulled(&self) -> Vec<Arrival> {
        let topic = format!("{STAND_IN}/agent_system");
        Channel::pull(&*self.channel)
            .unwrap()
            .pull(&topic, None, None)
            .await
            .unwrap()
            .arrivals
    }
}

#[tokio::test]
async fn a_chat_goes_both_ways_and_nothing_echoes() {
    let mut stage = stage().await;
    stage
        .sends(1, Content::text("请问什么时候发货?"))
        .await
        .unwrap();
    let heard = stage.agent.hears().await.unwrap();
    assert_eq!(
        (heard.peer.as_str(), heard.text()),
        (STAND_IN, "请问什么时候发货?")
    );
    let profile = stage.sandbox.tim().profile(STAND_IN).unwrap();
    assert_eq!(
        profile,
        (
            "小周".into(),
            "https://kefu.example.test/media/zhou.jpg".into()
        )
    );

    assert!(
        stage
            .agent
            .says(STAND_IN, "今天下午")
            .unwrap()
            .await
            .delivered()
    );
    let said = stage.arrives().await;
    assert_eq!(said.what, What::Content(Content::text("今天下午")));
    assert_eq!(
        (said.peer.as_str(), said.author),
        (STAND_IN, Author::Agent(PeerId::new("agent_system")))
    );
    stage.nothing_else();
}

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

#[tokio::test]
async fn a_callback_that_never_came_is_found_in_the_history() {
    let mut stage = stage().await;
    stage.sends(1, Content::text("在吗")).await.unwrap();
    assert!(
        stage
            .agent
            .says(STAND_IN, "到了")
            .unwrap()
            .await
            .delivered()
    );
    let told = stage.arrives().await;
    stage.sandbox.order("tim.callback=dropx1").unwrap();
    assert!(
        !stage
            .agent
            .says(STAND_IN, "丢了")
            .unwrap()
            .await
            .delivered()
    );
    stage.nothing_else();

    let found = stage.pulled().await;
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0].external_id, told.external_id,
        "what both tell is the same arrival"
    );
    assert_eq!(found[1].what, What::Content(Content::text("丢了")));
}

#[tokio::test]
async fn repeated_and_forged_callbacks_are_told_apart() {
    let mut stage = stage().await;
    stage.sends(1, Content::text("在吗")).await.unwrap();
    stage.sandbox.order("tim.callback=duplicatex1").unwrap();
    stage.agent.says(STAND_IN, "两遍").unwrap().await;
    let (first, second) = (stage.arrives().await, stage.arrives().await);
    assert_eq!(first.external_id, second.external_id);

    stage.sandbox.order("tim.callback=forgex1").unwrap();
    let forged = stage.agent.says(STAND_IN, "假的").unwrap().await;
    assert_eq!((forged.delivered(), forged.status), (false, Some(401)));
    stage.nothing_else();
}

#[tokio::test]
async fn recalls_readings_and_presence_are_told() {
    let mut stage = stage().await;
    let receipt = stage.sends(1, Content::text("在吗")).await.unwrap();
    assert!(stage.agent.reads(STAND_IN).await.unwrap().delivered());
    assert!(matches!(
        stage.arrives().await.what,
        What::Content(Content::Event(Event::Read { .. }))
    ));

    stage.agent.says(STAND_IN, "错了").unwrap().await;
    let said = stage.arrives().await;
    let key = stage
        .sandbox
        .tim()
        .messages("agent_system", STAND_IN)
        .pop()
        .unwrap()
        .key;
    assert!(
        stage
            .agent
            .recalls(STAND_IN, &key)
            .unwrap()
            .await
            .unwrap()
            .delivered()
    );
    let external_id = said.external_id.as_str().to_owned();
    let recall = stage.arrives().await;
    assert_eq!(
        recall.what,
        What::Content(Content::Recalled { external_id })
    );
    assert_eq!(stage.pulled().await[0].external_id, recall.external_id);

    assert!(stage.agent.logs_out().await.unwrap().delivered());
    assert_eq!(
        stage.arrives().await.what,
        What::Content(Content::Event(Event::Presence { online: false }))
    );
    let accounts = ["agent_system", "agent_lin", "nobody"].map(PeerId::new);
    let known = stage
        .channel
        .presence()
        .unwrap()
        .online(&accounts)
        .await
        .unwrap();
    assert_eq!(
        known,
        [
            (PeerId::new("agent_system"), false),
            (PeerId::new("agent_lin"), true)
        ]
    );

    let recall = stage.channel.recall().unwrap();
    let (to, sender) = (PeerId::new("agent_system"), PeerId::new(STAND_IN));
    recall.recall(&to, Some(&sender), &receipt).await.unwrap();
    recall.recall(&to, Some(&sender), &receipt).await.unwrap();
    let taken_back = stage.sandbox.tim().messages("agent_system", STAND_IN);
    assert!(taken_back.iter().all(|message| message.recalled));
}

#[tokio::test]
async fn in_bad_weather_each_message_is_heard_once() {
    for weather in [
        "tim.send=cut-afterx1",
        "tim.send=cutx1",
        "tim.send=http:502x1",
        "tim.send=20003x1",
        "tim.send=90012x1",
    ] {
        let stage = stage().await;
        stage.sends(1, Content::text("一")).await.unwrap();
        stage.sandbox.order(weather).unwrap();
        stage
            .sends(2, Content::text("二"))
            .await
            .unwrap_or_else(|error| panic!("{weather}: {error}"));
        stage.sends(3, Content::text("三")).await.unwrap();
        let heard = stage.sandbox.tim().messages("agent_system", STAND_IN);
        let words: Vec<String> = heard.iter().map(|message| message.text()).collect();
        assert_eq!(words, ["一", "二", "三"], "{weather}");
    }
}

#[tokio::test]
async fn a_process_that_died_after_sending_does_not_send_again() {
    let stage = stage().await;
    // The service forgets at once here, as the real one does after a second.
    let first = stage.dispatch(1, Content::text("一"));
    let receipt = stage.channel.send(&first).await.unwrap();
    let again = Dispatch {
        attempt: 2,
        ..first
    };
    let other = stage.another_process();
    assert_eq!(other.send(&again).await.unwrap(), receipt);
    assert_eq!(
        stage.sandbox.tim().messages("agent_system", STAND_IN).len(),
        1
    );
}

#[tokio::test]
async fn the_check_finds_nothing_wrong() {
    let stage = stage().await;
    let findings = stage.channel.check().unwrap().check().await;
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
}

/// Takes callbacks as the bridge's server does; arrivals are handed on before the answer.
async fn door(channel: Arc<TencentIm>) -> (String, mpsc::UnboundedReceiver<Arrival>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (hand_on, arrivals) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream, channel.clone(), hand_on.clone()));
        }
    });
    (base, arrivals)
}

async fn take(
    mut stream: TcpStream,
    channel: Arc<TencentIm>,
    hand_on: mpsc::UnboundedSender<Arrival>,
) {
    while let Some(delivery) = read(&mut stream).await {
        let (status, body) = match channel.decode(&delivery) {
            Ok(decoded) => {
                for arrival in decoded.arrivals {
                    let _ = hand_on.send(arrival); // the test may have ended
                }
                let Ack { body, .. } = decoded.ack;
                (200, body)
            }
            Err(error) if error.kind == ChannelErrorKind::Forged => (401, "".into()),
            Err(_) => (400, "".into()),
        };
        let head = format!(
            "HTTP/1.1 {status} Any\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Delivery> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let lower = head.to_lowercase();
    let length: usize = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let target = head.strip_prefix("POST ")?.split(' ').next()?;
    let (path, query) = target.split_once('?')?;
    assert_eq!(path, "/callback/desk");
    Some(Delivery {
        verb: Verb::Post,
        query: query.to_owned(),
        body: bytes.split_off(head_end + 4).into(),
        received_at: SystemClock.now(),
    })
}
