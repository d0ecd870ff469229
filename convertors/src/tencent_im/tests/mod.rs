//! The readers and writers against the samples of the protocol notes, and against what nobody would send.

mod body;
mod callback;
mod convert;
mod hostile;
mod rest;
mod signatures;

/// One file of `tests/fixtures/tencent_im/`.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/tencent_im/", $name))
    };
}
use fixture;
