//! The bots, guards and channels that come with Kefu Bridge
