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
    /// Port of the main lab by https, which chapter 8 sets up
    #[arg(long, env = "LAB_HTTPS_PORT", default_value_t = Ports::default().https)]
    https_port: u16,
    /// Port of the book
    #[arg(long, env = "LAB_DOCS_PORT", default_value_t = Ports::default().docs)]
    docs_port: u16,
    /// Port of the dashboard and the status API
    #[arg(long, env = "LAB_ADMIN_PORT", default_value_t = Ports::default().admin)]
    admin_port: u16,
    /// Port of the SOAP demo
    #[arg(long, env = "LAB_SOAP_PORT", default_value_t = Ports::default().soap)]
    soap_port: u16,
    /// Port of the GraphQL demo
    #[arg(long, env = "LAB_GRAPHQL_PORT", default_value_t = Ports::default().graphql)]
    graphql_port: u16,
    /// Port of the chat
    #[arg(long, env = "LAB_CHAT_PORT", default_value_t = Ports::default().chat)]
    chat_port: u16,
    /// Port of the webhook receiver
    #[arg(long, env = "LAB_WEBHOOK_PORT", default_value_t = Ports::default().webhooks)]
    webhook_port: u16,
    /// Port of the forward proxy
    #[arg(long, env = "LAB_FORWARD_PORT", default_value_t = Ports::default().forward)]
    forward_port: u16,
    /// Port of the webhook receiver's mail server
    #[arg(long, env = "LAB_SMTP_PORT", default_value_t = Ports::default().smtp)]
    smtp_port: u16,
    /// Port of its name server
    #[arg(long, env = "LAB_DNS_PORT", default_value_t = Ports::default().dns)]
    dns_port: u16,
    /// Port of backend1; backend2 and backend3 follow, the book's server is 7 above, the forward proxy's status API 8,
    /// the demos' 10 to 13
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
                https: self.https_port,
                docs: self.docs_port,
                admin: self.admin_port,
                soap: self.soap_port,
                graphql: self.graphql_port,
                chat: self.chat_port,
                webhooks: self.webhook_port,
                forward: self.forward_port,
                forward_admin: first + 8,
                smtp: self.smtp_port,
                dns: self.dns_port,
                backends: [first, first + 1, first + 2],
                docs_server: first + 7,
                demo_servers: [first + 10, first + 11, first + 12, first + 13],
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
