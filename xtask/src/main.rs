//! Chores that want logic; called by `./dev` as `cargo xtask NAME`. Only the standard library, so
//! that it builds in a blink on a bare machine.

mod cuts;
mod kinds;

use std::process::ExitCode;

const USAGE: &str =
    "usage: cargo xtask cuts     the layers of the workspace do not reach through each other
       cargo xtask kinds    rewrites docs/channels/kinds.md from the convertors";

#[expect(
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
)]
fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        Some("cuts") => cuts::check(),
        Some("kinds") => kinds::rewrite(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}
