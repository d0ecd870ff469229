//! What an agent or a customer could type. The property-test twin is in `bridge-core/src/bot/grammar/tests.rs`.
//!
//! Panics are looked for, and one promise is held: a command is never speech that would reach the other side.
#![no_main]

use std::marker::PhantomData;
use std::sync::LazyLock;

use bridge_core::bot::grammar::{self, Manual, Reading};
use bridge_core::bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait};
use bridge_core::message::{Author, PeerId};
use bridge_core::plugin::{BuildError, Plugin, Tools};
use bridge_core::texts::{Locale, Texts};

/// Every shape an argument takes: positional, optional, flag, number in a range, one of a few, the rest of the line.
#[derive(clap::Args)]
struct Shapes {
    city: String,
    #[arg(short, long, conflicts_with = "days")]
    name: Option<String>,
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=7))]
    days: u8,
    #[arg(long, value_parser = ["c", "f"])]
    unit: Option<String>,
    #[arg(short, long)]
    verbose: bool,
}

/// 说话
#[derive(clap::Args)]
struct Words {
    words: Vec<String>,
}

struct Silent<A>(PhantomData<fn() -> A>);

impl<A: 'static> Plugin for Silent<A> {
    type Config = ();
    fn build((): (), _: &Tools) -> Result<Self, BuildError> {
        Ok(Self(PhantomData))
    }
}

#[async_trait]
impl<A: clap::Args + Send + 'static> ChatBot for Silent<A> {
    type Args = A;
    async fn answer(&self, _: A, _: &Turn) -> Result<Vec<Effect>, BotError> {
        Ok(Vec::new())
    }
}

static MANUAL: LazyLock<Manual> = LazyLock::new(|| {
    let weather = BotSpec::new::<Silent<Shapes>>("weather").aliases(&["天气"]);
    let send = BotSpec::new::<Silent<Words>>("send").aliases(&["发送"]);
    let survey = BotSpec::new::<Silent<Shapes>>("survey").audience(Audience::Everyone);
    [weather, send, survey].into_iter().collect()
});

static TEXTS: LazyLock<[Texts; 2]> =
    LazyLock::new(|| [Texts::new(Locale::Zh), Texts::new(Locale::En)]);

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let line = String::from_utf8_lossy(data);
    let agent = Author::Agent(PeerId::new("agent_system"));
    for texts in &*TEXTS {
        let _ = grammar::read(&line, &Author::Contact, &MANUAL, texts);
        let read = grammar::read(&line, &agent, &MANUAL, texts);
        if line.starts_with('#') && !line.starts_with("##") {
            assert!(
                !matches!(read, Reading::Speech),
                "an agent's command would be sent to the customer"
            );
        }
    }
    let _ = grammar::read(&format!("#weather {line}"), &agent, &MANUAL, &TEXTS[0]);
});
