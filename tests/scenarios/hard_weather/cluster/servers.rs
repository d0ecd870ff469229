//! What befalls the servers themselves.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio_postgres::NoTls;

use super::{Cluster, NAMES};

/// What makes a database whose disk is full: every insert fails as it does there, and whatever needs none goes on.
const DISK: &str = "
    CREATE TABLE weather_disk (is_full boolean NOT NULL);
    INSERT INTO weather_disk VALUES (false);
    CREATE FUNCTION weather_writes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT is_full FROM weather_disk) THEN
            RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER weather BEFORE INSERT ON arrivals FOR EACH STATEMENT EXECUTE FUNCTION weather_writes();
    CREATE TRIGGER weather BEFORE INSERT ON entries FOR EACH STATEMENT EXECUTE FUNCTION weather_writes();
    CREATE TRIGGER weather BEFORE INSERT ON dispatches FOR EACH STATEMENT EXECUTE FUNCTION weather_writes();
    CREATE TRIGGER weather BEFORE INSERT ON sent FOR EACH STATEMENT EXECUTE FUNCTION weather_writes();
";

impl Cluster {
    /// How many servers belong to this play alone: the first ones.
    pub fn own_servers(&self) -> usize {
        let own = |name: &&&str| self.own.url(name).is_some();
        NAMES.iter().take_while(own).count()
    }

    /// Takes a server that runs for one fault, which gives it back.
    pub fn take_server(&self, server: usize) -> bool {
        self.own.url(NAMES[server]).is_some()
            && self.running[server].send_if_modified(std::mem::take)
    }

    /// `kill -9` of a server that was taken, and its start on what it left, after so long.
    pub async fn crash(&self, server: usize, away: Duration) {
        self.own.crash(NAMES[server]).await;
        tokio::time::sleep(away).await;
        self.own.start_again(NAMES[server]).await;
        self.running[server].send_replace(true);
    }

    /// A server that was taken hangs for so long.
    pub async fn freeze(&self, server: usize, long: Duration) {
        self.own.freeze(NAMES[server]).await;
        tokio::time::sleep(long).await;
        self.own.thaw(NAMES[server]).await;
        self.running[server].send_replace(true);
    }

    /// A server takes nothing new for so long.
    pub async fn fill(&self, server: usize, long: Duration) {
        self.is_full(server, true).await;
        tokio::time::sleep(long).await;
        self.is_full(server, false).await;
    }

    /// It may be away just now; it is asked until it hears.
    async fn is_full(&self, server: usize, full: bool) {
        while self.try_fill(server, full).await.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn try_fill(&self, server: usize, full: bool) -> Option<()> {
        if server == 0 {
            let write = format!("UPDATE weather_disk SET is_full = {full}");
            return self.asks_database(&write).await;
        }
        let url = self.own.url(NAMES[server])?;
        let redis = bridge_testkit::proxy::authority(&url);
        let mut redis = tokio::net::TcpStream::connect(redis).await.ok()?;
        let limit = u8::from(full);
        redis
            .write_all(format!("CONFIG SET maxmemory {limit}\r\n").as_bytes())
            .await
            .ok()?;
        let mut answer = [0; 3];
        tokio::io::AsyncReadExt::read_exact(&mut redis, &mut answer)
            .await
            .ok()?;
        (&answer == b"+OK").then_some(())
    }

    /// Makes the database one whose disk may be full.
    pub(super) async fn may_fill(&self) {
        self.asks_database(DISK).await.expect("the schema is there");
    }

    /// The conversations that are not over, whoever's they are.
    pub(super) async fn open_conversations(&self) -> Vec<i64> {
        let (db, connection) = tokio_postgres::connect(&self.storage, NoTls).await.unwrap();
        tokio::spawn(connection);
        let open = "SELECT id FROM conversations WHERE phase < 3 ORDER BY id";
        let rows = db.query(open, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn asks_database(&self, what: &str) -> Option<()> {
        let (db, connection) = tokio_postgres::connect(&self.storage, NoTls).await.ok()?;
        let connection = tokio::spawn(connection);
        let asked = db.batch_execute(what).await;
        connection.abort();
        asked.ok()
    }
}
