//! A store that has grown: history multiplied from one real message, by the million; then the same measures as on an empty
//! one, in the same run.

mod postgres;
mod sqlite;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bridge_core::{
    bot::standing,
    clock::SystemClock,
    message::{
        Arrival, Author, BotName, Content, ConversationId, ExternalId, InboxName, PeerId, What,
        WorkerId,
    },
    store::{Backend, Changes, EntryAuthor, Intake, NewEntry, Verdict},
};
use bridge_store_postgres::{Options, Postgres};
use bridge_store_sqlite::Sqlite;
use hdrhistogram::Histogram;

use crate::{
    bridge::{Back, Bridge, Shared},
    cluster, load, messages, relay, row,
};

/// Contacts that history is spread over.
const CONTACTS: u64 = 100_000;
/// Below this number are real rows.
const REAL: u64 = 1000;
/// Where nobody answers.
const NOBODY: &str = "http://127.0.0.1:9";

/// Two stores of one kind, side by side.
enum Kept {
    File(PathBuf),
    Shared(Shared),
}

impl Kept {
    fn back(&self) -> Back<'_> {
        match self {
            Self::File(path) => Back::File(path),
            Self::Shared(shared) => Back::Shared(shared),
        }
    }

    /// The store itself, while no bridge runs on it.
    async fn open(&self) -> anyhow::Result<Arc<dyn Backend>> {
        let clock = Arc::new(SystemClock);
        Ok(match self {
            Self::File(path) => Sqlite::open(path, clock, Default::default())?,
            Self::Shared(shared) => {
                Postgres::connect(&shared.postgres, clock, Options::default()).await?
            }
        })
    }

    /// Puts history in; how many megabytes there are then.
    async fn multiply(&self, messages: u64) -> anyhow::Result<u64> {
        match self {
            Self::File(path) => {
                sqlite::multiply(path, messages)?;
                Ok(std::fs::metadata(path)?.len() >> 20)
            }
            Self::Shared(shared) => postgres::multiply(&shared.postgres, messages).await,
        }
    }
}

/// On database files.
pub async fn measure(
    program: &Path,
    messages: u64,
    span: Duration,
    bare: f64,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = |name: &str| Kept::File(folder.path().join(name));
    both(
        program,
        [file("empty.db"), file("full.db")],
        messages,
        span,
        bare,
    )
    .await
}

/// On PostgreSQL, with Redis and RabbitMQ.
pub async fn measure_shared(
    program: &Path,
    messages: u64,
    span: Duration,
    bare: f64,
) -> anyhow::Result<()> {
    let (empty, full) = (cluster::fresh().await?, cluster::fresh().await?);
    let stores = [Kept::Shared(empty), Kept::Shared(full)];
    both(program, stores, messages, span, bare).await
}

async fn both(
    program: &Path,
    [empty, full]: [Kept; 2],
    messages: u64,
    span: Duration,
    bare: f64,
) -> anyhow::Result<()> {
    for store in [&empty, &full] {
        real(program, store).await?;
    }
    let began = Instant::now();
    let size = full.multiply(messages).await?;
    println!(
        "| {messages} messages of {CONTACTS} contacts were put in: {size} MB, in {:.0} s | | | | | | | |",
        began.elapsed().as_secs_f64()
    );
    let store = full.open().await?;
    last_lines(&*store).await?;
    store.close().await?;
    // The first round opens the conversations, where history has none of them.
    for (store, name) in [
        (&empty, None),
        (&full, None),
        (&empty, Some("empty")),
        (&full, Some("grown")),
    ] {
        let store = store.open().await?;
        steps(&*store, name).await?;
        store.close().await?;
    }
    for store in [&empty, &full] {
        relay::measure(program, &store.back(), 1, &[(1000, 0)], span).await?;
    }
    println!();
    for (store, name) in [
        (&empty, "empty"),
        (&full, "grown"),
        (&empty, "empty"),
        (&full, "grown"),
    ] {
        accepting(program, &store.back(), name, span, bare).await?;
    }
    Ok(())
}

async fn accepting(
    program: &Path,
    back: &Back<'_>,
    name: &str,
    span: Duration,
    bare: f64,
) -> anyhow::Result<()> {
    let running = Bridge::start(program, NOBODY, back).await?;
    println!(
        "| {name}: ready after {} ms, resident {:.1} MB | | | | | | | |",
        running.ready_ms,
        running.memory()
    );
    let mut made = messages::Made::new(200_000);
    let told = load::closed(&[running.address], &mut made, 128, span).await?;
    row(&format!("{name}: durable accept"), "128", &told, bare);
    // Dropping it is kill -9, with all that waits.
    drop(running);
    let (desk, platforms) = relay::play(0)?;
    let again = Bridge::start(program, &format!("http://{platforms}"), back).await?;
    println!(
        "| {name}: ready {} ms after kill -9 under that load | | | | | | | |",
        again.ready_ms
    );
    let began = Instant::now();
    relay::drained(again.address, &desk).await?;
    println!(
        "| {name}: what waited had its turns {:.1} s later | | | | | | | |",
        began.elapsed().as_secs_f64()
    );
    let mut made = messages::Made::new(1000 * span.as_secs() + 1000);
    let told = load::open(&[again.address], &mut made, 1000, 64, span).await?;
    row(
        &format!("{name}: durable accept, open loop at 1000/s"),
        "64",
        &told,
        bare,
    );
    Ok(())
}

