//! Logs as text or JSON, to stderr. `RUST_LOG` chooses what; by default what an operator wants to see.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

use crate::settings::LogFormat;

/// Starts logging. Once per process; a second call changes nothing.
pub(crate) fn start(format: LogFormat) {
    // The HTTP server tells of each of its threads; that is nobody's business but its own.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"));
    let builder = fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_writer(std::io::stderr);
    let result = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // Tests start several programs in one process.
    drop(result);
}
