//! The gate before every platform: HTTP in and out, ordered faults, the wire log.

mod recorder;

use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, BytesMut};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;

use crate::call::{Answer, Body, Call, Peer};
use crate::faults::{CallPlan, Fate, Twist};
use crate::media;
use crate::world::World;
use recorder::Recorder;

/// The largest body any platform takes: a file and the form around it.
const LARGEST_BODY: usize = media::LARGEST + 64 * 1024;
/// How long a hanging call hangs before its connection is cut.
const HANG: Duration = Duration::from_secs(600);

/// A second handle on a connection's socket, to cut it.
pub(crate) struct Plug(TcpStream);

impl Plug {
    /// Taken when the connection is made.
    pub fn of(connection: &actix_web::rt::net::TcpStream) -> Option<Self> {
        use std::os::fd::AsFd;
        let socket = connection.as_fd().try_clone_to_owned().ok()?;
        Some(Self(TcpStream::from(socket)))
    }

    fn pull(&self) {
        // A connection that is gone already is as cut as it can be.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// One platform and the world it lives in, as the server's data.
pub(crate) struct Gate {
    pub world: Arc<World>,
    pub peer: Arc<dyn Peer>,
    /// The path prefix that is not part of the platform's own paths.
    pub base: &'static str,
}

/// Handles every request below a platform's base.
pub(crate) async fn pass(
    request: HttpRequest,
    payload: web::Payload,
    gate: web::Data<Gate>,
) -> HttpResponse {
    let Some(body) = read(payload, LARGEST_BODY).await else {
        return HttpResponse::PayloadTooLarge().finish();
    };
    let call = call(&request, gate.base, body);
    let operation = gate.peer.operation(&call);
    let plan = gate.world.plan_call(operation, || gate.peer.who(&call));
    let recorder = Recorder::begin(&gate, &request, &call, operation, &plan);
    if !plan.slow.is_zero() {
        tokio::time::sleep(plan.slow).await;
    }
    match decide(&gate, &call, plan).await {
        Some(answer) => respond(answer, recorder),
        None => {
            recorder.cut();
            if let Some(plug) = request.conn_data::<Plug>() {
                plug.pull();
            }
            HttpResponse::InternalServerError().force_close().finish()
        }
    }
}

/// What is answered, or nothing when the connection is to be cut.
async fn decide(gate: &Gate, call: &Call, plan: CallPlan) -> Option<Answer> {
    let answer = async |twist: Option<Twist>| gate.peer.answer(call, twist).ready().await;
    match plan.fate {
        None => Some(answer(None).await),
        Some(Fate::Hang) => {
            tokio::time::sleep(HANG).await;
            None
        }
        Some(Fate::Cut) => None,
        Some(Fate::CutAfter) => {
            drain(answer(None).await).await;
            None
        }
        Some(Fate::Http(status)) => Some(Answer::proxy_page(status)),
        Some(Fate::Code(code)) => Some(gate.peer.failure(code)),
        Some(Fate::Expire) => Some(gate.peer.expire(call)),
        Some(Fate::Twist(Twist::CutMid)) => match answer(Some(Twist::CutMid)).await {
            whole @ Answer {
                body: Body::Whole(_),
                ..
            } => Some(whole.broken()),
            // A stream knows best where its middle is.
            stream => Some(stream),
        },
        Some(Fate::Twist(twist)) => Some(answer(Some(twist)).await),
    }
}

/// Lets a stream run to its end with nobody listening.
async fn drain(answer: Answer) {
    if let Body::Pieces(mut pieces) = answer.body {
        while pieces.recv().await.is_some() {}
    }
}

fn respond(answer: Answer, recorder: Recorder) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in &answer.headers {
        response.insert_header((name.as_str(), value.as_str()));
    }
    match answer.body {
        Body::Whole(body) => {
            recorder.end(answer.status, answer.code, &answer.headers, &body, None);
            response.body(body)
        }
        Body::Pieces(pieces) => {
            let recording = recorder.stream(answer.status, answer.headers, pieces);
            response.streaming(recording)
        }
        // `ready` has resolved it.
        Body::Later(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// Reads a body up to a limit; none when it is longer or breaks off.
pub(crate) async fn read(mut payload: web::Payload, limit: usize) -> Option<Bytes> {
    let mut body = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.ok()?;
        if body.len() + piece.len() > limit {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body.freeze())
}

fn call(request: &HttpRequest, base: &str, body: Bytes) -> Call {
    let path = request.path().strip_prefix(base).unwrap_or_default();
    let headers = request.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let query = url::form_urlencoded::parse(request.query_string().as_bytes());
    Call {
        method: request.method().to_string(),
        path: path.to_owned(),
        query: query.into_owned().collect(),
        headers: headers.collect(),
        body,
    }
}
