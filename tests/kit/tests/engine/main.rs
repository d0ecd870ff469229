//! The engine on a clock that stands still, between platforms that do as they are told: what no scenario can order, such as
//! a platform that never answers, a clock that jumps, a configuration that changed overnight.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod allowance;
mod bells;
mod buried;
mod changed;
mod desk;
mod going;
mod idle;
mod jumps;
mod recall;
mod repeats;
mod stuck;
mod traced;
mod world;
