//! Wire types, signatures, crypto and Convertor implementations: pure, no I/O

pub mod dify;
pub mod markdown;
pub mod tencent_im;
