//! The body of a request, bounded in size by the server's settings and in time here: who sends a byte a minute is not waited
//! for.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, error::ErrorRequestTimeout};
use bytes::Bytes;

/// How long a platform may take to send one; ordinary ones come in one piece.
const PATIENCE: Duration = Duration::from_secs(10);

/// A body that is here.
pub(super) struct Body(pub(super) Bytes);

impl FromRequest for Body {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(within(PATIENCE, Bytes::from_request(request, payload)))
    }
}

async fn within(
    patience: Duration,
    read: impl Future<Output = Result<Bytes, Error>>,
) -> Result<Body, Error> {
    match tokio::time::timeout(patience, read).await {
        Ok(read) => Ok(Body(read?)),
        Err(_) => Err(ErrorRequestTimeout("too slow")),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::StatusCode, test::TestRequest, web::PayloadConfig};
    use futures_util::{Stream, StreamExt as _, stream};

    use super::*;

    async fn read(pieces: Vec<&'static [u8]>, is_whole: bool) -> Result<Bytes, StatusCode> {
        let pieces = pieces
            .into_iter()
            .map(|piece| Ok(Bytes::from_static(piece)));
        let pieces: Pin<Box<dyn Stream<Item = _>>> = match is_whole {
            true => Box::pin(stream::iter(pieces)),
            false => Box::pin(stream::iter(pieces).chain(stream::pending())),
        };
        let request = TestRequest::post().app_data(PayloadConfig::new(8));
        let body = Bytes::from_request(&request.to_http_request(), &mut Payload::from(pieces));
        let body = within(Duration::from_millis(20), body).await;
        let status = |error: Error| error.as_response_error().status_code();
        body.map(|Body(body)| body).map_err(status)
    }

    #[tokio::test]
    async fn whoever_dawdles_is_not_waited_for() {
        let whole = read(vec![b"ab", b"cd"], true).await;
        assert_eq!(whole.unwrap(), "abcd");
        assert_eq!(
            read(vec![b"ab"], false).await,
            Err(StatusCode::REQUEST_TIMEOUT)
        );
        let large = read(vec![b"12345678", b"9"], false).await;
        assert_eq!(large, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
