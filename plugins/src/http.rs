//! The one way in which plugins speak HTTP: a client with sane limits, and bodies that are read up to a bound.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Client, ClientBuilder, Response, redirect};

use crate::names::Resolver;

/// A client to build on: connects within five seconds and follows no redirects, because a redirect would carry a
/// request's secrets to wherever a peer says.
pub(crate) fn client() -> ClientBuilder {
    // The client comes without a TLS provider of its own. Where one is installed already this changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .dns_resolver(Arc::new(Resolver))
        .connect_timeout(Duration::from_secs(5))
        .redirect(redirect::Policy::none())
        .user_agent(concat!("kefu-bridge/", env!("CARGO_PKG_VERSION")))
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The connection broke.
    #[error("{}", chain(.0))]
    Cut(reqwest::Error),
    /// It is longer than allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

/// A response's body, at most `limit` bytes of it.
pub(crate) async fn body(mut response: Response, limit: usize) -> Result<Bytes, BodyError> {
    let mut body = BytesMut::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| BodyError::Cut(error.without_url()))?
    {
        if body.len() + piece.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// An error with its causes in one line, without the URL: queries hold tokens and people's ids.
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut line = match error.url() {
        Some(url) => error.to_string().replace(url.as_str(), "…"),
        None => error.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