/// Some real messages, through the real program.
async fn real(program: &Path, store: &Kept) -> anyhow::Result<()> {
    let (desk, platforms) = relay::play(0)?;
    let running = Bridge::start(program, &format!("http://{platforms}"), &store.back()).await?;
    let mut made = messages::Made::new(100);
    load::closed(&[running.address], &mut made, 1, Duration::from_secs(5)).await?;
    relay::drained(running.address, &desk).await
}

/// The last 20 lines of conversations all over the store.
async fn last_lines(store: &dyn Backend) -> anyhow::Result<()> {
    let mut latency = Histogram::<u64>::new(3)?;
    let mut lines = 0;
    for number in 0..20_000_u64 {
        let id = ConversationId((REAL + (number * 7919) % CONTACTS) as i64);
        let began = Instant::now();
        lines += store.recent(id, 20, false).await?.len();
        latency.record(began.elapsed().as_micros() as u64)?;
    }
    let ms = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "| the last 20 of a conversation ({:.1} there are) | 1 | | | {:.3} | {:.3} | {:.3} | 0 |",
        lines as f64 / 20_000.0,
        ms(0.5),
        ms(0.99),
        ms(0.999)
    );
    Ok(())
}

/// Accept, claim and commit by themselves, one after the other, for contacts that history knows.
async fn steps(store: &dyn Backend, name: Option<&str>) -> anyhow::Result<()> {
    let mut latency = [(); 3].map(|()| Histogram::<u64>::new(3));
    let worker = WorkerId::new("bench");
    let run = std::time::UNIX_EPOCH.elapsed()?.as_micros();
    let lease = Duration::from_secs(60);
    // Whatever waited before.
    while let Some(claim) = store.claim(&worker, lease).await? {
        let changes = said(&claim);
        store.commit(claim, changes).await?;
    }
    for number in 0..3000_u64 {
        let began = Instant::now();
        store.accept(one(run, number)).await?;
        let accepted = Instant::now();
        let claim = store.claim(&worker, lease).await?;
        let claimed = Instant::now();
        let claim = claim.ok_or_else(|| anyhow::anyhow!("nothing to claim"))?;
        let changes = said(&claim);
        store.commit(claim, changes).await?;
        let spans = [accepted - began, claimed - accepted, claimed.elapsed()];
        for (latency, span) in latency.iter_mut().zip(spans) {
            if let Ok(latency) = latency {
                latency.record(span.as_micros() as u64)?;
            }
        }
    }
    let Some(name) = name else { return Ok(()) };
    for (latency, step) in latency.into_iter().zip(["accept", "claim", "commit"]) {
        let latency = latency?;
        let ms = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1000.0;
        println!(
            "| {name}: {step} alone | 1 | | | {:.3} | {:.3} | {:.3} | 0 |",
            ms(0.5),
            ms(0.99),
            ms(0.999)
        );
    }
    Ok(())
}

fn one(run: u128, number: u64) -> Intake {
    let now = bridge_core::clock::Timestamp::from_secs((run / 1_000_000) as i64);
    let known = REAL + (number * 7919) % CONTACTS;
    let arrival = Arrival {
        inbox: InboxName::new("mall"),
        external_id: ExternalId::new(format!("{run}:{number}")),
        peer: PeerId::new(peer(known)),
        author: Author::Contact,
        what: What::Content(Content::text("订单 42 什么时候到？")),
        sent_at: now,
        received_at: now,
        decoded_at: None,
        trigger: None,
        profile: None,
    };
    Intake {
        arrivals: vec![arrival],
        cursor: None,
        entry: BotName::new(standing::TRANSFER),
    }
}

/// A turn that writes one line.
fn said(claim: &bridge_core::store::Claim) -> Changes {
    let mut changes = Changes::none(claim.conversation.clone());
    for accepted in &claim.arrivals {
        changes.entries.push(NewEntry {
            trace: accepted.id,
            author: EntryAuthor::Contact,
            content: Content::text("订单 42 什么时候到？"),
            at: accepted.arrival.received_at,
        });
        let verdict = Verdict::Turned {
            by: None,
            note: None,
        };
        changes.done.push((accepted.id, verdict));
    }
    changes
}

/// What history calls a contact.
fn peer(number: u64) -> String {
    format!("oGrown{:08}", (number * 7919) % 99_999_989)
}
