//! Which crates may not reach which others, however many steps lie between.
//!
//! The cuts are what keeps the domain free of any vendor, the convertors pure, and the sandbox an
//! independent witness. Cargo itself is asked (`cargo tree`), for each crate alone, so that what other
//! members of the workspace switch on does not blur the picture.

use std::collections::BTreeSet;
use std::process::Command;

/// A crate, and what must not be found anywhere below it.
struct Cut {
    from: &'static str,
    never: &'static [&'static str],
    why: &'static str,
}

/// What only the program itself is made of.
const OUR_OWN: &[&str] = &[
    "bridge-convertors",
    "bridge-media",
    "bridge-plugins",
    "bridge-sandbox",
    "bridge-store-sqlite",
    "kefu-bridge",
];

const CUTS: &[Cut] = &[
    Cut {
        from: "bridge-core",
        never: &[
            "actix-web",
            "reqwest",
            "rusqlite",
            "tokio-postgres",
            "redis",
            "lapin",
        ],
        why: "the domain knows no HTTP, no database driver and no broker",
    },
    Cut {
        from: "bridge-convertors",
        never: &["tokio", "actix-web", "reqwest", "rusqlite"],
        why: "convertors are pure: they translate and do no I/O",
    },
    Cut {
        from: "bridge-sandbox",
        never: &["bridge-convertors", "bridge-plugins"],
        why: "the sandbox writes its own wire code, so that two mistakes cannot cancel out",
    },
    Cut {
        from: "acme-weather",
        never: OUR_OWN,
        why: "a stranger's bot depends on what a stranger can depend on: bridge-core",
    },
    Cut {
        from: "acme-faq",
        never: OUR_OWN,
        why: "a stranger's guard depends on what a stranger can depend on: bridge-core",
    },
    Cut {
        from: "acme-webhook",
        never: OUR_OWN,
        why: "a stranger's channel depends on what a stranger can depend on: bridge-core",
    },
];

/// Fails with one line per way found through a cut.
pub fn check() -> Result<(), String> {
    let mut complaints = Vec::new();
    for cut in CUTS {
        let reached = reached_from(cut.from)?;
        complaints.extend(complaints_about(cut, &reached));
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n"))
    }
}

fn complaints_about(cut: &Cut, reached: &BTreeSet<String>) -> Vec<String> {
    let found = cut.never.iter().filter(|name| reached.contains(**name));
    found
        .map(|name| {
            let Cut { from, why, .. } = cut;
            format!(
                "{from} reaches {name}, but {why}; see: cargo tree -p {from} -e normal -i {name}"
            )
        })
        .collect()
}

/// The names of all crates that a normal build of `package` alone would link, whichever of
/// its features are on.
fn reached_from(package: &str) -> Result<BTreeSet<String>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut tree = Command::new(cargo);
    tree.args([
        "tree",
        "--quiet",
        "--offline",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    tree.args(["--all-features", "--package", package]);
    let output = tree
        .output()
        .map_err(|error| format!("cargo tree does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo tree -p {package}: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let names = names_in(&String::from_utf8_lossy(&output.stdout));
    if names.contains(package) {
        Ok(names)
    } else {
        Err(format!("cargo tree does not know {package}"))
    }
}

/// `serde v1.0.1 (*)` per line: the first word is the name.
fn names_in(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cuts_hold() {
        assert_eq!(check(), Ok(()));
    }

    #[test]
    fn a_crate_below_the_cut_is_named_with_the_reason() {
        let cut = Cut {
            from: "a",
            never: &["http-client"],
            why: "a is pure",
        };
        let reached = names_in("a v0.1.0 (/src/a)\nb v1.0.0\nhttp-client v2.0.0 (*)\n");
        let complaints = complaints_about(&cut, &reached);
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].starts_with("a reaches http-client, but a is pure"));
    }

    /// The look-up sees far: a store that is known to link SQLite is seen to link it.
    #[test]
    fn what_is_reached_is_seen() {
        let below = reached_from("bridge-store-sqlite").unwrap();
        assert!(below.contains("rusqlite") && below.contains("libsqlite3-sys"));
    }

    #[test]
    fn an_unknown_crate_is_a_complaint_and_not_an_empty_tree() {
        assert!(reached_from("no-such-crate").is_err());
    }
}
