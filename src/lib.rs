//! Kefu Bridge as a library, so that a distribution of your own is two lines:
//! `use acme_weather as _; kefu_bridge::main!();`

// Links what comes with the bridge. Here and not in main.rs, so that tests and distributions see it too.
use bridge_plugins as _;

pub mod app;
mod backup;
mod check;
mod cli;
mod code;
mod counters;
mod http;
mod logging;
mod moving;
mod operate;
mod sandbox;
pub mod settings;
mod shared;
mod storage;

pub use cli::run;

/// The `main` of a distribution.
#[macro_export]
macro_rules! main {
    () => {
        fn main() -> std::process::ExitCode {
            $crate::run()
        }
    };
}
