//! The page, its parts, and the script for other sites. All of it is in the program: nothing comes from third parties,
//! and the page may load and reach nothing but this server.

use std::{collections::BTreeMap, time::Duration};

use bridge_core::{channel::Document, plugin::Tools, texts::Locale};
use bytes::Bytes;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::Config;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// The parts that are the same for everybody.
const PARTS: &[(&str, &str, &str)] = &[
    ("chat.css", STYLE, include_str!("chat.css")),
    ("chat.js", SCRIPT, include_str!("chat.js")),
    ("frame.js", SCRIPT, include_str!("frame.js")),
    ("markdown.js", SCRIPT, include_str!("markdown.js")),
    ("view.js", SCRIPT, include_str!("view.js")),
    ("voice.js", SCRIPT, include_str!("voice.js")),
    ("wire.js", SCRIPT, include_str!("wire.js")),
    ("words.js", SCRIPT, include_str!("words.js")),
    ("icon.svg", PICTURE, include_str!("icon.svg")),
];
const PAGE: &str = include_str!("index.html");
const EMBED: &str = include_str!("kefu.js");

/// Every document by its path.
pub(super) fn documents(
    config: &Config,
    origins: &[String],
    tools: &Tools,
) -> BTreeMap<&'static str, Document> {
    let shared = PARTS.iter().map(|(path, content_type, body)| {
        (
            *path,
            plain(content_type, Bytes::from_static(body.as_bytes())),
        )
    });
    let mut documents: BTreeMap<_, _> = shared.collect();
    let mut page = plain(HTML, html(config, tools).into());
    page.headers.push((
        "content-security-policy",
        policy(origins, &tools.public_url),
    ));
    page.headers
        .push(("referrer-policy", "no-referrer".to_owned()));
    page.headers.push((
        "permissions-policy",
        "microphone=(self), camera=(), geolocation=()".to_owned(),
    ));
    documents.insert("", page);
    let mut script = plain(SCRIPT, embed(config).into());
    script.max_age = Duration::from_secs(300);
    // Other sites load it: that is what it is for.
    script
        .headers
        .push(("cross-origin-resource-policy", "cross-origin".to_owned()));
    documents.insert("kefu.js", script);
    documents
}

fn plain(content_type: &'static str, body: Bytes) -> Document {
    let hash = Sha256::digest(&body);
    let tag: String = hash
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Document {
        content_type,
        body,
        headers: vec![("x-content-type-options", "nosniff".to_owned())],
        tag: format!("\"{tag}\""),
        // The parts belong together: none may be older than the others.
        max_age: Duration::ZERO,
    }
}

/// What the page may do: its own parts, its own socket, and be shown by the sites that are named.
fn policy(origins: &[String], public_url: &str) -> String {
    // Older browsers do not take 'self' to mean the socket as well.
    let socket = Url::parse(public_url).map(|url| url.origin().ascii_serialization());
    let socket = socket.unwrap_or_default().replacen("http", "ws", 1);
    let sites = origins
        .iter()
        .map(|origin| format!(" {origin}"))
        .collect::<String>();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; \
         connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'{sites}"
    )
}

fn html(config: &Config, tools: &Tools) -> String {
    let language = match tools.locale {
        Locale::Zh => "zh-CN",
        Locale::En => "en",
    };
    PAGE.replace("{language}", language)
        .replace("{color}", &config.color)
        .replace("{title}", &escaped(&config.title))
}

/// The script with the settings it needs before anybody opens the chat.
fn embed(config: &Config) -> String {
    let settings = json!({ "title": config.title, "color": config.color });
    EMBED.replacen("{settings}", &settings.to_string(), 1)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
