//! What `cargo lab up` may be told.
use anyhow::Result;
use clap::Args;

use crate::ports::Ports;
use crate::up;

#[derive(Debug, Args)]
pub(super) struct UpOptions {
    /// Only these services, e.g. proxy,backends
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Port of the main lab (80 in Docker)
    #[arg(long, env = "LAB_HTTP_PORT", default_value_t = Ports::default().http)]
    http_port: u16,
    /// Port of the book
    #[arg(long, env = "LAB_DOCS_PORT", default_value_t = Ports::default().docs)]
    docs_port: u16,
    /// Port of the lab home and the status API
    #[arg(long, env = "LAB_ADMIN_PORT", default_value_t = Ports::default().admin)]
    admin_port: u16,
    /// Port of backend1; backend2 and backend3 follow, the book's server is 7 above
    #[arg(long, env = "LAB_BACKEND_PORT", default_value_t = Ports::default().backends[0],
        value_parser = clap::value_parser!(u16).range(1..=65000))]
    backend_port: u16,
    /// Take any free ports instead (`.lab/lab.json` says which)
    #[arg(long)]
    free_ports: bool,
    /// Use the programs as they were built last
    #[arg(long)]
    no_build: bool,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    until_input_ends: bool,
}

impl UpOptions {
    /// What was typed, as the launcher wants it.
    pub(super) fn read(self) -> Result<up::Options> {
        let first = self.backend_port;
        let ports = if self.free_ports {
            Ports::free()?
        } else {
            Ports {
                http: self.http_port,
                docs: self.docs_port,
                admin: self.admin_port,
                backends: [first, first + 1, first + 2],
                docs_server: first + 7,
            }
        };
        let Self {
            only,
            no_build,
            until_input_ends,
            ..
        } = self;
        Ok(up::Options {
            ports,
            only,
            no_build,
            until_input_ends,
        })
    }
}
