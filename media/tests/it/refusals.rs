//! What is not fetched, and what is not fetched to the end.

use bridge_core::error::Remedy;
use bridge_core::media::{MediaError, MediaLibrary as _};
use bridge_core::settings::Span;

use crate::peer::Peer;
use crate::world::{MAX_SIZE, World, at};

async fn refusal(world: &World, url: impl Into<String>) -> MediaError {
    let error = world.library().keep(&at(url)).await.unwrap_err();
    assert_eq!(world.files(), 0, "nothing is kept: {error}");
    error
}

#[tokio::test]
async fn strangers_hosts_and_private_addresses_are_not_even_connected_to() {
    let (world, peer) = (World::new(), Peer::start());
    let port = peer.port;
    for url in [
        format!("http://127.0.0.1:{port}/photo"),
        format!("http://localhost:{port}/photo"),
        format!("http://[::1]:{port}/photo"),
        format!("http://[::ffff:127.0.0.1]:{port}/photo"),
        format!("http://2130706433:{port}/photo"),
        format!("http://127-0-0-1.qpic.cn:{port}/photo"),
        format!("http://both.qpic.cn:{port}/photo"),
        format!("http://169-254-169-254.qq.com:{port}/latest/meta-data"),
        format!("http://127-0-0-1.example.com:{port}/photo"),
        "file:///etc/passwd".to_owned(),
        "not a url".to_owned(),
    ] {
        assert_eq!(refusal(&world, &url).await.remedy, Remedy::Never, "{url}");
    }
    assert_eq!(peer.requests(), 0);
}

#[tokio::test]
async fn a_redirect_is_checked_like_the_first_url() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    let port = peer.port;
    for to in [
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("http://10-0-0-1.qpic.cn:{port}/photo"),
        format!("http://127-0-0-1.qpic.cn:{port}/photo"),
        "https://evil.example.com/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let before = peer.requests();
        let error = refusal(&world, peer.url(&format!("to?{to}"))).await;
        assert_eq!(error.remedy, Remedy::Never, "{to}");
        assert_eq!(peer.requests(), before + 1, "{to}");
    }
}

#[tokio::test]
async fn redirects_are_followed_a_few_times_only() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    let error = refusal(&world, peer.url("loop")).await;
    assert!(error.detail.contains("redirect"), "{error}");
    assert_eq!(peer.requests(), 4);
    refusal(&world, peer.url("nowhere")).await;
}

#[tokio::test]
async fn what_is_too_large_is_cut_off_whether_it_says_so_or_not() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    for path in [format!("sized/{}", MAX_SIZE + 1), "endless".to_owned()] {
        let error = refusal(&world, peer.url(&path)).await;
        assert_eq!(error.remedy, Remedy::Never);
        assert!(error.detail.contains("larger than 100000 bytes"), "{error}");
    }
    assert!(
        world
            .library()
            .keep(&at(peer.url(&format!("sized/{MAX_SIZE}"))))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_is_too_slow_is_given_up_for_now() {
    let (mut world, peer) = (World::with_local_platform(), Peer::start());
    world.settings.fetch_timeout = Span(std::time::Duration::from_millis(300));
    for path in ["silent", "drip"] {
        let error = refusal(&world, peer.url(path)).await;
        assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
    }
}

#[tokio::test]
async fn failures_that_pass_are_told_from_those_that_do_not() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    for path in ["cut", "status/500", "status/503", "status/429"] {
        assert!(
            matches!(
                refusal(&world, peer.url(path)).await.remedy,
                Remedy::Retry { .. }
            ),
            "{path}"
        );
    }
    for path in ["status/404", "status/403", "status/410", "status/204"] {
        assert_eq!(
            refusal(&world, peer.url(path)).await.remedy,
            Remedy::Never,
            "{path}"
        );
    }
}

/// Links carry signatures: no URL is repeated in an error.
#[tokio::test]
async fn errors_do_not_repeat_the_url() {
    let (world, peer) = (World::with_local_platform(), Peer::start());
    for path in [
        "cut?sign=s3cret",
        "status/404?sign=s3cret",
        "endless?sign=s3cret",
    ] {
        let error = refusal(&world, peer.url(path)).await;
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
