//! The floors: what the same framework does with less. Bare answers; verify, decrypt and read; the same and one
//! group-committed row at full fsync.

use std::{
    net::SocketAddr,
    process::{Child, Command},
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context;
use bridge_convertors::wechat::{Fields, callback, crypto::AesKey, signature};
use bridge_core::{
    channel::{Delivery, Verb},
    clock::Timestamp,
    message::InboxName,
};
use tokio::sync::{mpsc, oneshot};

use crate::messages;

/// Which floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Bare,
    Read,
    Row,
    /// Rows of a group in one `INSERT … SELECT FROM unnest` on PostgreSQL, and the context ring in Redis.
    Unnest,
}

pub const ALL: [(Kind, &str); 3] = [
    (Kind::Bare, "bare actix-web"),
    (Kind::Read, "actix-web + verify + decrypt + read"),
    (
        Kind::Row,
        "actix-web + verify + decrypt + read + one group-committed row (SQLite, FULL)",
    ),
];

/// What the same costs on shared servers at least.
pub const SHARED: (Kind, &str) = (
    Kind::Unnest,
    "actix-web + verify + decrypt + read + a grouped insert (PostgreSQL) + the context ring (Redis)",
);

/// A floor as a process on cores 0 and 1.
pub struct Floor {
    child: Child,
    pub address: SocketAddr,
}

impl Floor {
    pub fn start(kind: Kind) -> anyhow::Result<Self> {
        let port = free_port()?;
        let name = format!("{kind:?}").to_lowercase();
        let program = std::env::current_exe()?;
        let child = pinned(&program)
            .args(["floor", &name, "--port", &port.to_string()])
            .spawn()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let floor = Self { child, address };
        wait_for(address)?;
        Ok(floor)
    }
}

impl Floor {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// Processor time a process has used so far (proc(5), `stat`: fields 14 and 15, in hundredths of a second).
pub fn spent(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The second field, a name in brackets, may hold spaces.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks = ticks.filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

impl Drop for Floor {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program kept to cores 0 and 1.
pub fn pinned(program: &std::path::Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0,1"]).arg(program);
    command
}

pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

/// Until something listens.
pub fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while std::time::Instant::now() < deadline {
        if std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50)).is_ok() {
            return Ok(());
        }
        std::thread::yield_now();
    }
    anyhow::bail!("nothing listens on {address}")
}

/// A row that waits for its commit.
type Row = (String, String, oneshot::Sender<bool>);

pub fn serve(kind: Kind, port: u16) -> anyhow::Result<()> {
    let rows = match kind {
        Kind::Row => Some(writer()?),
        Kind::Bare | Kind::Read | Kind::Unnest => None,
    };
    let key = AesKey::parse(messages::KEY)?;
    actix_web::rt::System::new().block_on(async move {
        let rows = match kind {
            Kind::Unnest => Some(unnest().await?),
            _ => rows,
        };
        HttpServer::new(move || {
            let (key, rows) = (key.clone(), rows.clone());
            App::new().route(
                "/callback/mall",
                web::post().to(move |request: HttpRequest, body: web::Bytes| {
                    let (key, rows) = (key.clone(), rows.clone());
                    async move { answer(kind, &key, rows, &request, body).await }
                }),
            )
        })
        .workers(2)
        .bind(("127.0.0.1", port))?
        .run()
        .await
        .context("the floor ended")
    })
}

async fn answer(
    kind: Kind,
    key: &AesKey,
    rows: Option<mpsc::Sender<Row>>,
    request: &HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let ok = match kind {
        Kind::Bare => true,
        Kind::Read | Kind::Row | Kind::Unnest => match read(key, request, body) {
            None => false,
            Some(_) if kind == Kind::Read => true,
            Some((id, plain)) => {
                let (done, said) = oneshot::channel();
                match rows {
                    Some(rows) if rows.send((id, plain, done)).await.is_ok() => {
                        said.await.unwrap_or(false)
                    }
                    _ => false,
                }
            }
        },
    };
    match ok {
        true => HttpResponse::Ok()
            .content_type("text/plain")
            .body("success"),
        false => HttpResponse::Unauthorized().finish(),
    }
}

