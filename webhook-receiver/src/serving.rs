//! The flags of the server: which doors to open, where to keep things, whom to trust.

use std::io;
use std::path::PathBuf;

use clap::Args;
use service::{BindError, TrustedProxies};
use tokio::net::TcpListener;

use crate::{Config, Place, Settings, dns, target};

/// What the server's command line says.
#[derive(Args, Clone, Debug)]
pub struct Serving {
    /// Where to listen; 0.0.0.0 only inside a container
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8004")]
    bind: String,
    /// Take mail there
    #[arg(long, value_name = "ADDR:PORT")]
    smtp: Option<String>,
    /// Answer DNS there, by UDP and TCP
    #[arg(long, value_name = "ADDR:PORT")]
    dns: Option<String>,
    /// Addresses whose X-Forwarded-* headers are believed: networks, comma-separated
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "127.0.0.0/8,::1")]
    trusted_proxies: TrustedProxies,
    /// The SQLite file that everything is kept in
    #[arg(long, env = "WEBHOOK_DATA", default_value = "data/webhooks.db")]
    data: PathBuf,
    /// Keep everything in PostgreSQL instead, which several instances may share: postgres://USER:PASSWORD@HOST/NAME
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database: Option<tokio_postgres::Config>,
    /// Most events that may wait to be stored; the next is answered 503
    #[arg(long, default_value_t = 1024)]
    queue: usize,
    /// One commit per event, to measure what the group commit is worth
    #[arg(long, hide = true)]
    commit_each: bool,
    /// Whoever sends this as Api-Key may list all tokens
    #[arg(long, env = "WEBHOOK_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    #[command(flatten)]
    targets: target::Arguments,
}

/// The doors that are open.
#[derive(Debug)]
pub struct Listeners {
    pub http: TcpListener,
    pub smtp: Option<TcpListener>,
    pub dns: Option<dns::Sockets>,
}

/// Why a door stays closed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Http(#[from] BindError),
    #[error("can't take mail on {0}")]
    Smtp(String, #[source] io::Error),
    #[error("can't answer DNS on {0}")]
    Dns(String, #[source] io::Error),
}

impl From<TcpListener> for Listeners {
    fn from(http: TcpListener) -> Self {
        Self {
            http,
            smtp: None,
            dns: None,
        }
    }
}

impl Serving {
    /// Opens the doors.
    pub async fn open(self) -> Result<(Listeners, Config), OpenError> {
        let mut listeners = Listeners::from(service::bind(&self.bind).await?);
        if let Some(address) = self.smtp {
            let refused = |error| OpenError::Smtp(address.clone(), error);
            let listener = TcpListener::bind(&address).await.map_err(refused)?;
            let actual = listener.local_addr().map_err(refused)?;
            tracing::info!("listening for mail on {actual}");
            listeners.smtp = Some(listener);
        }
        if let Some(address) = self.dns {
            let sockets = dns::Sockets::bind(&address).await;
            listeners.dns = Some(sockets.map_err(|error| OpenError::Dns(address, error))?);
        }
        let config = Config {
            trusted: self.trusted_proxies,
            store: Settings {
                place: self.database.map_or(Place::File(self.data), |server| {
                    Place::Server(Box::new(server))
                }),
                queue: self.queue,
                commit_each: self.commit_each,
            },
            api_key: self.api_key,
            targets: self.targets.into(),
        };
        Ok((listeners, config))
    }
}
