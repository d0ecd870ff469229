//! Pictures, voices, videos and files: fetched only from where it is allowed, kept once by what they are, served under
//! links that nobody can guess and that expire.
//!
//! [`Library`] is what the program builds and plugins see as [`bridge_core::media::MediaLibrary`]. Behind it each file
//! decides one thing: `fetch` what may be asked of the network, `vault` how bytes lie on disk, `kind` and `name` what
//! a stranger's bytes and names really are, `picture` and `voice` how they take another form, `link` and `serve` who
//! gets to see them.

mod copy;
mod failure;
mod fetch;
mod flights;
#[doc(hidden)]
pub mod fuzz;
mod hash;
mod key;
mod kind;
mod ledger;
mod library;
mod link;
mod name;
mod picture;
mod render;
mod serve;
mod settings;
mod vault;
mod voice;

pub use copy::copy;
pub use fetch::{Lookup, system_lookup};
pub use key::link_key;
pub use kind::sniff_whole as sniff;
pub use ledger::{Ledger, StoreLedger};
pub use library::{Library, OpenError, Surroundings};
pub use link::LinkError;
pub use serve::{ServeError, Served};
pub use settings::Settings;
