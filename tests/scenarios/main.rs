//! Scenarios that read as a play: the real program on a folder of its own, against the simulated platforms as real HTTP
//! peers. Nothing here knows the program's insides.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and the runner shows what it printed"
)]

mod alone;
mod backup;
mod bad_input;
mod channels;
mod configuration;
mod context;
mod handover;
mod hard_weather;
mod identity;
mod kf;
mod kill;
mod metrics;
mod miniapp;
mod moving;
mod older_routes;
mod rates;
mod rolling;
mod stage;
mod talk;
mod traces;
mod visitor;
mod weather;
mod web;
mod wecom;
