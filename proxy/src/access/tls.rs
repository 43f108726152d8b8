//! What TLS has to say before a request is looked at: plain HTTP to an `ssl` address, another host
//! than the handshake was for, a client certificate that is missing or not good.

use std::sync::Arc;

use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::tls::{Security, VerifyClient};

pub(crate) fn check_security(ex: &Exchange) -> Result<(), Fault> {
    let refuse = |status, why: String| {
        Err(Fault {
            closes: true,
            ..Fault::new(status, Blame::Client, why)
        })
    };
    let tls = match &ex.connection.security {
        Security::Plain => return Ok(()),
        Security::PlainToTls => {
            return refuse(
                497,
                "client sent plain HTTP request to HTTPS port".to_owned(),
            );
        }
        Security::Tls(tls) => tls,
    };
    let verify = ex
        .server
        .tls
        .as_ref()
        .map_or(VerifyClient::Off, |tls| tls.verify);
    if verify == VerifyClient::Off {
        return Ok(());
    }
    if !Arc::ptr_eq(&ex.server, &tls.server) {
        let why = "client attempted to request the server name different from the one that was negotiated";
        return refuse(421, why.to_owned());
    }
    match tls.verdict {
        Err(why) if verify != VerifyClient::OptionalNoCa || !why.is_about_trust() => {
            let why = format!("client SSL certificate verify error: ({}:{why})", why.code);
            refuse(495, why)
        }
        _ if verify == VerifyClient::On && tls.certificates.is_empty() => {
            refuse(496, "client sent no required SSL certificate".to_owned())
        }
        _ => Ok(()),
    }
}
