//! The bridge with Acme's bot, guard and channel. What is only listed in `Cargo.toml` registers nothing; `use … as _;`
//! links it.

use acme_faq as _;
use acme_weather as _;
use acme_webhook as _;

kefu_bridge::main!();
