//! Starting and stopping: one HTTP server with every platform on it, and a runtime of its own, so that it stands beside a
//! test's runtime or a program's and depends on neither.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::dev::{Extensions, ServerHandle};
use actix_web::{App, HttpServer, web};
use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};

use crate::dify::Dify;
use crate::events::Event;
use crate::faults::{self, FaultLine, SpecError};
use crate::gate::{self, Gate, Plug};
use crate::kf::Kf;
use crate::media::Media;
use crate::panel::{self, Stage};
use crate::settings::Settings;
use crate::tim::Tim;
use crate::wechat::Wechat;
use crate::wecom::Wecom;
use crate::wire::Exchange;
use crate::world::World;

/// Why a sandbox could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The fault specification is wrong.
    #[error(transparent)]
    Faults(#[from] SpecError),
    /// An account cannot work as it is set up.
    #[error("wrong settings: {0}")]
    Settings(String),
    /// The runtime or the HTTP client could not be made.
    #[error("cannot start: {0}")]
    Runtime(String),
}

/// WeChat, WeCom, Tencent IM and Dify, simulated on one address. Dropping it ends it.
pub struct Sandbox {
    world: Arc<World>,
    wechat: Wechat,
    tim: Tim,
    dify: Dify,
    kf: Kf,
    wecom: Wecom,
    address: SocketAddr,
    server: ServerHandle,
    runtime: Option<Runtime>,
}

impl Sandbox {
    /// Starts everything; when this returns, the address answers.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let ordered = faults::parse(&settings.faults)?;
        // What may be refused comes before the threads: who waits in a runtime must not end another.
        let listener = listen(&settings.listen)?;
        let address = listener
            .local_addr()
            .map_err(|cause| refused(&settings.listen, cause))?;
        let client = http_client()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sandbox")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| StartError::Runtime(error.to_string()))?;
        let url = settings
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{address}"));
        let url = url.trim_end_matches('/').to_owned();
        let world = World::new(&settings, url, client, runtime.handle().clone());
        let world = Arc::new(world);
        world.faults().add(ordered);
        let wechat =
            Wechat::new(world.clone(), settings.wechat.clone()).map_err(StartError::Settings)?;
        let tim = Tim::new(world.clone(), settings.tim.clone());
        let dify = Dify::new(world.clone(), settings.dify.clone());
        let kf = Kf::new(world.clone(), settings.kf.clone());
        let wecom =
            Wecom::new(world.clone(), settings.wecom.clone()).map_err(StartError::Settings)?;
        let stage = Stage {
            world: world.clone(),
            wechat: wechat.clone(),
            tim: tim.clone(),
            dify: dify.clone(),
            kf: kf.clone(),
            wecom: wecom.clone(),
        };
        let _inside = runtime.enter();
        let server = serve(listener, settings.workers, stage)
            .map_err(|cause| refused(&settings.listen, cause))?;
        let handle = server.handle();
        runtime.spawn(server);
        Ok(Self {
            world,
            wechat,
            tim,
            dify,
            kf,
            wecom,
            address,
            server: handle,
            runtime: Some(runtime),
        })
    }

    /// Where the pages are, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.world.url
    }

    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `api_base` for a WeChat inbox.
    pub fn wechat_base(&self) -> String {
        format!("{}/wechat", self.url())
    }

    /// `api_base` for a Tencent IM inbox.
    pub fn tim_base(&self) -> String {
        format!("{}/tim", self.url())
    }

    /// `api_base` for the AI bot.
    pub fn dify_base(&self) -> String {
        format!("{}/dify/v1", self.url())
    }

    /// `api_base` for a WeChat KF inbox.
    pub fn kf_base(&self) -> String {
        format!("{}/kf", self.url())
    }

    /// `api_base` for a WeCom inbox.
    pub fn wecom_base(&self) -> String {
        format!("{}/wecom", self.url())
    }

    /// Says where the bridge is, as `http://host:port`: callbacks go to `{url}/callback/{inbox}` from now on.
    pub fn set_bridge(&self, url: &str) {
        self.world.set_bridge(url);
    }

    /// The official account platform.
    pub fn wechat(&self) -> &Wechat {
        &self.wechat
    }

    /// Tencent IM.
    pub fn tim(&self) -> &Tim {
        &self.tim
    }

    /// Dify.
    pub fn dify(&self) -> &Dify {
        &self.dify
    }

    /// WeChat KF.
    pub fn kf(&self) -> &Kf {
        &self.kf
    }

    /// WeCom.
    pub fn wecom(&self) -> &Wecom {
        &self.wecom
    }

    /// Orders faults, as [`crate::faults`] describes; returns their numbers.
    pub fn order(&self, spec: &str) -> Result<Vec<u64>, SpecError> {
        let ids = self.world.faults().add(faults::parse(spec)?);
        self.world.faults_changed();
        Ok(ids)
    }

    /// Takes all faults back.
    pub fn fair_weather(&self) {
        self.world.faults().replace(Vec::new());
        self.world.faults_changed();
    }

    /// The faults that still stand.
    pub fn faults(&self) -> Vec<FaultLine> {
        self.world.faults().lines()
    }

    /// Keeps a file that customers and agents can send.
    pub fn keep(&self, name: &str, bytes: impl Into<Bytes>) -> Media {
        self.world
            .media
            .keep(&self.world.chance, name, None, bytes.into())
    }

    /// Everything that happens from now on, as the pages see it.
    pub fn watch(&self) -> tokio::sync::broadcast::Receiver<Arc<Event>> {
        self.world.hub.listen(None).1
    }

    /// Looks again after every change, whichever platform's, until there is something to see or the patience is over.
    pub async fn until<T>(
        &self,
        patience: Duration,
        mut look: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            // Made before the look: what happens meanwhile is not missed.
            let change = self.world.hub.change();
            if let Some(seen) = look() {
                return Some(seen);
            }
            tokio::time::timeout_at(deadline, change).await.ok()?;
        }
    }

    /// What the wire log holds, oldest first.
    pub fn wire(&self) -> Vec<Arc<Exchange>> {
        let everything = crate::wire::Page {
            limit: usize::MAX - 1,
            ..Default::default()
        };
        self.world.log.page(&everything).0
    }

    /// Ends it: the address no longer answers when this returns.
    pub async fn stop(self) {
        self.server.stop(false).await;
    }
}

