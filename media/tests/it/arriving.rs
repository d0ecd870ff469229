//! How media get here, and what they are found to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bridge_core::channel::{
    Capabilities, Channel, ChannelError, ChannelErrorKind, Decoded, Delivery, Dispatch, Fetch,
    Fetched, Receipt,
};
use bridge_core::error::Remedy;
use bridge_core::media::MediaLibrary as _;
use bridge_core::message::{Media, MediaSource};
use bytes::Bytes;

use crate::peer::Peer;
use crate::world::{World, at, inbox, photo};

#[tokio::test]
async fn a_picture_is_fetched_once_for_all_who_ask_and_for_all_time() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    let (library, picture) = (world.library(), at(peer.url("photo/holiday.png")));
    let (one, two, three) = tokio::join!(
        library.keep(&picture),
        library.keep(&picture),
        library.keep(&picture)
    );
    assert_eq!((&one, &two), (&two, &three));
    let kept = one.unwrap();
    assert_eq!(
        (kept.mime.as_str(), kept.name.as_str(), kept.dimensions),
        ("image/jpeg", "holiday.png", Some((40, 20)))
    );
    assert_eq!(library.open(&kept).await.unwrap(), photo(40, 20));
    drop(library);

    let restarted = world.library();
    assert_eq!(restarted.keep(&picture).await.unwrap(), kept);
    assert_eq!((peer.requests(), world.files()), (1, 1));
}

#[tokio::test]
async fn a_slow_host_holds_up_nobody_else_s_media() {
    let (world, slow, brisk) = (World::with_local_platform(), Peer::start(), Peer::start());
    let library = Arc::new(world.library());
    for number in 0..8 {
        let (library, media) = (library.clone(), at(slow.url(&format!("silent/{number}"))));
        tokio::spawn(async move { library.keep(&media).await });
    }
    while slow.requests() < 2 {
        tokio::task::yield_now().await;
    }
    let kept = library.keep(&at(brisk.url("photo/holiday.png"))).await;
    assert_eq!(kept.unwrap().name, "holiday.png");
    assert_eq!(slow.requests(), 2, "the others wait for their host's turn");
}

#[tokio::test]
async fn it_is_fetched_again_when_its_bytes_were_swept() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    let (library, picture) = (world.library(), at(peer.url("photo")));
    let kept = library.keep(&picture).await.unwrap();
    world.clock.advance(world.settings.retention.0 * 2);
    assert_eq!(library.sweep().await.unwrap(), 1);
    assert!(library.open(&kept).await.is_err());
    assert_eq!(library.keep(&picture).await.unwrap(), kept);
    assert_eq!(peer.requests(), 2);
}

#[tokio::test]
async fn what_is_gone_at_the_platform_is_not_asked_for_again() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    let library = world.library();
    for _ in 0..2 {
        assert_eq!(
            library
                .keep(&at(peer.url("status/404")))
                .await
                .unwrap_err()
                .remedy,
            Remedy::Never
        );
    }
    assert_eq!(peer.requests(), 1);
    // What our own settings refuse may be allowed tomorrow.
    let elsewhere = at("https://cdn.example.com/a.jpg");
    assert!(library.keep(&elsewhere).await.is_err());
    assert_eq!(world.ledger.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_bytes_say_what_it_is_not_the_header() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    let page = world
        .library()
        .keep(&at(peer.url("page/cute.jpg")))
        .await
        .unwrap();
    assert_eq!((page.mime.as_str(), page.dimensions), ("text/html", None));
}

#[tokio::test]
async fn what_was_uploaded_is_found_by_its_hash() {
    let world = World::new();
    let library = world.library();
    let put = library
        .put(Bytes::from(photo(3, 2)), Some("a.jpg"))
        .await
        .unwrap();
    let source = MediaSource::Kept {
        hash: put.hash.clone(),
    };
    let media = Media {
        source,
        name: Some("b.jpg".to_owned()),
        mime: None,
        size: None,
    };
    let found = library.keep(&media).await.unwrap();
    assert_eq!(
        (found.hash, found.name.as_str(), found.dimensions),
        (put.hash, "b.jpg", Some((3, 2)))
    );
    for hash in ["../../etc/passwd", "", &"0".repeat(64)] {
        let source = MediaSource::Kept {
            hash: hash.to_owned(),
        };
        assert!(
            library
                .keep(&Media {
                    source,
                    name: None,
                    mime: None,
                    size: None
                })
                .await
                .is_err()
        );
    }
    assert!(library.put(Bytes::new(), None).await.is_err());
    assert!(
        library
            .put(Bytes::from(vec![0; 100_001]), None)
            .await
            .is_err()
    );
}

/// A platform whose media only its channel can fetch.
struct Platform {
    answer: Result<Fetched, ChannelError>,
    asked: AtomicUsize,
    capabilities: Capabilities,
}

impl Platform {
    fn answering(answer: Result<Fetched, ChannelError>) -> Arc<Self> {
        Arc::new(Self {
            answer,
            asked: AtomicUsize::new(0),
            capabilities: Capabilities::default(),
        })
    }
}

