//! The load harness and its floors
