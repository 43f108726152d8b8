//! The command line: nginx's short options, and a few long ones of our own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};

use crate::admin::Writers;
use crate::config::{self, ConfigError, LoadOptions};
use crate::upstream::resolve::parse_mapping;
use crate::{control, daemon};

/// The version of nginx's language that is followed.
pub const LANGUAGE_VERSION: &str = "1.31.5";
/// As the `Server` field shows it.
pub(crate) const SERVER: &str = concat!("proxy/", env!("CARGO_PKG_VERSION"));
pub(crate) const NAME: &str = "proxy";
const RUSTLS: &str = "0.23";

/// What nginx can be built with and this is, and what it can be built without; tools ask with `-V`.
const WITH: &str = "--with-http_realip_module --with-http_auth_request_module --with-http_secure_link_module \
--with-http_addition_module --with-http_gunzip_module --with-http_gzip_static_module --with-http_slice_module \
--with-http_sub_module --with-http_ssl_module --with-http_v2_module --with-http_stub_status_module --with-debug";
const WITHOUT: &str = "--without-http_browser_module --without-http_empty_gif_module \
--without-http_fastcgi_module --without-http_grpc_module \
--without-http_memcached_module \
--without-http_scgi_module --without-http_userid_module \
--without-http_uwsgi_module";

/// A load-balancing reverse proxy that runs the nginx configuration language.
#[derive(Debug, Parser)]
#[command(name = "proxy", disable_version_flag = true)]
pub struct Cli {
    /// Configuration file, relative to the prefix
    #[arg(short = 'c', value_name = "FILE", default_value = "nginx.conf")]
    config: PathBuf,
    /// Prefix: where relative paths of the configuration start
    #[arg(short = 'p', value_name = "DIR", default_value = "/etc/proxy")]
    prefix: PathBuf,
    /// Directives for the main context, such as "daemon off;"
    #[arg(short = 'g', value_name = "DIRECTIVES")]
    globals: Vec<String>,
    /// Error log until the configuration names one ("stderr" is one)
    #[arg(short = 'e', value_name = "FILE")]
    error_log: Option<String>,
    /// Test the configuration and exit
    #[arg(short = 't')]
    test: bool,
    /// Test the configuration, print it and exit
    #[arg(short = 'T')]
    dump: bool,
    /// Print the version and exit
    #[arg(short = 'v')]
    version: bool,
    /// Print the version and what was built, and exit
    #[arg(short = 'V')]
    build: bool,
    /// With -t or -T: say nothing but errors
    #[arg(short = 'q')]
    quiet: bool,
    /// Send a signal to the running proxy
    #[arg(short = 's', value_name = "SIGNAL")]
    signal: Option<Signal>,
    /// Take this upstream name to be at this address, as /etc/hosts would (repeatable)
    #[arg(long, value_name = "NAME:PORT=ADDR:PORT", value_parser = parse_mapping)]
    map_host: Vec<((String, u16), SocketAddr)>,
    /// Listen here when the configuration says this port (repeatable)
    #[arg(long, value_name = "PORT=ADDR:PORT", value_parser = parse_listen)]
    map_listen: Vec<(u16, SocketAddr)>,
    /// Serve the status API, metrics and dashboard here
    #[arg(long, value_name = "ADDR:PORT")]
    admin: Option<String>,
    /// Accept changes over the status API from these addresses: networks with commas between, "gateway" or "off"
    #[arg(long, value_name = "LIST", default_value = "127.0.0.0/8,::1")]
    admin_write: Writers,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Ask the running proxy's admin listener whether all is well; exits with 0 or 1
    Healthcheck {
        /// The port of the admin listener on 127.0.0.1
        #[arg(default_value_t = 8080)]
        port: u16,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Signal {
    Stop,
    Quit,
    Reload,
    Reopen,
}

fn parse_listen(text: &str) -> Result<(u16, SocketAddr), String> {
    let expected = "expected PORT=ADDR:PORT, such as 80=127.0.0.1:8088";
    let (port, address) = text.split_once('=').ok_or(expected)?;
    let port = port
        .parse()
        .map_err(|_| format!("invalid port {port:?}; {expected}"))?;
    let address = address
        .parse()
        .map_err(|_| format!("invalid address {address:?}; {expected}"))?;
    Ok((port, address))
}

/// Does what the command line says; answers the exit code.
pub fn run(cli: &Cli) -> i32 {
    if let Some(Command::Healthcheck { port }) = cli.command {
        return report(service::healthcheck(&format!(
            "http://127.0.0.1:{port}/healthz"
        )));
    }
    if cli.version || cli.build {
        print_version(cli.build);
        return 0;
    }
    let options = match load_options(cli) {
        Ok(options) => options,
        Err(why) => return report(Err::<(), _>(why)),
    };
    if cli.test || cli.dump {
        return test(&options, cli);
    }
    if let Some(signal) = cli.signal {
        return report(daemon::send(&options, signal));
    }
    match config::load(&options) {
        Err(error) => refuse(&options, &error),
        Ok(config) if config.core.daemon && !daemon::is_background() => {
            report(daemon::start(&config.core.pid))
        }
        Ok(config) => report(control::run(
            config,
            options,
            cli.admin
                .as_deref()
                .map(|address| (address, cli.admin_write.clone())),
        )),
    }
}

fn load_options(cli: &Cli) -> std::io::Result<LoadOptions> {
    let prefix = std::path::absolute(&cli.prefix)?;
    Ok(LoadOptions {
        path: prefix.join(&cli.config),
        prefix,
        globals: cli.globals.clone(),
        hosts: Arc::new(cli.map_host.iter().cloned().collect()),
        error_log: cli.error_log.clone(),
        zones: Default::default(),
        caches: Default::default(),
        sessions: Default::default(),
        sessions_of_peers: Default::default(),
        map_listen: cli.map_listen.iter().copied().collect::<BTreeMap<_, _>>(),
    })
}

/// Prints what went wrong; the exit code.
fn report<E: std::fmt::Display>(result: Result<(), E>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("proxy: [emerg] {why}");
            1
        }
    }
}

