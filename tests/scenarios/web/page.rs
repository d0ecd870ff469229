//! The page itself: its parts, its policy, what it is called.

use super::site;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_reaches_nothing_but_us() {
    let stage = site("title = \"<b>客服</b>\"\n").await;
    let base = format!("{}/web/site", stage.bridge.url);
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let moved = client.get(&base).send().await.unwrap();
    assert_eq!(
        (
            moved.status().as_u16(),
            moved.headers()["location"].to_str().unwrap()
        ),
        (308, "site/")
    );
    let page = client.get(format!("{base}/")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'self' https://www.example.com",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    let tag = page.headers()["etag"].clone();
    let html = page.text().await.unwrap();
    assert!(
        html.contains("&lt;b&gt;客服&lt;/b&gt;") && !html.contains("<b>"),
        "{html}"
    );
    let known = client
        .get(format!("{base}/"))
        .header("if-none-match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(known.status(), 304);
    for part in [
        "chat.js", "chat.css", "kefu.js", "wire.js", "view.js", "icon.svg",
    ] {
        let answer = client.get(format!("{base}/{part}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{part}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
    for missing in ["../callback/mall", "nothing.js", "page/chat.js"] {
        assert_eq!(
            client
                .get(format!("{base}/{missing}"))
                .send()
                .await
                .unwrap()
                .status(),
            404,
            "{missing}"
        );
    }
    assert_eq!(
        client
            .get(format!("{}/web/mall/", stage.bridge.url))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    stage.settled().await;
}
