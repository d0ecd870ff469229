//! Chores that want logic; called by `./dev`.
fn main() {}