#[async_trait]
impl Channel for Platform {
    fn decode(&self, _: &Delivery) -> Result<Decoded, ChannelError> {
        Err(ChannelError::malformed("it takes no callbacks"))
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, _: &Dispatch) -> Result<Receipt, ChannelError> {
        Err(ChannelError::refused(0, Remedy::Never, "it sends nothing"))
    }

    fn fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }
}

#[async_trait]
impl Fetch for Platform {
    async fn fetch(&self, _: &Media, _: u64) -> Result<Fetched, ChannelError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.answer.clone()
    }
}

#[tokio::test]
async fn the_channel_fetches_what_has_an_id_there() {
    let world = World::new();
    let library = world.library();
    let voice = Fetched::Bytes {
        bytes: Bytes::from_static(b"#!AMR\n\x04"),
        name: Some("v.amr".to_owned()),
        mime: None,
    };
    let platform = Platform::answering(Ok(voice));
    let channel: Arc<dyn Channel> = platform.clone();
    library.connect([(inbox(), &channel)]);
    for _ in 0..2 {
        let kept = library
            .keep(&Media::remote(&inbox(), "voc-8k-001", None))
            .await
            .unwrap();
        assert_eq!(
            (kept.mime.as_str(), kept.name.as_str()),
            ("audio/amr", "v.amr")
        );
    }
    assert_eq!(platform.asked.load(Ordering::SeqCst), 1);
    assert!(
        library
            .keep(&Media::remote(
                &bridge_core::message::InboxName::new("other"),
                "id",
                None
            ))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_the_channel_cannot_fetch_comes_from_its_url() {
    let peer = Peer::start();
    let elsewhere = Ok(Fetched::At(peer.url("photo/v.jpg")));
    let refused = Err(ChannelError::refused(
        40007,
        Remedy::Never,
        "invalid media_id",
    ));
    for (answer, url) in [(elsewhere, None), (refused, Some(peer.url("photo/v.jpg")))] {
        let world = World::with_local_platform();
        let library = world.library();
        let channel: Arc<dyn Channel> = Platform::answering(answer);
        library.connect([(inbox(), &channel)]);
        let kept = library
            .keep(&Media::remote(&inbox(), "pic-1", url))
            .await
            .unwrap();
        assert_eq!(kept.name, "v.jpg");
    }
}

/// A URL costs no token and no quota, so it is tried first; where it is gone or not allowed, the id is still good.
#[tokio::test]
async fn what_has_no_good_url_is_fetched_by_the_channel() {
    let peer = Peer::start();
    for url in [
        peer.url("status/404"),
        "https://elsewhere.example/a.jpg".to_owned(),
    ] {
        let world = World::with_local_platform();
        let library = world.library();
        let platform = Platform::answering(Ok(Fetched::Bytes {
            bytes: photo(3, 2).into(),
            name: None,
            mime: None,
        }));
        let channel: Arc<dyn Channel> = platform.clone();
        library.connect([(inbox(), &channel)]);
        let kept = library
            .keep(&Media::remote(&inbox(), "pic-1", Some(url)))
            .await
            .unwrap();
        assert_eq!(kept.dimensions, Some((3, 2)));
        assert_eq!(platform.asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_good_url_is_not_fetched_by_the_channel() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    let library = world.library();
    let platform = Platform::answering(Err(ChannelError::malformed("not asked")));
    let channel: Arc<dyn Channel> = platform.clone();
    library.connect([(inbox(), &channel)]);
    let media = Media::remote(&inbox(), "pic-1", Some(peer.url("photo/v.jpg")));
    assert_eq!(library.keep(&media).await.unwrap().name, "v.jpg");
    assert_eq!(platform.asked.load(Ordering::SeqCst), 0);
}

/// A URL that the channel names is a stranger's URL like any other.
#[tokio::test]
async fn a_url_from_the_channel_is_checked_too() {
    let (world, peer) = (World::new(), Peer::start());
    let library = world.library();
    let channel: Arc<dyn Channel> = Platform::answering(Ok(Fetched::At(peer.url("photo"))));
    library.connect([(inbox(), &channel)]);
    assert!(
        library
            .keep(&Media::remote(&inbox(), "pic-1", None))
            .await
            .is_err()
    );
    assert_eq!(peer.requests(), 0);
}

/// Both ways failed, one of them for now only: it is worth another try.
#[tokio::test]
async fn one_hopeful_failure_is_enough_to_hope() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    let library = world.library();
    let busy = ChannelError::new(ChannelErrorKind::Network, Remedy::Unknown, "time-out");
    let channel: Arc<dyn Channel> = Platform::answering(Err(busy));
    library.connect([(inbox(), &channel)]);
    let error = library
        .keep(&Media::remote(
            &inbox(),
            "pic-1",
            Some(peer.url("status/404")),
        ))
        .await
        .unwrap_err();
    assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
    assert!(world.ledger.0.lock().unwrap().is_empty());
}