/// A configuration that does not load: on the terminal with its line, and in the error log.
fn refuse(options: &LoadOptions, error: &ConfigError) -> i32 {
    eprintln!("proxy: [emerg] {error}");
    eprint!("{}", error.report());
    if let Some(log) = options.error_log.as_deref().filter(|log| *log != "stderr")
        && let Ok(file) = crate::log::LogFile::open(&options.prefix.join(log))
    {
        file.write(format!("{} [emerg] {error}\n", crate::clock::error_log_time()).as_bytes());
    }
    1
}

fn test(options: &LoadOptions, cli: &Cli) -> i32 {
    let path = options.path.display();
    match config::load(options) {
        Ok(config) => {
            if !cli.quiet {
                eprintln!("proxy: the configuration file {path} syntax is ok");
                eprintln!("proxy: configuration file {path} test is successful");
            }
            if cli.dump {
                dump(&config);
            }
            0
        }
        Err(error) => {
            refuse(options, &error);
            eprintln!("proxy: configuration file {path} test failed");
            1
        }
    }
}

#[expect(clippy::print_stdout, reason = "-T is a command that prints")]
fn dump(config: &config::Config) {
    for file in &config.files {
        if file.kind == config::syntax::SourceKind::File {
            println!(
                "# configuration file {}:\n{}",
                file.path.display(),
                file.text
            );
        }
    }
}

fn print_version(build: bool) {
    eprintln!("proxy version: {SERVER}");
    eprintln!("nginx version: nginx/{LANGUAGE_VERSION}");
    if build {
        eprintln!(
            "built with rustls {RUSTLS} (its suites and curves go by their names with OpenSSL 3.0.0)"
        );
        eprintln!("TLS SNI support enabled");
        eprintln!("configure arguments: {WITH} {WITHOUT}");
    }
}
