//! Kefu Bridge.
