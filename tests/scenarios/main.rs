//! Scenarios that read as a play: the real program on a folder of its own, against the simulated platforms as real HTTP
//! peers. Nothing here knows the program's insides.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod handover;
mod kill;
mod stage;
mod talk;
mod weather;
