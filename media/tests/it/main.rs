//! The library against a real HTTP peer that misbehaves in every way it can.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the finding")]

mod arriving;
mod links;
mod peer;
mod refusals;
mod renditions;
mod world;
