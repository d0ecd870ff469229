//! `POST /web/{inbox}/upload`: a visitor's picture, recording or file, whatever it is called. It is kept, and answered
//! with a ticket by which that visitor may send it.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header, web};
use bridge_core::{channel::Bounds, error::Remedy, message::PeerId};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde_json::json;

use super::{House, house::Site, nothing, origin};

/// A whole upload may take this long; phones on a train are slow.
const PATIENCE: Duration = Duration::from_secs(180);
/// So many times a visitor's allowance may come from one place.
const PLACE: u32 = 10;

pub(super) async fn take(
    request: HttpRequest,
    body: web::Payload,
    inbox: web::Path<String>,
    house: web::Data<House>,
) -> HttpResponse {
    let Some(site) = house.site(&inbox) else {
        return nothing();
    };
    if !origin::is_admitted(&request, site.live(), &house.app.settings.server.public_url) {
        return HttpResponse::new(StatusCode::FORBIDDEN);
    }
    let answer = upload(&request, body, &site, &house).await;
    let mut response = match answer {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(status) => HttpResponse::new(status),
    };
    may_read(&request, response.headers_mut());
    response
}

/// `OPTIONS`: a site with a page of its own asks its browser's question first.
pub(super) async fn may(
    request: HttpRequest,
    inbox: web::Path<String>,
    house: web::Data<House>,
) -> HttpResponse {
    let Some(site) = house.site(&inbox) else {
        return nothing();
    };
    if !origin::is_admitted(&request, site.live(), &house.app.settings.server.public_url) {
        return HttpResponse::new(StatusCode::FORBIDDEN);
    }
    let mut response = HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "POST"))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, x-file-name",
        ))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish();
    may_read(&request, response.headers_mut());
    response
}

/// An admitted origin may read the answer. There are no cookies: what it reads is what its own token opens.
fn may_read(request: &HttpRequest, headers: &mut header::HeaderMap) {
    if let Some(origin) = request.headers().get(header::ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::VARY, header::HeaderValue::from_static("Origin"));
    }
}

async fn upload(
    request: &HttpRequest,
    body: web::Payload,
    site: &Site,
    house: &House,
) -> Result<serde_json::Value, StatusCode> {
    let (visitor, _turn) = admitted(request, site, house).await?;
    let limit = site.live().bounds().upload_bytes;
    let bytes = tokio::time::timeout(PATIENCE, read(request, body, limit))
        .await
        .map_err(|_| StatusCode::REQUEST_TIMEOUT)??;
    kept(request, site, house, &visitor, bytes).await
}

/// Who uploads, and a turn to do it in.
async fn admitted<'h>(
    request: &HttpRequest,
    site: &Site,
    house: &'h House,
) -> Result<(PeerId, tokio::sync::SemaphorePermit<'h>), StatusCode> {
    let (parts, live) = (house.app.engine.parts(), site.live());
    let token = request.headers().get(header::AUTHORIZATION);
    let token = token
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let visitor = live
        .whose(token, parts.clock.now())
        .map_err(|_| StatusCode::UNAUTHORIZED)?;
    let Bounds {
        uploads_per_minute: few,
        address_header,
        ..
    } = live.bounds();
    let place = origin::place(request, address_header.as_deref());
    let (visitor_key, place_key) = (
        format!("{}/{visitor}", site.inbox),
        format!("{}/{place}", site.inbox),
    );
    let is_too_fast = house.too_fast("upload", &visitor_key, *few).await.is_some()
        || house
            .too_fast("upload-from", &place_key, few.saturating_mul(PLACE))
            .await
            .is_some();
    if is_too_fast {
        return Err(StatusCode::TOO_MANY_REQUESTS);
    }
    let turn = house
        .uploads
        .try_acquire()
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok((visitor, turn))
}

async fn read(
    request: &HttpRequest,
    mut body: web::Payload,
    limit: u64,
) -> Result<Bytes, StatusCode> {
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared: Option<u64> = declared.and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        bytes.extend_from_slice(&chunk);
    }
    match bytes.is_empty() {
        true => Err(StatusCode::BAD_REQUEST),
        false => Ok(bytes.freeze()),
    }
}

