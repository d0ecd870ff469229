//! The channel against a peer that checks what the real service checks, and misbehaves when told to.

mod checking;
mod config;
mod decoding;
mod history;
mod kit;
mod media;
mod peer;
mod presence;
mod rate;
mod recalling;
mod sandbox;
mod sending;
mod trouble;