impl Drop for Sandbox {
    /// Ends the server from a thread of its own: a runtime may not be waited for inside another.
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        let stop = self.server.stop(false);
        let end = move || {
            runtime.block_on(stop);
            runtime.shutdown_background();
        };
        // Without a thread to spare the process is ending anyway.
        let _ = std::thread::Builder::new()
            .name("sandbox-end".into())
            .spawn(end);
    }
}

fn refused(address: &str, cause: std::io::Error) -> StartError {
    StartError::Listen {
        address: address.to_owned(),
        cause,
    }
}

fn listen(address: &str) -> Result<std::net::TcpListener, StartError> {
    std::net::TcpListener::bind(address).map_err(|cause| refused(address, cause))
}

fn http_client() -> Result<reqwest::Client, StartError> {
    install_crypto();
    // The bridge is called directly, whatever the environment's proxies, and redirects are faults.
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("kefu-bridge-sandbox")
        .build();
    client.map_err(|error| StartError::Runtime(error.to_string()))
}

/// Gives rustls its cryptography, once per process; another part of the program may have done so already.
fn install_crypto() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

fn serve(
    listener: std::net::TcpListener,
    workers: usize,
    stage: Stage,
) -> std::io::Result<actix_web::dev::Server> {
    let gate = |peer: Arc<dyn crate::call::Peer>, base| {
        web::Data::new(Gate {
            world: stage.world.clone(),
            peer,
            base,
        })
    };
    let gates = [
        gate(Arc::new(stage.wechat.clone()), "/wechat"),
        gate(Arc::new(stage.tim.clone()), "/tim"),
        gate(Arc::new(stage.dify.clone()), "/dify"),
        gate(Arc::new(stage.kf.clone()), "/kf"),
        gate(Arc::new(stage.wecom.clone()), "/wecom"),
    ];
    let stage = web::Data::new(stage);
    let app = move || {
        let platforms = gates.clone().map(|gate| {
            web::scope(gate.base)
                .app_data(gate)
                .default_service(web::to(gate::pass))
        });
        let app = App::new().app_data(stage.clone());
        let app = platforms
            .into_iter()
            .fold(app, |app, platform| app.service(platform));
        app.configure(panel::configure)
    };
    let server = HttpServer::new(app)
        .workers(workers.max(1))
        .disable_signals()
        .shutdown_timeout(1)
        .on_connect(plug)
        .listen(listener)?;
    Ok(server.run())
}

fn plug(connection: &dyn Any, extensions: &mut Extensions) {
    let socket = connection.downcast_ref::<actix_web::rt::net::TcpStream>();
    if let Some(plug) = socket.and_then(Plug::of) {
        extensions.insert(plug);
    }
}
