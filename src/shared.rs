//! What nodes share beside the store: the cache and the broker, by their URLs. Both may be away, at the start and later;
//! the bridge then works on the store alone, and says so.

use std::{sync::Arc, time::Duration};

use bridge_broker_rabbitmq::Rabbit;
use bridge_cache_redis::RedisCache;
use bridge_core::{
    broker::{Broker, Embedded},
    cache::{Cache, MemoryCache},
    channel::{Bilingual, Finding},
    clock::Clock,
    engine::EngineParts,
    health::Health,
};
use metrics::{describe_gauge, gauge};
use tokio::time::{Instant, sleep};

use crate::{
    cli::Failure,
    settings::{Fault, Faults, Settings},
};

/// How long a broker that is there may take to be connected to.
const CONNECT: Duration = Duration::from_secs(10);

/// The cache of the configuration.
pub(crate) fn cache(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Cache>, Failure> {
    describe_gauge!("kefu_cache_up", "1 while the cache can be written to");
    let url = settings.cache.url.expose();
    if url.starts_with("memory://") {
        gauge!("kefu_cache_up").set(1.0);
        return Ok(Arc::new(MemoryCache::new(clock.clone())));
    }
    match RedisCache::connect(url, &settings.cache.prefix) {
        Ok(cache) => Ok(cache),
        Err(error) => Err(fault(
            settings,
            Fault::new(
                "cache.url",
                "不是有效的 Redis 地址",
                error.0,
                "redis://:password@127.0.0.1:6379/0",
            ),
        )),
    }
}

/// The broker of the configuration.
pub(crate) fn broker(settings: &Settings) -> Result<Arc<dyn Broker>, Failure> {
    describe_gauge!("kefu_broker_up", "1 while other nodes can be told");
    let url = settings.queue.url.expose();
    if url.starts_with("embedded://") {
        gauge!("kefu_broker_up").set(1.0);
        return Ok(Arc::new(Embedded));
    }
    match Rabbit::connect(url, &settings.queue.exchange) {
        Ok(broker) => Ok(broker),
        Err(error) => Err(fault(
            settings,
            Fault::new(
                "queue.url",
                "不是有效的 AMQP 地址",
                error.to_string(),
                "amqp://guest:guest@127.0.0.1:5672/%2f",
            ),
        )),
    }
}

fn fault(settings: &Settings, fault: Fault) -> Failure {
    let (all, locale) = (vec![fault], settings.server.locale);
    Faults { all, locale }.into()
}

/// What `kefu-bridge check` finds of the cache and the queue.
pub(crate) async fn findings(parts: &EngineParts) -> [Finding; 2] {
    let cache = parts.cache.health().await;
    // The broker connects by itself: give it the time that takes.
    let latest = Instant::now() + CONNECT;
    let mut queue = parts.broker.health();
    while !queue.up && Instant::now() < latest {
        sleep(Duration::from_millis(50)).await;
        queue = parts.broker.health();
    }
    [
        found(
            "cache.url",
            &cache,
            ("缓存可用", "the cache works"),
            ("缓存不可用", "the cache is out of reach"),
            Bilingual::new(
                "检查地址、密码和网络；没有缓存时系统仍可运行，但各节点不共享令牌和限速",
                "see to its address, password and network; the bridge runs without it, but nodes share no tokens and rates",
            ),
        ),
        found(
            "queue.url",
            &queue,
            ("消息队列可用", "the queue works"),
            ("消息队列不可用", "the queue is out of reach"),
            Bilingual::new(
                "检查地址、密码和虚拟主机；没有消息队列时系统仍可运行，但节点间延迟升高",
                "see to its address, password and virtual host; the bridge runs without it, but nodes learn later what is to be done",
            ),
        ),
    ]
}

fn found(
    key: &'static str,
    health: &Health,
    fine: (&str, &str),
    failed: (&str, &str),
    mend: Bilingual,
) -> Finding {
    let (zh, en) = if health.up { fine } else { failed };
    let detail = &health.detail;
    Finding {
        ok: health.up,
        key,
        what: Bilingual::new(format!("{zh}：{detail}"), format!("{en}: {detail}")),
        mend: if health.up {
            Bilingual::default()
        } else {
            mend
        },
    }
}
