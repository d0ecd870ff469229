//! The private servers of a test run. A test that needs one fails where it is missing: a suite that skips itself proves
//! nothing.

/// The URL of the PostgreSQL, Redis or RabbitMQ that `name` gives.
fn url(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `./dev test`, or `./dev servers up` and then `. FOLDER/env`")
    })
}

/// PostgreSQL.
pub fn postgres() -> String {
    url("KEFU_TEST_POSTGRES")
}

/// Redis.
pub fn redis() -> String {
    url("KEFU_TEST_REDIS")
}

/// RabbitMQ.
pub fn rabbitmq() -> String {
    url("KEFU_TEST_RABBITMQ")
}

/// A name nobody else uses, for prefixes, exchanges and databases of one test.
pub fn unique(name: &str) -> String {
    format!("test-{name}-{:08x}", rand::random::<u32>())
}
