//! HTTP requests read by hand, for the peers of tests: they answer in pieces, cut or go silent as no server would.

use std::str::FromStr;

use tokio::{io::AsyncReadExt, net::TcpStream};

/// One request, as it came.
#[derive(Debug)]
pub(crate) struct Request {
    /// `POST /v1/chat-messages`, query included.
    pub(crate) line: String,
    /// All lines before the body.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The connection's next request; `None`: there is none any more.
    pub(crate) async fn read(stream: &mut TcpStream) -> Option<Self> {
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
        let mut request = Self {
            line: head.lines().next()?.to_owned(),
            head,
            body: bytes.split_off(head_end + 4),
        };
        let length = request
            .header("content-length")
            .map_or(Ok(0), usize::from_str);
        let length = length.ok()?;
        while request.body.len() < length {
            if stream.read_buf(&mut request.body).await.ok()? == 0 {
                return None;
            }
        }
        Some(request)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// What is posted to: the path, and the query where there is one.
    pub(crate) fn posted_to(&self) -> Option<&str> {
        self.line.strip_prefix("POST ")?.split(' ').next()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
