//! Recorded exchanges with a real server (0.15.3), as tests read them.

use std::path::Path;

/// One response body.
pub(super) struct Recorded {
    /// The file, and which of its exchanges.
    pub(super) name: String,
    /// The HTTP status.
    pub(super) status: u16,
    /// The `Content-Type` says `text/event-stream`.
    pub(super) is_stream: bool,
    /// The body's bytes.
    pub(super) body: Vec<u8>,
}

/// Every response of `file` in `tests/fixtures/dify`.
pub(super) fn read(file: &str) -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/dify");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let parts = text.split("### RESPONSE\n").skip(1);
    parts
        .enumerate()
        .map(|(at, part)| response(format!("{file}#{at}"), part))
        .collect()
}

fn response(name: String, part: &str) -> Recorded {
    let part = part.split("### END").next().unwrap();
    let part = part.replace("\r\n", "\n");
    // An upload is answered "100 Continue" first.
    let part = part
        .strip_prefix("HTTP/1.1 100 Continue\n\n")
        .unwrap_or(&part);
    let (head, body) = part.split_once("\n\n").unwrap();
    Recorded {
        name,
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        is_stream: head.contains("text/event-stream"),
        body: body.as_bytes().to_vec(),
    }
}

/// Every recorded event stream but the one that shows HTTP's own framing.
pub(super) fn streams() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/dify");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.contains("raw-chunks"))
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| read(file))
        .filter(|recorded| recorded.is_stream)
        .collect()
}
