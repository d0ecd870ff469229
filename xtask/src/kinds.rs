//! Rewrites the table of kinds: the test that holds it to the convertors writes it, once it is told to.

use std::process::Command;

/// Runs that test in writing mode.
pub fn rewrite() -> Result<(), String> {
    let status = Command::new(env!("CARGO"))
        .args([
            "test",
            "--quiet",
            "-p",
            "bridge-plugins",
            "--lib",
            "channel::kinds",
        ])
        .env("KEFU_REWRITE", "1")
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err("the table could not be written".to_owned()),
    }
}
