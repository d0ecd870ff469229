//! One call to a platform and its answer, whole and free of any web framework.
//!
//! A platform is a function from [`Call`] to [`Answer`]; the [`gate`](crate::gate) in front of it does the HTTP, the faults
//! and the wire log.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::faults::Twist;
use crate::wire::PeerName;

/// A request as it arrived.
pub(crate) struct Call {
    pub method: String,
    /// Below the platform's base, beginning with `/`.
    pub path: String,
    /// Decoded pairs.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Call {
    /// The first value of a query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// What the platform says.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    /// The platform's own code, for the wire log.
    pub code: Option<i64>,
}

/// The content of an answer.
pub(crate) enum Body {
    Whole(Bytes),
    /// Pieces as they come; an error cuts the connection.
    Pieces(mpsc::Receiver<Result<Bytes, Snapped>>),
    /// A whole answer that takes its time.
    Later(Pin<Box<dyn Future<Output = Answer> + Send>>),
}

/// The connection was cut on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox was told to cut this connection")]
pub(crate) struct Snapped;

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            body: Body::Whole(body.into()),
            code: None,
        }
    }

    pub fn json(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    /// An answer that is worked out first.
    pub fn later(work: impl Future<Output = Answer> + Send + 'static) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: Body::Later(Box::pin(work)),
            code: None,
        }
    }

    /// Waits for an answer that takes its time.
    pub async fn ready(mut self) -> Self {
        while let Body::Later(work) = self.body {
            self = work.await;
        }
        self
    }

    /// The same answer, whose connection breaks in the middle of its body.
    pub fn broken(mut self) -> Self {
        if let Body::Whole(body) = &self.body {
            let (send, pieces) = mpsc::channel(2);
            // Room for both was made above.
            let _ = send.try_send(Ok(body.slice(..body.len() / 2)));
            let _ = send.try_send(Err(Snapped));
            self.body = Body::Pieces(pieces);
        }
        self
    }

    pub fn with_code(mut self, code: i64) -> Self {
        self.code = Some(code);
        self
    }

    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// What a reverse proxy says when nobody is behind it.
    pub fn proxy_page(status: u16) -> Self {
        let words = match status {
            502 => "Bad Gateway",
            503 => "Service Temporarily Unavailable",
            504 => "Gateway Time-out",
            _ => "Error",
        };
        let page = format!(
            "<html>\r\n<head><title>{status} {words}</title></head>\r\n<body>\r\n<center><h1>{status} {words}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self::new(status, "text/html", page)
    }
}

/// A simulated platform.
pub(crate) trait Peer: Send + Sync + 'static {
    fn name(&self) -> PeerName;
    /// Which operation a call is, as faults name it.
    fn operation(&self, call: &Call) -> &'static str;
    /// Whom a call concerns, for faults aimed at somebody.
    fn who(&self, call: &Call) -> Vec<String>;
    /// Does what is asked.
    fn answer(&self, call: &Call, twist: Option<Twist>) -> Answer;
    /// What a streamed answer says, for the wire log.
    fn explain(&self, _body: &[u8]) -> Option<String> {
        None
    }
    /// Fails with the platform's own error code, nothing done.
    fn failure(&self, code: i64) -> Answer;
    /// Declares the credentials of this call expired, and says so.
    fn expire(&self, call: &Call) -> Answer;
}
