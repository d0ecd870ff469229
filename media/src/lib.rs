//! Fetching, keeping and serving pictures, voices and files
