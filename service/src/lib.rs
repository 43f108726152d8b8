//! The process shell that every service of the lab shares: logging, bind, serve, shutdown, healthcheck.
//! A service is a library with `run(listener, config, shutdown)`; its `main.rs` calls [`init_logging`], [`bind`],
//! [`Shutdown::on_signals`] and then `run`, which usually ends in [`serve`].

mod bind;
mod healthcheck;
mod logging;
mod port_owner;
mod serve;
mod shutdown;
mod trusted;

pub use bind::{BindError, bind, clickable};
pub use healthcheck::{HealthcheckError, healthcheck};
pub use logging::init_logging;
pub use port_owner::who_listens;
pub use serve::{serve, serve_with};
pub use shutdown::Shutdown;
pub use trusted::{NotANetwork, TrustedProxies};

/// The one look of all pages of the lab; serve it as `text/css` or put it in a `<style>` element.
pub const LAB_CSS: &str = include_str!("../assets/lab.css");
