//! `GET /media/{token}/{name}`: media under links that cannot be guessed and expire.

use actix_web::{HttpResponse, http::StatusCode, web};

use crate::app::App;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/media/{token}/{name}", web::get().to(get));
}

async fn get(path: web::Path<(String, String)>, app: web::Data<App>) -> HttpResponse {
    let (token, name) = path.into_inner();
    match app.library.serve(&token, &name).await {
        Ok(served) => {
            let mut response = HttpResponse::Ok();
            for header in served.headers {
                response.insert_header(header);
            }
            response.body(served.bytes)
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::NOT_FOUND);
            HttpResponse::build(status)
                .content_type("text/plain; charset=utf-8")
                .body(match status {
                    StatusCode::GONE => "链接已过期 / the link has expired",
                    _ => "没有这个文件 / no such file",
                })
        }
    }
}
