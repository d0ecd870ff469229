//! The cache of a cluster: Redis.