/// Verified, decrypted, read.
fn read(key: &AesKey, request: &HttpRequest, body: web::Bytes) -> Option<(String, String)> {
    let query = request.query_string().to_owned();
    let delivery = Delivery {
        verb: Verb::Post,
        query,
        body,
        received_at: Timestamp(0),
    };
    let value = |name: &str| delivery.query_value(name).unwrap_or_default().into_owned();
    let (timestamp, nonce) = (value("timestamp"), value("nonce"));
    let outer = Fields::read(&delivery.body).ok()?;
    let encrypted = outer.some("Encrypt")?;
    let parts = &mut [messages::TOKEN, &timestamp, &nonce, encrypted];
    if !signature::fits(&value("msg_signature"), parts) {
        return None;
    }
    let plain = key.open(encrypted, messages::APP_ID).ok()?;
    let fields = Fields::read(plain.as_bytes()).ok()?;
    let _ = callback::content(&fields, &InboxName::new("mall"));
    let sent_at = callback::create_time(&fields)?;
    Some((callback::external_id(&fields, sent_at).to_string(), plain))
}

/// One thread that writes whatever has queued in one transaction.
fn writer() -> anyhow::Result<mpsc::Sender<Row>> {
    let folder = tempfile::tempdir()?;
    let mut db = rusqlite::Connection::open(folder.path().join("floor.db"))?;
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, key TEXT, body TEXT);")?;
    let (rows, mut queue) = mpsc::channel::<Row>(8192);
    std::thread::spawn(move || {
        let (_folder, mut group) = (folder, Vec::new());
        while queue.blocking_recv_many(&mut group, 1024) > 0 {
            let written = write(&mut db, &group).is_ok();
            for (_, _, done) in group.drain(..) {
                let _ = done.send(written);
            }
        }
    });
    Ok(rows)
}

fn write(db: &mut rusqlite::Connection, group: &[Row]) -> rusqlite::Result<()> {
    let tx = db.transaction()?;
    {
        let mut insert = tx.prepare_cached("INSERT INTO rows (key, body) VALUES (?1, ?2)")?;
        for (key, body, _) in group {
            insert.execute((key, body))?;
        }
    }
    tx.commit()
}

/// Lanes side by side, each with a connection, each writing what has queued in one statement.
async fn unnest() -> anyhow::Result<mpsc::Sender<Row>> {
    let (postgres, redis) = (
        crate::cluster::server("POSTGRES")?,
        crate::cluster::server("REDIS")?,
    );
    let (rows, queue) = mpsc::channel::<Row>(8192);
    let queue = std::sync::Arc::new(tokio::sync::Mutex::new(queue));
    for lane in 0..4 {
        let (client, connection) =
            tokio_postgres::connect(&postgres, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        if lane == 0 {
            let table = "DROP TABLE IF EXISTS floor; CREATE TABLE floor (id bigserial PRIMARY KEY, key text, body text)";
            client.batch_execute(table).await?;
        }
        let insert = "INSERT INTO floor (key, body) SELECT * FROM unnest($1::text[], $2::text[])";
        let insert = client.prepare(insert).await?;
        let mut ring = redis::Client::open(redis.as_str())?
            .get_multiplexed_async_connection()
            .await?;
        let queue = queue.clone();
        tokio::spawn(async move {
            loop {
                let mut group = Vec::new();
                if queue.lock().await.recv_many(&mut group, 1024).await == 0 {
                    return;
                }
                let keys: Vec<&str> = group.iter().map(|row| row.0.as_str()).collect();
                let bodies: Vec<&str> = group.iter().map(|row| row.1.as_str()).collect();
                let mut rings = redis::pipe();
                for (key, body) in keys.iter().zip(&bodies) {
                    let key = format!("floor:{}", key.rsplit(':').next().unwrap_or_default());
                    rings.rpush(&key, body).ignore();
                    rings.ltrim(&key, -20, -1).ignore();
                    rings.expire(&key, 3600).ignore();
                }
                let values: &[&(dyn tokio_postgres::types::ToSql + Sync)] = &[&keys, &bodies];
                let written = client.execute(&insert, values);
                let (written, rung) = tokio::join!(written, rings.query_async::<()>(&mut ring));
                let fine = written.is_ok() && rung.is_ok();
                for (_, _, done) in group {
                    let _ = done.send(fine);
                }
            }
        });
    }
    Ok(rows)
}
