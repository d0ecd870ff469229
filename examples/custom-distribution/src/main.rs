//! The bridge with Acme's bot and Acme's channel. What is only listed in `Cargo.toml` registers nothing; `use … as _;`
//! links it.

use acme_weather as _;
use acme_webhook as _;

kefu_bridge::main!();
