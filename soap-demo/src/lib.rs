//! SOAP 1.1 and 1.2, contract first: the five public SOAP services of the module.
//!
//! [`run`] serves until the shutdown.

pub mod client;
pub mod contract;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod page;
mod services;
mod soap;
pub mod xml;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::routing::get;
use service::{Shutdown, TrustedProxies};
use tokio::net::TcpListener;

pub use services::StartError;

/// How long requests in flight may take after a shutdown; `docker stop` kills after 10 s.
const DRAIN: Duration = Duration::from_secs(8);

/// What the command line decides.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Whose word about the client's address and our own is taken.
    pub trusted: TrustedProxies,
}

/// Serves on `listener` until `shutdown`; a contract that the program does not fulfil is an error at once.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: Shutdown,
) -> Result<(), StartError> {
    let app = app(config)?;
    service::serve(listener, app, shutdown, DRAIN).await;
    Ok(())
}

/// Where a service of this name is served; None for a name that none of the five has.
pub fn path_of(service: &str) -> Option<String> {
    let contracts = services::WSDL_FILES
        .iter()
        .filter_map(|file| contract::Contract::parse(file).ok());
    contracts
        .into_iter()
        .find(|c| c.name == service)
        .map(|c| c.path)
}

/// Everything that is served; tests call it without a socket.
pub fn app(config: Config) -> Result<Router, StartError> {
    let services = services::all()?;
    for service in &services {
        let contract = &service.contract;
        let operations = contract.operations.len();
        tracing::debug!(
            service = contract.name,
            path = contract.path,
            operations,
            "serving"
        );
    }
    let page = page::routes(&services);
    let site = Arc::new(http::Site {
        services,
        trusted: config.trusted,
    });
    let soap = move |ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request| {
        http::serve(Arc::clone(&site), peer, request)
    };
    Ok(Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .merge(page)
        .fallback(soap))
}
