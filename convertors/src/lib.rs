//! Wire types, signatures, crypto and Convertor implementations: pure, no I/O
