//! `./dev bench`: builds nothing, measures everything, prints one table. Servers run on cores 0 and 1, the load on 2
//! and 3; every figure is told beside a bare actix-web answer of the same run, because machines differ and are noisy.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod bridge;
mod cluster;
mod floors;
mod grown;
mod load;
mod messages;
mod relay;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures and prints the table.
    Run {
        /// The bridge's program, built for release.
        #[arg(long)]
        bridge: PathBuf,
        /// Seconds for each figure.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// Only these parts.
        #[arg(long, value_delimiter = ',', default_value = "floors,accept,relay")]
        only: Vec<Part>,
        /// Messages of the grown store.
        #[arg(long, default_value_t = 1_000_000)]
        messages: u64,
        /// Nodes of a cluster.
        #[arg(long, value_delimiter = ',', default_value = "1,3")]
        nodes: Vec<usize>,
    },
    /// One of the floors, as a server.
    Floor {
        /// bare, read or row.
        kind: floors::Kind,
        /// Where to listen.
        #[arg(long)]
        port: u16,
    },
}

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Bare answers, and what a durable answer costs at least.
    Floors,
    /// Durable accept, and the process's weight.
    Accept,
    /// Callback in to request out.
    Relay,
    /// The same on a store that has grown to `--messages`.
    Grown,
    /// The same on PostgreSQL that has grown to `--messages`.
    GrownCluster,
    /// The same on PostgreSQL, Redis and RabbitMQ, with one node and three.
    Cluster,
    /// Of that only accepting.
    ClusterAccept,
    /// Of that only the open loops.
    ClusterOpen,
    /// Of that only the relay.
    ClusterRelay,
    /// A node is killed under load.
    Takeover,
}

fn main() -> anyhow::Result<()> {
    // Once per process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match Cli::parse().command {
        Command::Floor { kind, port } => floors::serve(kind, port),
        Command::Run {
            bridge,
            seconds,
            only,
            messages,
            nodes,
        } => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            runtime.block_on(run(
                &bridge,
                Duration::from_secs(seconds),
                &only,
                messages,
                &nodes,
            ))
        }
    }
}

async fn run(
    program: &std::path::Path,
    span: Duration,
    only: &[Part],
    messages: u64,
    nodes: &[usize],
) -> anyhow::Result<()> {
    println!(
        "| what | connections | per second | of bare | p50 ms | p99 ms | p99.9 ms | failed | CPU µs each |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut bare = 1.0;
    let floors = floors::ALL
        .into_iter()
        .filter(|_| only.contains(&Part::Floors));
    for (kind, name) in floors {
        let floor = floors::Floor::start(kind)?;
        for connections in [128, 500] {
            let mut made = messages::Made::new(200_000);
            let before = floors::spent(floor.pid());
            let mut told = load::closed(&[floor.address], &mut made, connections, span).await?;
            told.spent = floors::spent(floor.pid()).checked_sub(before);
            if kind == floors::Kind::Bare && connections == 128 {
                bare = told.rate;
            }
            row(name, &connections.to_string(), &told, bare);
        }
        for rate in [1000, 5000] {
            let mut made = messages::Made::new(rate * span.as_secs() + 1000);
            let told = load::open(&[floor.address], &mut made, rate, 64, span).await?;
            row(&format!("{name}, open loop at {rate}/s"), "64", &told, bare);
        }
    }
    if only.contains(&Part::Accept) {
        accepting(program, span, bare).await?;
    }
    if only.contains(&Part::Relay) {
        let loads = [(1000, 0), (3000, 50), (5000, 50)];
        relay::measure(program, &bridge::Back::Fresh, 1, &loads, span).await?;
    }
    if only.contains(&Part::Grown) {
        grown::measure(program, messages, span, bare).await?;
    }
    if only.contains(&Part::GrownCluster) {
        grown::measure_shared(program, messages, span, bare).await?;
    }
    if only.contains(&Part::Cluster) || only.contains(&Part::ClusterAccept) {
        cluster::measure(program, nodes, span, bare).await?;
    }
    if only.contains(&Part::ClusterOpen) {
        for nodes in nodes {
            cluster::opening(program, *nodes, span, bare).await?;
        }
    }
    if only.contains(&Part::Cluster) || only.contains(&Part::ClusterRelay) {
        cluster::relaying(program, nodes, span).await?;
    }
    if only.contains(&Part::Cluster) || only.contains(&Part::Takeover) {
        cluster::takeover(program, span).await?;
    }
    Ok(())
}

/// Durable accept, closed and open loop, and the process's weight.
async fn accepting(program: &std::path::Path, span: Duration, bare: f64) -> anyhow::Result<()> {
    let (_desk, platforms) = relay::play(0)?;
    let platforms = &format!("http://{platforms}");
    let running = bridge::Bridge::start(program, platforms, &bridge::Back::Fresh).await?;
    let idle = running.memory();
    println!(
        "| ready after its start, empty store: {} ms; resident at idle: {idle:.1} MB | | | | | | | |",
        running.ready_ms
    );
    for connections in [128, 500] {
        let mut made = messages::Made::new(400_000);
        let before = floors::spent(running.pid());
        let mut told = load::closed(&[running.address], &mut made, connections, span).await?;
        told.spent = floors::spent(running.pid()).checked_sub(before);
        row(
            "durable accept, turns running beside it",
            &connections.to_string(),
            &told,
            bare,
        );
    }
    println!(
        "| resident under that load, 10,000 open conversations: {:.1} MB | | | | | | | |",
        running.memory()
    );
    drop(running);
    for rate in [1000, 5000] {
        let running = bridge::Bridge::start(program, platforms, &bridge::Back::Fresh).await?;
        let mut made = messages::Made::new(rate * span.as_secs() + 1000);
        let told = load::open(&[running.address], &mut made, rate, 64, span).await?;
        row(
            &format!("durable accept, open loop at {rate}/s"),
            "64",
            &told,
            bare,
        );
        let mut same = messages::Made::the_same(rate * span.as_secs() + 1000);
        let told = load::open(&[running.address], &mut same, rate.min(1000), 64, span / 2).await?;
        row(
            "a repeat of a known message, open loop at 1000/s",
            "64",
            &told,
            bare,
        );
    }
    Ok(())
}

fn row(name: &str, connections: &str, told: &load::Told, bare: f64) {
    let ms = |quantile: f64| told.latency.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "| {name} | {connections} | {:.0} | {:.3} | {:.2} | {:.2} | {:.2} | {} | {} |",
        told.rate,
        told.rate / bare,
        ms(0.5),
        ms(0.99),
        ms(0.999),
        told.failed,
        told.spent_each()
    );
}
