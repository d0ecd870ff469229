//! The platforms and their pages without a bridge:
//! `cargo run -p bridge-sandbox --example alone [BRIDGE_URL] [FAULTS] [LISTEN]`. Nodes in containers reach them where LISTEN
//! is an address of the containers' network.

#![expect(clippy::print_stdout, reason = "a program that prints where it is")]

use bridge_sandbox::{Sandbox, Settings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (bridge, faults, listen) = (arguments.next(), arguments.next(), arguments.next());
    let settings = Settings {
        listen: listen.unwrap_or_else(|| "127.0.0.1:9090".into()),
        bridge: bridge.filter(|url| !url.is_empty()),
        faults: faults.unwrap_or_default(),
        ..Settings::default()
    };
    let sandbox = Sandbox::start(settings)?;
    println!("pages       {}", sandbox.url());
    println!("wechat      {}", sandbox.wechat_base());
    println!("tencent-im  {}", sandbox.tim_base());
    println!("dify        {}", sandbox.dify_base());
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(())
}