/// Keeps what may be sent, by what it really is.
async fn kept(
    request: &HttpRequest,
    site: &Site,
    house: &House,
    visitor: &PeerId,
    bytes: Bytes,
) -> Result<serde_json::Value, StatusCode> {
    let mime = bridge_media::sniff(&bytes);
    if !site.live().takes(mime) || (mime == "text/plain" && is_markup(&bytes)) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let parts = house.app.engine.parts();
    let name = request.headers().get("x-file-name");
    let name = name.and_then(|name| percent_decoded(name.to_str().ok()?));
    let name = name.map(|name| harmless(name, mime));
    let kept = parts.media.put(bytes, name.as_deref()).await;
    let kept = kept.map_err(|error| match error.remedy {
        Remedy::Never => StatusCode::PAYLOAD_TOO_LARGE,
        _ => {
            tracing::warn!(%error, inbox = %site.inbox, "an upload was not kept");
            StatusCode::SERVICE_UNAVAILABLE
        }
    })?;
    let ticket = site.live().ticket(visitor, &kept, parts.clock.now());
    Ok(json!({ "ticket": ticket, "name": kept.name, "mime": kept.mime, "size": kept.size }))
}

/// Markup is text to whoever sniffs it, and a page with scripts to whoever opens it.
fn is_markup(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.trim_ascii_start().starts_with(b"<")
}

/// Names that do nothing but open a document, whatever is in it.
const HARMLESS: &[&str] = &[
    "jpg", "jpeg", "png", "gif", "webp", "bmp", "heic", "heif", "avif", "mp3", "m4a", "aac", "wav",
    "ogg", "opus", "amr", "webm", "mp4", "m4v", "mov", "avi", "mkv", "3gp", "txt", "csv", "log",
    "md", "json", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "zip",
];

/// A name by which nothing runs when an agent opens it: `rechnung.bat` becomes `rechnung.bat.txt`.
fn harmless(name: String, mime: &str) -> String {
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.trim().to_lowercase());
    if extension.is_some_and(|extension| HARMLESS.contains(&extension.as_str())) {
        return name;
    }
    let usual = mime.rsplit('/').next().unwrap_or_default();
    let usual = match mime {
        "text/plain" => "txt",
        "image/jpeg" => "jpg",
        "audio/mpeg" => "mp3",
        "audio/x-wav" => "wav",
        "video/quicktime" => "mov",
        _ if HARMLESS.contains(&usual) => usual,
        _ => "bin",
    };
    format!("{name}.{usual}")
}

/// A header is ASCII; a name is not.
fn percent_decoded(text: &str) -> Option<String> {
    let coded = format!("n={}", text.replace('+', "%2B"));
    let (_, name) = url::form_urlencoded::parse(coded.as_bytes()).next()?;
    Some(name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_runs_by_its_name() {
        for (name, mime, kept) in [
            ("订单.pdf", "application/pdf", "订单.pdf"),
            ("photo.JPG", "image/jpeg", "photo.JPG"),
            ("run.bat", "text/plain", "run.bat.txt"),
            ("photo.hta", "image/jpeg", "photo.hta.jpg"),
            ("tool.jar", "application/zip", "tool.jar.zip"),
            ("setup.exe ", "application/pdf", "setup.exe .pdf"),
            ("voice", "audio/x-wav", "voice.wav"),
            ("", "image/png", ".png"),
        ] {
            assert_eq!(harmless(name.to_owned(), mime), kept);
        }
    }

    #[test]
    fn markup_is_no_text() {
        for page in [
            "<svg/>",
            " \n<!doctype html>",
            "\u{feff}<?xml version=\"1.0\"?>",
        ] {
            assert!(is_markup(page.as_bytes()), "{page}");
        }
        assert!(!is_markup("1 < 2".as_bytes()));
    }

    #[test]
    fn names_are_decoded_once() {
        assert_eq!(
            percent_decoded("%E5%9B%BE+1%2520.png").as_deref(),
            Some("图+1%20.png")
        );
    }
}
