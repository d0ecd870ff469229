//! The page, the script, and the settings behind them.

use bridge_core::channel::{Channel as _, Live as _};
use serde_json::json;

use super::{site, site_with};

fn body(path: &str, title: &str) -> String {
    let site = site_with(json!({ "title": title })).unwrap();
    String::from_utf8(site.document(path).unwrap().body.to_vec()).unwrap()
}

#[test]
fn a_title_is_words_wherever_it_stands() {
    let title = "\"</title><script>alert(1)</script>{color}";
    let page = body("", title);
    assert!(!page.contains("<script>alert"), "{page}");
    let script = body("kefu.js", title);
    assert!(
        script.contains(r#""title":"\"</title>"#),
        "a string of the script, closed by nothing in it"
    );
}

#[test]
fn the_page_names_the_sites_that_may_show_it() {
    let site = site_with(json!({ "origins": ["https://www.example.com/", "https://b.example:443", "http://c.example:8080"] })).unwrap();
    let page = site.document("").unwrap();
    let policy = page
        .headers
        .iter()
        .find(|(name, _)| *name == "content-security-policy")
        .unwrap();
    let ancestors =
        "frame-ancestors 'self' https://www.example.com https://b.example http://c.example:8080";
    assert!(policy.1.ends_with(ancestors), "{}", policy.1);
    assert!(
        policy
            .1
            .contains("connect-src 'self' wss://kefu.example.com;"),
        "{}",
        policy.1
    );
    assert!(site.admits("https://b.example") && site.admits("http://c.example:8080"));
    assert!(
        !site.admits("http://b.example")
            && !site.admits("https://example.com")
            && !site.admits("null")
    );
}

#[test]
fn all_parts_are_named_by_the_page_and_there() {
    let site = site();
    for path in [
        "chat.js",
        "chat.css",
        "frame.js",
        "icon.svg",
        "markdown.js",
        "view.js",
        "voice.js",
        "wire.js",
        "words.js",
    ] {
        let document = site.document(path).unwrap();
        assert!(document.tag.len() > 10 && !document.body.is_empty());
        let text = std::str::from_utf8(&document.body).unwrap();
        for foreign in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ] {
            assert!(!text.contains(foreign), "{path}: {foreign}");
        }
    }
    assert!(site.document("index.html").is_none() && site.document("../chat.js").is_none());
}

#[test]
fn wrong_settings_are_named() {
    for (config, key) in [
        (json!({ "origins": ["www.example.com"] }), "origins[0]"),
        (
            json!({ "origins": ["https://a.example", "https://b.example/shop"] }),
            "origins[1]",
        ),
        (
            json!({ "origins": ["https://user@a.example"] }),
            "origins[0]",
        ),
        (json!({ "origins": ["*"] }), "origins[0]"),
        (json!({ "color": "red" }), "color"),
        (json!({ "color": "#12345g" }), "color"),
        (json!({ "text_bytes": 10 }), "text_bytes"),
        (json!({ "messages_per_minute": 0 }), "messages_per_minute"),
        (json!({ "token_lifetime": "1s" }), "token_lifetime"),
        (json!({ "sockets": 0 }), "sockets"),
        (json!({ "tittle": "x" }), "tittle"),
    ] {
        let Err(fault) = site_with(config.clone()) else {
            panic!("{config}")
        };
        assert_eq!(fault.key, key, "{config}");
    }
}

#[test]
fn what_runs_is_not_taken() {
    let site = site();
    for mime in [
        "image/png",
        "audio/x-wav",
        "video/mp4",
        "text/plain",
        "application/pdf",
    ] {
        assert!(site.takes(mime), "{mime}");
    }
    for mime in [
        "image/svg+xml",
        "text/html",
        "text/xml",
        "application/x-executable",
        "application/vnd.microsoft.portable-executable",
        "application/octet-stream",
    ] {
        assert!(!site.takes(mime), "{mime}");
    }
}

#[tokio::test]
async fn a_page_without_https_is_found() {
    let findings = site().check().unwrap().check().await;
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
}
