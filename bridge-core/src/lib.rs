//! The domain of Kefu Bridge and every trait
