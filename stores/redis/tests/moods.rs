//! A Redis that answers, and will not do what it is asked: full, a replica, of another password. Each test has one of its own.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has found something"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bridge_cache_redis::{Options, RedisCache};
use bridge_core::cache::{Bounds, Cache};
use bridge_testkit::{
    proxy::authority,
    servers::{Own, unique},
};
use redis::aio::MultiplexedConnection;

const LONG: Duration = Duration::from_secs(60);

/// A Redis, somebody who may do everything with it, and a cache on it.
struct Moody {
    url: String,
    admin: MultiplexedConnection,
    cache: Arc<RedisCache>,
    _server: Own,
}

impl Moody {
    async fn start() -> Self {
        let server = Own::start(&["redis"]).await;
        let url = server.url("redis").unwrap();
        let client = redis::Client::open(url.as_str()).unwrap();
        let moody = Self {
            admin: client.get_multiplexed_async_connection().await.unwrap(),
            cache: at(&url),
            url,
            _server: server,
        };
        is_up(&moody.cache, true).await;
        moody
    }

    async fn told(&mut self, words: &str) {
        let mut words = words.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        command.arg(words.collect::<Vec<_>>());
        command.exec_async(&mut self.admin).await.unwrap();
    }

    /// A cache of another user, at another database.
    fn of(&self, user: &str, database: u8) -> Arc<RedisCache> {
        at(&format!(
            "redis://{user}@{}/{database}",
            authority(&self.url)
        ))
    }
}

fn at(url: &str) -> Arc<RedisCache> {
    // As patient as a busy test machine needs; it looks often.
    let options = Options {
        call: Duration::from_secs(20),
        connect: Duration::from_secs(20),
        heartbeat: Duration::from_millis(20),
    };
    RedisCache::connect_with(url, &unique("moods"), options).unwrap()
}

/// Waits until the cache says that it works, or that it does not; what it says.
async fn is_up(cache: &RedisCache, up: bool) -> String {
    let since = Instant::now();
    loop {
        let health = cache.health().await;
        if health.up == up {
            return health.detail;
        }
        assert!(since.elapsed() < LONG, "{health:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until it says why it does not work; the whole of it.
async fn says(cache: &RedisCache, why: &str) -> String {
    let since = Instant::now();
    loop {
        let said = is_up(cache, false).await;
        if said.to_lowercase().contains(why) {
            return said;
        }
        assert!(since.elapsed() < LONG, "{said}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until whoever only reads finds out as well, who did not fail at all.
async fn is_away(cache: &RedisCache) {
    let since = Instant::now();
    while cache.get("anything").await.is_ok() {
        assert!(since.elapsed() < LONG, "half of it goes on");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Reading what it had would go on, but what is new would never be there: no lock, no token.
#[tokio::test]
async fn who_has_no_room_is_away_until_there_is_some() {
    let mut moody = Moody::start().await;
    moody.cache.put("token", "old", LONG).await.unwrap();
    moody.told("CONFIG SET maxmemory 1").await;
    is_away(&moody.cache).await;
    says(&moody.cache, "maxmemory").await;
    moody.told("CONFIG SET maxmemory 0").await;
    is_up(&moody.cache, true).await;
    assert!(moody.cache.hold("lock", "me", LONG).await.unwrap());
}

#[tokio::test]
async fn a_replica_is_away_until_it_is_none() {
    let mut moody = Moody::start().await;
    moody.told("REPLICAOF 127.0.0.1 1").await;
    is_away(&moody.cache).await;
    is_up(&moody.cache, false).await;
    moody.told("REPLICAOF NO ONE").await;
    is_up(&moody.cache, true).await;
}

#[tokio::test]
async fn who_cannot_save_and_therefore_takes_nothing_is_away() {
    let mut moody = Moody::start().await;
    moody.told("CONFIG SET min-replicas-to-write 3").await;
    is_away(&moody.cache).await;
    says(&moody.cache, "replicas").await;
    moody.told("CONFIG SET min-replicas-to-write 0").await;
    is_up(&moody.cache, true).await;
}

#[tokio::test]
async fn another_password_shuts_it_out_and_is_said() {
    let mut moody = Moody::start().await;
    moody.told("CONFIG SET requirepass hush-hush").await;
    moody.told("CLIENT KILL TYPE normal SKIPME yes").await;
    says(&moody.cache, "auth").await;
    let theirs = moody.of(":hush-hush", 0);
    is_up(&theirs, true).await;
    moody.told("CONFIG SET requirepass wrong").await;
    moody.told("CLIENT KILL TYPE normal SKIPME yes").await;
    let why = says(&theirs, "password").await;
    assert!(!why.contains("hush"), "{why}");
}

/// What a company's Redis is like: a user of its own, a password that wants escaping, a database by number.
#[tokio::test]
async fn a_user_may_be_let_do_what_is_needed_and_nothing_else() {
    let mut moody = Moody::start().await;
    let may = "+get +set +psetex +del +unlink +incrby +pttl +pexpire +time +rpush +ltrim +lrange +lindex +llen +lpop +rpop +evalsha +script|load +select";
    moody
        .told(&format!("ACL SETUSER kefu on >p@ss/w:rd#%? ~test-* {may}"))
        .await;
    let user = "kefu:p%40ss%2Fw%3Ard%23%25%3F";
    let kefu = moody.of(user, 3);
    let said = is_up(&kefu, true).await;
    assert!(!said.contains("p%40ss"), "{said}");
    kefu.put("fact", "here", LONG).await.unwrap();
    let bounds = Bounds { keep: 3, ttl: LONG };
    kefu.restart("list", "one", bounds).await.unwrap();
    assert!(kefu.hold("lock", "me", LONG).await.unwrap());
    kefu.release("lock", "me").await.unwrap();
    kefu.drop_list("list").await.unwrap();
    // What may not be done is found before anybody needs it.
    moody.told("ACL SETUSER kefu -rpush").await;
    says(&kefu, "can't run this command").await;
    is_away(&kefu).await;
    moody.told("ACL SETUSER kefu +rpush").await;
    is_up(&kefu, true).await;
}
