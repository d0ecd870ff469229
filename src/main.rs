//! The program: the library, and nothing more.
kefu_bridge::main!();
