//! Links over HTTP, as the program serves them.

use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use bridge_core::media::MediaLibrary as _;
use bridge_media::{Library, ServeError, Served};
use bytes::Bytes;
use url::Url;

use crate::world::{World, photo};

async fn media(library: Data<Library>, path: web::Path<(String, String)>) -> HttpResponse {
    match library.serve(&path.0, &path.1).await {
        Ok(Served { bytes, headers }) => {
            let mut response = HttpResponse::Ok();
            for header in headers {
                response.insert_header(header);
            }
            response.body(bytes)
        }
        Err(error) => HttpResponse::build(error.status().try_into().unwrap()).finish(),
    }
}

/// Serves the library; returns what to put in place of the public URL.
fn serve(library: &Library) -> Url {
    let library = Data::new(library.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(library.clone())
            .route("/media/{token}/{name}", web::get().to(media))
    });
    let server = server
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
    let port = server.addrs()[0].port();
    tokio::spawn(server.run());
    Url::parse(&format!("http://127.0.0.1:{port}")).unwrap()
}

async fn get(at: &Url, link: &str) -> reqwest::Response {
    let local = link.replace(
        "https://kefu.example.com",
        at.as_str().trim_end_matches('/'),
    );
    reqwest::get(local).await.unwrap()
}

#[tokio::test]
async fn a_link_shows_a_picture_until_it_expires() {
    let world = World::new();
    let library = world.library();
    let at = serve(&library);
    let kept = library
        .put(Bytes::from(photo(8, 8)), Some("发票 #1 100%.jpg"))
        .await
        .unwrap();
    let link = library.url(&kept);

    let response = get(&at, &link).await;
    assert_eq!(response.status(), 200);
    let header = |name| {
        response
            .headers()
            .get(name)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        (
            header("content-type").as_str(),
            header("x-content-type-options").as_str()
        ),
        ("image/jpeg", "nosniff")
    );
    assert!(header("content-disposition").starts_with("inline; filename*=UTF-8''%E5%8F%91"));
    assert_eq!(response.bytes().await.unwrap(), photo(8, 8));

    world
        .clock
        .advance(world.settings.link_lifetime.0 - Duration::from_secs(1));
    assert_eq!(get(&at, &link).await.status(), 200);
    world.clock.advance(world.settings.link_lifetime.0);
    assert_eq!(get(&at, &link).await.status(), 410);
}

#[tokio::test]
async fn a_changed_link_leads_nowhere() {
    let world = World::new();
    let library = world.library();
    let at = serve(&library);
    let kept = library
        .put(Bytes::from(photo(8, 8)), Some("a.jpg"))
        .await
        .unwrap();
    let link = library.url(&kept);
    let (before, token) = link
        .strip_suffix("/a.jpg")
        .unwrap()
        .rsplit_once('/')
        .unwrap();
    let flipped = if token.starts_with('A') { "B" } else { "A" };
    for forged in [
        format!("{before}/{flipped}{}/a.jpg", &token[1..]),
        format!("{before}/{token}/b.jpg"),
        format!("{before}/{}/a.jpg", kept.hash),
        format!("{before}/{token}A/a.jpg"),
        format!("{before}/x/a.jpg"),
    ] {
        assert_eq!(get(&at, &forged).await.status(), 404, "{forged}");
    }
    assert_eq!(get(&at, &link).await.status(), 200);
}

/// A page that was sent as a picture is saved, never shown: it would run as us.
#[tokio::test]
async fn pages_are_offered_for_saving() {
    let world = World::new();
    let library = world.library();
    let at = serve(&library);
    let kept = library
        .put(
            Bytes::from_static(b"<html><script>steal()</script></html>"),
            Some("cute.jpg"),
        )
        .await
        .unwrap();
    let response = get(&at, &library.url(&kept)).await;
    let header = |name| {
        response
            .headers()
            .get(name)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert!(header("content-disposition").starts_with("attachment"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").contains("sandbox"));
}

#[tokio::test]
async fn what_was_swept_is_gone_and_a_link_of_another_key_is_none() {
    let mut world = World::new();
    world.settings.retention = bridge_core::settings::Span::secs(60);
    let library = world.library();
    let kept = library.put(Bytes::from(photo(8, 8)), None).await.unwrap();
    let link = Url::parse(&library.url(&kept)).unwrap();
    let path: Vec<&str> = link.path_segments().unwrap().skip(1).collect();
    world.clock.advance(Duration::from_secs(61));
    library.sweep().await.unwrap();
    assert!(matches!(
        library.serve(path[0], path[1]).await,
        Err(ServeError::Gone)
    ));

    let surroundings = bridge_media::Surroundings {
        link_key: [8; 32],
        ..world.surroundings()
    };
    let other = Library::open(world.settings.clone(), surroundings).unwrap();
    assert!(matches!(
        other.serve(path[0], path[1]).await,
        Err(ServeError::Link(_))
    ));
}
