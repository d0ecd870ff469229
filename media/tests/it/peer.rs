//! A web server on a free port that serves pictures, and everything one should not swallow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer, Responder};
use futures_util::{StreamExt as _, stream};

use crate::world::photo;

/// How often each kind of thing was asked for.
#[derive(Default)]
pub struct Seen {
    pub requests: AtomicUsize,
}

/// A running server; it ends with the test's runtime.
pub struct Peer {
    pub port: u16,
    pub seen: Arc<Seen>,
}

impl Peer {
    pub fn start() -> Self {
        let seen = Arc::<Seen>::default();
        let data = Data::from(seen.clone());
        let server = HttpServer::new(move || App::new().app_data(data.clone()).configure(routes))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
        let port = server.addrs()[0].port();
        tokio::spawn(server.run());
        Self { port, seen }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config.default_service(web::to(answer));
}

async fn answer(request: actix_web::HttpRequest, seen: Data<Seen>) -> impl Responder {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    let path = request.path().trim_start_matches('/');
    match path.split_once('/').unwrap_or((path, "")) {
        ("photo", _) => HttpResponse::Ok()
            .content_type("text/plain")
            .body(photo(40, 20)),
        ("page", _) => HttpResponse::Ok()
            .content_type("image/jpeg")
            .body("<!DOCTYPE html><script>alert(1)</script>"),
        ("sized", size) => HttpResponse::Ok().body(vec![7; size.parse().unwrap()]),
        ("endless", _) => {
            HttpResponse::Ok().streaming(stream::repeat_with(|| ok(Bytes::from_static(&[7; 1024]))))
        }
        ("drip", _) => HttpResponse::Ok().streaming(
            stream::once(async { ok(Bytes::from_static(b"a")) }).chain(stream::pending()),
        ),
        ("silent", _) => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            HttpResponse::Ok().finish()
        }
        ("cut", _) => HttpResponse::Ok()
            .no_chunking(1000)
            .streaming(stream::iter([
                ok(Bytes::from_static(b"half")),
                Err(std::io::Error::other("cut")),
            ])),
        ("status", code) => {
            HttpResponse::build(code.parse::<u16>().unwrap().try_into().unwrap()).finish()
        }
        ("loop", _) => redirect("/loop"),
        ("nowhere", _) => HttpResponse::Found().finish(),
        ("to", _) => redirect(request.query_string()),
        _ => HttpResponse::NotFound().finish(),
    }
}

fn ok(bytes: Bytes) -> Result<Bytes, std::io::Error> {
    Ok(bytes)
}

fn redirect(to: &str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, to.to_owned()))
        .finish()
}
