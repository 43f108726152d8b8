//! `auth_request` (ngx_http_auth_request_module): asks another location, usually another server behind it, whether
//! this request may go on: 2xx is yes, 401 and 403 are no.

use super::Opinion;
use crate::config::{AuthRequest, Level};
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::worker::Worker;
use crate::{log, route, subrequest};

pub(super) async fn check(
    worker: &Worker,
    ex: &mut Exchange,
    request: Option<&AuthRequest>,
) -> Opinion {
    let Some(request) = request else {
        return Opinion::None;
    };
    let inner = subrequest::ask(worker, ex, &request.target).await;
    for (to, value) in &request.sets {
        let mut text = Vec::new();
        // Of the inner request: its upstream's fields are what one wants to know.
        value.write(&inner, &mut text);
        route::assign(ex, *to, text);
    }
    let opinion = match inner.sent.status {
        200..=299 => Opinion::Yes,
        status @ (401 | 403) => {
            if status == 401 {
                let answered = inner.upstream_head.as_ref();
                let asked =
                    answered.and_then(|head| head.head.by_variable(b"www_authenticate", b", "));
                ex.challenge = asked.or_else(|| inner.challenge.clone());
            }
            Opinion::No(Fault::new(status, Blame::Client, ""))
        }
        status => {
            let text = format!("auth request unexpected status: {status}");
            log::exchange_error(ex, Level::Error, &text);
            Opinion::No(Fault::new(500, Blame::Us, ""))
        }
    };
    worker.give_head(inner.request.head);
    opinion
}
