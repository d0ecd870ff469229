//! Fetches one URL, trusting nothing about it: not its host, not where its name leads, not where it redirects to, not
//! its length and not its haste.

mod address;
mod allowed;
mod lanes;
mod resolve;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Response, StatusCode, header};
use url::Url;

pub use allowed::{Allowed, BadPattern, Refusal};
use lanes::Lanes;
use resolve::{GuardedResolver, OnlyPrivate};
pub use resolve::{Lookup, system_lookup};

/// How often a URL may point elsewhere.
const MAX_REDIRECTS: usize = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches media within limits.
pub struct Fetcher {
    client: reqwest::Client,
    allowed: Arc<Allowed>,
    limits: FetchLimits,
    lanes: Lanes,
}

/// How much, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// Bytes; what is longer is cut off and refused.
    pub max_size: u64,
    /// For the whole download, redirects included.
    pub timeout: Duration,
}

/// A body that was fetched, within the size that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The body, whole.
    pub bytes: Bytes,
    /// The last segment of the path, where it looks like a file name.
    pub name: Option<String>,
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not a URL.
    #[error("not a URL: {0}")]
    Url(#[from] url::ParseError),
    /// Not from there.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its name leads to private addresses only.
    #[error("{0} has no public address")]
    Private(String),
    /// Larger than allowed.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    /// Not within the time.
    #[error("not fetched within {0:?}")]
    TooSlow(Duration),
    /// Redirected too often, or to nowhere.
    #[error("too many redirects, or one without a place to go")]
    Redirects,
    /// The server said no.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// No connection, or one that broke.
    #[error("{0}")]
    Network(String),
}

impl FetchError {
    /// Whether the same request may succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::TooSlow(_) | Self::Network(_) => true,
            Self::Status(status) => {
                status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                    )
            }
            _ => false,
        }
    }
}

impl Fetcher {
    /// A fetcher with a client of its own: no proxy (it would resolve names for us, unchecked), no cookies, no
    /// automatic redirects, no decompression.
    pub fn new(
        allowed: Allowed,
        limits: FetchLimits,
        lookup: Lookup,
    ) -> Result<Self, reqwest::Error> {
        let allowed = Arc::new(allowed);
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(GuardedResolver {
                allowed: allowed.clone(),
                lookup,
            }))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .no_gzip()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("kefu-bridge/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            allowed,
            limits,
            lanes: Lanes::new(),
        })
    }

    /// The body at `url`, through redirects to allowed hosts only.
    pub async fn fetch(&self, url: &str) -> Result<Download, FetchError> {
        let url = Url::parse(url)?;
        // Refused before it waits for anything.
        self.allowed.check(&url)?;
        let _room = self.lanes.room(&url).await;
        let timeout = self.limits.timeout;
        tokio::time::timeout(timeout, self.follow(url))
            .await
            .map_err(|_| FetchError::TooSlow(timeout))?
    }

    async fn follow(&self, mut url: Url) -> Result<Download, FetchError> {
        for _ in 0..=MAX_REDIRECTS {
            self.allowed.check(&url)?;
            let response = self
                .client
                .get(url.clone())
                .send()
                .await
                .map_err(|error| network_error(&error))?;
            if response.status().is_redirection() {
                url = next(&url, &response)?;
                continue;
            }
            if !response.status().is_success() {
                return Err(FetchError::Status(response.status()));
            }
            return Ok(Download {
                bytes: self.read(response).await?,
                name: name_in(&url),
            });
        }
        Err(FetchError::Redirects)
    }

    async fn read(&self, mut response: Response) -> Result<Bytes, FetchError> {
        let limit = self.limits.max_size;
        let claimed = response.content_length().unwrap_or(0);
        if claimed > limit {
            return Err(FetchError::TooLarge(limit));
        }
        let mut body = BytesMut::with_capacity(claimed as usize);
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| network_error(&error))?
        {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(FetchError::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

fn next(from: &Url, response: &Response) -> Result<Url, FetchError> {
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok());
    Ok(from.join(location.ok_or(FetchError::Redirects)?)?)
}

/// The last path segment, when it has an extension; platforms' paths often end in `/0` or a bare id.
fn name_in(url: &Url) -> Option<String> {
    url.path_segments()?
        .next_back()
        .filter(|name| name.contains('.'))
        .map(str::to_owned)
}

/// reqwest hides the cause: it is in the chain, and so is the resolver's refusal. The URL stays out (it may carry a
/// signature).
fn network_error(error: &reqwest::Error) -> FetchError {
    let mut words = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(OnlyPrivate(name)) = inner.downcast_ref() {
            return FetchError::Private(name.clone());
        }
        words.push(inner.to_string());
        cause = inner.source();
    }
    FetchError::Network(words.join(": "))
}
