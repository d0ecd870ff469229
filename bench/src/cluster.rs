//! The same on shared servers: one node and three, on PostgreSQL, Redis and RabbitMQ, beside what a grouped insert costs at
//! least there. The servers are those of the variables that `./dev servers` writes; they run on whatever core is free.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::Context;

use crate::{
    bridge::{Back, Bridge, Shared},
    floors, load, messages, relay, row,
};

/// The URL of a private server.
pub fn server(name: &str) -> anyhow::Result<String> {
    let name = format!("KEFU_TEST_{name}");
    std::env::var(&name)
        .with_context(|| format!("{name} is not set: `./dev servers up`, then `. FOLDER/env`"))
}

/// Durable accept, and its floor.
pub async fn measure(
    program: &Path,
    nodes: &[usize],
    span: Duration,
    bare: f64,
) -> anyhow::Result<()> {
    let (kind, name) = floors::SHARED;
    let floor = floors::Floor::start(kind)?;
    for connections in [128, 500] {
        let mut made = messages::Made::new(200_000);
        let told = load::closed(&[floor.address], &mut made, connections, span).await?;
        row(name, &connections.to_string(), &told, bare);
    }
    drop(floor);
    for nodes in nodes {
        accepting(program, *nodes, span, bare).await?;
    }
    Ok(())
}

/// Callback in to request out.
pub async fn relaying(program: &Path, nodes: &[usize], span: Duration) -> anyhow::Result<()> {
    for nodes in nodes {
        for load in [(1000, 0), (3000, 50)] {
            let shared = fresh().await?;
            relay::measure(program, &Back::Shared(&shared), *nodes, &[load], span).await?;
        }
    }
    Ok(())
}

/// How long a killed node's conversations wait.
pub async fn takeover(program: &Path, span: Duration) -> anyhow::Result<()> {
    let shared = fresh().await?;
    relay::takeover(program, &Back::Shared(&shared), 3, 500, span * 2).await
}

async fn accepting(program: &Path, nodes: usize, span: Duration, bare: f64) -> anyhow::Result<()> {
    let (_desk, platforms) = relay::play(0)?;
    let platforms = &format!("http://{platforms}");
    let shared = fresh().await?;
    let (bridges, addresses) = start(program, nodes, &shared, platforms).await?;
    for connections in [128, 500] {
        let mut made = messages::Made::new(100_000);
        let told = load::closed(&addresses, &mut made, connections, span).await?;
        let name = format!("durable accept, {nodes} node(s), turns running beside it");
        row(&name, &connections.to_string(), &told, bare);
    }
    drop(bridges);
    opening(program, nodes, span, bare).await
}

/// Accept in open loop.
pub async fn opening(
    program: &Path,
    nodes: usize,
    span: Duration,
    bare: f64,
) -> anyhow::Result<()> {
    let (_desk, platforms) = relay::play(0)?;
    let platforms = &format!("http://{platforms}");
    for rate in [1000, 5000] {
        let shared = fresh().await?;
        let (_bridges, addresses) = start(program, nodes, &shared, platforms).await?;
        let mut made = messages::Made::new(rate * span.as_secs() + 1000);
        let told = load::open(&addresses, &mut made, rate, 64, span).await?;
        let name = format!("durable accept, {nodes} node(s), open loop at {rate}/s");
        row(&name, "64", &told, bare);
    }
    Ok(())
}

async fn start(
    program: &Path,
    nodes: usize,
    shared: &Shared,
    platforms: &str,
) -> anyhow::Result<(Vec<Bridge>, Vec<SocketAddr>)> {
    let mut bridges = Vec::new();
    for _ in 0..nodes {
        bridges.push(Bridge::start(program, platforms, &Back::Shared(shared)).await?);
    }
    let addresses = bridges.iter().map(|bridge| bridge.address).collect();
    Ok((bridges, addresses))
}

/// A database, and names in Redis and RabbitMQ, that nobody used before.
pub async fn fresh() -> anyhow::Result<Shared> {
    let server_url = server("POSTGRES")?;
    let (client, connection) = tokio_postgres::connect(&server_url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let name = format!("bench_{}", std::time::UNIX_EPOCH.elapsed()?.as_micros());
    client
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await?;
    let (base, _) = server_url
        .rsplit_once('/')
        .context("a PostgreSQL URL ends in a database")?;
    Ok(Shared {
        postgres: format!("{base}/{name}"),
        redis: server("REDIS")?,
        rabbitmq: server("RABBITMQ")?,
        name,
    })
}
