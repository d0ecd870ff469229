//! Who comes in: pages of known origins, as many as there are seats, each with a token or as somebody new.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use bridge_core::{
    channel::{ChannelErrorKind, Visit},
    message::ThreadKey,
};
use tokio::time::timeout;

use super::{
    House,
    house::Site,
    nothing, origin,
    seats::{Row, Seat},
    stay::Stay,
    wire::{Came, Over, Wire},
};

/// Whoever connects says who they are within this.
const HELLO: Duration = Duration::from_secs(10);

pub(super) async fn open(
    request: HttpRequest,
    body: web::Payload,
    inbox: web::Path<String>,
    house: web::Data<House>,
) -> actix_web::Result<HttpResponse> {
    let Some(site) = house.site(&inbox) else {
        return Ok(nothing());
    };
    if !origin::is_admitted(&request, site.live(), &house.app.settings.server.public_url) {
        return Ok(HttpResponse::new(StatusCode::FORBIDDEN));
    }
    if house.closing.is_cancelled() {
        // Another node, or this one when it is up again.
        return Ok(HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE));
    }
    let bounds = site.live().bounds();
    let place = origin::place(&request, bounds.address_header.as_deref());
    let inbox = site.inbox.clone();
    let rows = [
        (Row::Inbox(inbox.clone()), bounds.sockets),
        (Row::Place(inbox, place.clone()), bounds.sockets_per_address),
    ];
    let taken = rows
        .into_iter()
        .map(|(row, most)| house.seats.take(row, most));
    let Some(seats) = taken.collect::<Option<Vec<Seat>>>() else {
        return Ok(HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE));
    };
    let (response, session, stream) = actix_ws::handle(&request, body)?;
    let stream = stream
        .max_frame_size(bounds.frame_bytes)
        .aggregate_continuations()
        .max_continuation_size(bounds.frame_bytes);
    let door = Door {
        house: house.into_inner(),
        site,
        place,
        seats,
    };
    actix_web::rt::spawn(door.answer(Wire::new(session, stream)));
    Ok(response)
}

/// Somebody at the door: who it is, is not known yet.
struct Door {
    house: Arc<House>,
    site: Site,
    place: String,
    seats: Vec<Seat>,
}

impl Door {
    async fn answer(mut self, mut wire: Wire) {
        let open = metrics::gauge!("kefu_live_sockets", "inbox" => self.site.inbox.to_string());
        open.increment(1);
        let over = match self.greet(&mut wire).await {
            Ok(visit) => {
                let stay = Stay::new(self.house, self.site, visit);
                let over = stay.until_over(&mut wire).await;
                drop(self.seats);
                over
            }
            Err(over) => over,
        };
        open.decrement(1);
        metrics::counter!("kefu_live_closed_total", "why" => over.name()).increment(1);
        tracing::debug!(why = over.name(), "a visitor's socket is closed");
        wire.close(over).await;
    }

    async fn greet(&mut self, wire: &mut Wire) -> Result<Visit, Over> {
        let first = async {
            loop {
                if let Came::Words(words) = wire.next().await? {
                    return Ok(words);
                }
            }
        };
        let first = timeout(HELLO, first).await.map_err(|_| Over::Idle)??;
        let (live, parts) = (self.site.live(), self.house.app.engine.parts());
        let visit = live
            .greet(&first, parts.clock.now())
            .map_err(|error| match error.kind {
                ChannelErrorKind::Forged => Over::Token,
                _ => Over::Noise,
            })?;
        let bounds = live.bounds();
        if visit.is_new {
            let who = format!("{}/{}", self.site.inbox, self.place);
            let few = bounds.new_visitors_per_minute;
            if self.house.too_fast("new", &who, few).await.is_some() {
                return Err(Over::Full);
            }
        }
        let row = Row::Visitor(ThreadKey {
            inbox: self.site.inbox.clone(),
            peer: visit.peer.clone(),
        });
        let seat = self.house.seats.take(row, bounds.sockets_per_visitor);
        self.seats.push(seat.ok_or(Over::Full)?);
        Ok(visit)
    }
}
