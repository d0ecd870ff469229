//! The pages themselves.

use serde_json::json;

use crate::kit::World;

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let world = World::new();
    let huge = "x".repeat(300 * 1024);
    assert_eq!(
        world.post("/box/faults", &json!({"spec": huge})).await.0,
        413
    );
    let status = world
        .http
        .post(format!("{}/box/media", world.sandbox.url()))
        .body(vec![0; 21 * 1024 * 1024])
        .send()
        .await;
    assert!(status.is_err() || status.unwrap().status() == 413);
}

#[tokio::test]
async fn the_pages_are_served_and_a_stopped_sandbox_is_gone() {
    let world = World::new();
    let index = world.http.get(world.sandbox.url()).send().await.unwrap();
    assert_eq!(index.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(
        world
            .http
            .get(format!("{}/no/such", world.sandbox.url()))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    let address = world.sandbox.address();
    world.sandbox.stop().await;
    assert!(std::net::TcpStream::connect(address).is_err());
}
