//! The table of kinds: what each channel reads, and what becomes of each kind of content there, as its own convertor does it.
//! `docs/channels/kinds.md` and its Chinese twin are written from here; a stale one fails the test. `cargo xtask kinds`
//! rewrites them.
//!
//! A new channel is one more [`Column`].

mod columns;
mod page;
mod sample;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use bridge_core::{
    convert::{ConvertError, Loss},
    message::{ContentKind, InboxName},
};

use self::{columns::columns, page::TONGUES, sample::sample};

const KINDS: [ContentKind; 16] = [
    ContentKind::Text,
    ContentKind::Image,
    ContentKind::Voice,
    ContentKind::Video,
    ContentKind::File,
    ContentKind::Location,
    ContentKind::Link,
    ContentKind::MiniProgram,
    ContentKind::Music,
    ContentKind::Hosted,
    ContentKind::Menu,
    ContentKind::Choice,
    ContentKind::Nudge,
    ContentKind::Event,
    ContentKind::Recalled,
    ContentKind::Unsupported,
];

const APP_ID: &str = "wx5f2c9d7a1b3e8046";

fn inbox() -> InboxName {
    InboxName::new("here")
}

/// What became of a content: the platform's types and what was lost, or that it cannot be said.
type Outcome = Result<(String, Vec<Loss>), ConvertError>;

/// One channel of the table.
struct Column {
    /// What `channel = "…"` says.
    name: &'static str,
    /// What the platform sends, by what it reads as.
    reads: BTreeMap<ContentKind, BTreeSet<String>>,
    /// What becomes of each kind.
    writes: BTreeMap<ContentKind, Outcome>,
}

/// Every kind there is stands in the table: one that is forgotten here fails to build above.
#[test]
fn each_sample_is_of_its_kind() {
    for kind in KINDS {
        assert_eq!(sample(kind, true).kind(), kind);
    }
}

#[test]
fn the_pages_say_what_the_convertors_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/channels");
    let columns = columns();
    let mut stale = Vec::new();
    for tongue in TONGUES {
        let (file, page) = (folder.join(tongue.file), tongue.page(&columns));
        if std::env::var_os("KEFU_REWRITE").is_some() {
            std::fs::write(&file, &page).unwrap();
        } else if std::fs::read_to_string(&file).ok().as_deref() != Some(page.as_str()) {
            stale.push(tongue.file);
        }
    }
    assert!(
        stale.is_empty(),
        "stale: {stale:?}; `cargo xtask kinds` rewrites them"
    );
}

/// A channel may lose something, but what a person says is never refused; and nothing that is no speech is ever said.
#[test]
fn whatever_a_person_says_can_be_said_everywhere() {
    use ContentKind::{Event, Nudge, Recalled, Unsupported};
    for column in columns() {
        for (kind, outcome) in &column.writes {
            match kind {
                Event | Nudge | Recalled | Unsupported => {}
                kind => assert!(outcome.is_ok(), "{} {kind:?}: {outcome:?}", column.name),
            }
        }
    }
}
