//! The pages: plain files from `sandbox/pages`, built into the program.

use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "pages"]
struct Pages;

/// Serves a page by its path; a folder means its index.
pub(super) async fn page(request: HttpRequest) -> HttpResponse {
    let path = request.path().trim_start_matches('/');
    let index = match path {
        "" => "index.html".to_owned(),
        path => format!("{}/index.html", path.trim_end_matches('/')),
    };
    let found = Pages::get(path).map(|file| (file, path.to_owned()));
    match found.or_else(|| Pages::get(&index).map(|file| (file, index))) {
        Some((file, _)) => answer(file),
        None => HttpResponse::NotFound()
            .content_type("text/plain; charset=utf-8")
            .body("没有这个页面 · no such page\n"),
    }
}

fn answer(file: EmbeddedFile) -> HttpResponse {
    let mime = file.metadata.mimetype().to_owned();
    let mime = match mime.starts_with("text/") || mime.ends_with("javascript") {
        true => format!("{mime}; charset=utf-8"),
        false => mime,
    };
    HttpResponse::Ok()
        .insert_header(("content-type", mime))
        .insert_header(("cache-control", "no-cache"))
        .body(file.data.into_owned())
}
