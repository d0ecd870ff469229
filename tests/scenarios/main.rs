//! Scenarios that read as a play: the real program on a folder of its own, against the simulated platforms as real HTTP
//! peers. Nothing here knows the program's insides.

mod bad_input;
mod handover;
mod kill;
mod stage;
mod talk;
mod weather;
