//! The API that the pages use.

mod pages;
mod playing;
mod watching;

use serde_json::Value;

use crate::kit::World;

async fn put(world: &World, path: &str, body: &Value) -> (u16, Value) {
    world
        .send(
            world.http.put(format!("{}{path}", world.sandbox.url())),
            body,
        )
        .await
}

async fn delete(world: &World, path: &str) -> (u16, Value) {
    world
        .send(
            world.http.delete(format!("{}{path}", world.sandbox.url())),
            &Value::Null,
        )
        .await
}
