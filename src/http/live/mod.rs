//! `/web/{inbox}/…`: channels whose contacts come to us. The page and its parts, uploads, and the socket, which shows a
//! visitor the transcript as it grows. Here are sockets and bounds; what goes over them is the channel's
//! ([`bridge_core::channel::Live`]).

mod door;
mod house;
mod origin;
mod rooms;
mod seats;
mod show;
mod shown;
mod stay;
mod upload;
mod wire;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};
use bridge_core::channel::Document;

pub(super) use self::house::House;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/web/{inbox}")
            .route("", web::get().to(home))
            .route("/ws", web::get().to(door::open))
            .service(
                web::resource("/upload")
                    .route(web::post().to(upload::take))
                    .route(web::method(Method::OPTIONS).to(upload::may)),
            )
            .route("/{path:.*}", web::get().to(document)),
    );
}

/// The page's parts lie beside it: its address ends in a slash.
async fn home(inbox: web::Path<String>, house: web::Data<House>) -> HttpResponse {
    match house.site(&inbox) {
        Some(site) => HttpResponse::PermanentRedirect()
            .insert_header((header::LOCATION, format!("{}/", site.inbox)))
            .finish(),
        None => nothing(),
    }
}

async fn document(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    house: web::Data<House>,
) -> HttpResponse {
    let (inbox, path) = path.into_inner();
    let site = house.site(&inbox);
    match site.as_ref().and_then(|site| site.live().document(&path)) {
        Some(document) => answer(&request, document),
        None => nothing(),
    }
}

fn answer(request: &HttpRequest, document: &Document) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| known.as_bytes() == document.tag.as_bytes());
    let mut response = match is_known {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    let seconds = document.max_age.as_secs();
    let keep = match seconds {
        0 => "no-cache".to_owned(),
        seconds => format!("public, max-age={seconds}"),
    };
    response.insert_header((header::ETAG, document.tag.clone()));
    response.insert_header((header::CACHE_CONTROL, keep));
    for header in &document.headers {
        response.insert_header(header.clone());
    }
    match is_known {
        true => response.finish(),
        false => response
            .content_type(document.content_type)
            .body(document.body.clone()),
    }
}

fn nothing() -> HttpResponse {
    HttpResponse::NotFound()
        .content_type("text/plain; charset=utf-8")
        .body("没有这个页面 / no such page")
}
