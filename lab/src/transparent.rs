//! `cargo lab test transparent`: the transparent forward proxy with proxy/conf/forward/transparent.conf, on a network of its
//! own: three namespaces, a client, a gateway whose firewall redirects, and a web server that knows nothing of either.
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::binaries::Binaries;
use crate::paint;
use crate::place::Place;

const PATIENCE: Duration = Duration::from_secs(20);
/// The web server's address, as clients know it; nobody but these namespaces has it (RFC 5737).
const WEB: &str = "198.51.100.7";
const GATEWAY: &str = "10.98.0.1";

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Use the programs as they were built last
    #[arg(long)]
    no_build: bool,
}

/// Builds the network, asks through it, takes it down.
pub(crate) fn run(place: &Place, options: &Options) -> Result<ExitCode> {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "network namespaces need root"
    );
    let binaries = Binaries::beside_this_executable()?;
    if !options.no_build {
        binaries.build(&place.root)?;
    }
    let folder = tempfile::tempdir()?;
    let network = Network::build()?;
    let mut servers = Servers(Vec::new());
    web(&network, &binaries, folder.path(), &mut servers)?;
    gateway(&network, &binaries, place, folder.path(), &mut servers)?;
    look(&network, folder.path())?;
    Ok(ExitCode::SUCCESS)
}

/// Three namespaces, named after this process; gone with this value.
struct Network {
    client: String,
    gateway: String,
    web: String,
}

impl Network {
    fn build() -> Result<Self> {
        let name = |what: &str| format!("lab{}-{what}", std::process::id());
        let network = Self {
            client: name("client"),
            gateway: name("gateway"),
            web: name("web"),
        };
        for namespace in network.all() {
            must(&["ip", "netns", "add", namespace])?;
            network.within(namespace, &["ip", "link", "set", "lo", "up"])?;
        }
        network.wire(&network.client, "10.98.0.2/24", "in", "10.98.0.1/24")?;
        network.wire(&network.web, &format!("{WEB}/24"), "out", "198.51.100.1/24")?;
        let route = ["ip", "route", "add", "default", "via", GATEWAY];
        network.within(&network.client, &route)?;
        for port in ["80", "443"] {
            let rule = format!(
                "iptables -t nat -A PREROUTING -i in -p tcp --dport {port} -j REDIRECT --to-ports 3129"
            );
            let words: Vec<_> = rule.split(' ').collect();
            network.within(&network.gateway, &words)?;
        }
        Ok(network)
    }

    fn all(&self) -> [&str; 3] {
        [&self.client, &self.gateway, &self.web]
    }

    /// A wire between a namespace and the gateway, with an address at each end.
    fn wire(&self, from: &str, address: &str, at_gateway: &str, gateway: &str) -> Result<()> {
        let wire = [
            "ip",
            "link",
            "add",
            "eth0",
            "netns",
            from,
            "type",
            "veth",
            "peer",
            "name",
            at_gateway,
            "netns",
            &self.gateway,
        ];
        must(&wire)?;
        for (namespace, device, address) in [
            (from, "eth0", address),
            (self.gateway.as_str(), at_gateway, gateway),
        ] {
            self.within(namespace, &["ip", "address", "add", address, "dev", device])?;
            self.within(namespace, &["ip", "link", "set", device, "up"])?;
        }
        Ok(())
    }

    fn within(&self, namespace: &str, words: &[&str]) -> Result<()> {
        debug_assert!(self.all().contains(&namespace));
        must(&[&["ip", "netns", "exec", namespace][..], words].concat())
    }

    fn command(&self, namespace: &str, program: &Path) -> Command {
        debug_assert!(self.all().contains(&namespace));
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace]).arg(program);
        command.stdin(Stdio::null());
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in self.all() {
            let _ = Command::new("ip")
                .args(["netns", "del", namespace])
                .status();
        }
    }
}

/// Programs that end with this value.
struct Servers(Vec<Child>);

impl Drop for Servers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn must(words: &[&str]) -> Result<()> {
    let output = Command::new(words[0]).args(&words[1..]).output();
    let output = output.with_context(|| words.join(" "))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", words.join(" "));
    Ok(())
}

/// Port 80 says who asked; port 443 has a certificate of its own, and a word that nobody on the way should see.
fn web(network: &Network, binaries: &Binaries, folder: &Path, servers: &mut Servers) -> Result<()> {
    let folder = folder.join("web");
    fs::create_dir(&folder)?;
    let made = rcgen::generate_simple_self_signed(vec!["shop.example".to_owned()])?;
    fs::write(folder.join("shop.crt"), made.cert.pem())?;
    fs::write(folder.join("shop.key"), made.signing_key.serialize_pem())?;
    let config = format!(
        "daemon off; pid proxy.pid; error_log error.log; events {{}}\nhttp {{ access_log off;\n\
         server {{ listen {WEB}:80; return 200 '$host asked by $remote_addr, X-Forwarded-For: [$http_x_forwarded_for]'; }}\n\
         server {{ listen {WEB}:443 ssl; ssl_certificate shop.crt; ssl_certificate_key shop.key; return 200 secret; }} }}\n"
    );
    fs::write(folder.join("nginx.conf"), config)?;
    let mut command = network.command(&network.web, &binaries.path("proxy"));
    servers.0.push(command.arg("-p").arg(&folder).spawn()?);
    pid_file(&folder.join("proxy.pid"))
}

fn gateway(
    network: &Network,
    binaries: &Binaries,
    place: &Place,
    folder: &Path,
    servers: &mut Servers,
) -> Result<()> {
    let pid = folder.join("gateway.pid");
    let conf = place.root.join("proxy/conf/forward");
    let mut command = network.command(&network.gateway, &binaries.path("proxy"));
    command
        .arg("-p")
        .arg(&conf)
        .args(["-c", "transparent.conf"]);
    command.args(["-g", &format!("daemon off; pid {};", pid.display())]);
    command.stdout(fs::File::create(folder.join("gateway.log"))?);
    servers.0.push(command.spawn()?);
    pid_file(&pid)
}

fn pid_file(path: &Path) -> Result<()> {
    until(&format!("{} is there", path.display()), || path.exists())
}

fn until(what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        ensure!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// What a client sees that has never heard of a proxy.
fn look(network: &Network, folder: &Path) -> Result<()> {
    let curl = |url: &str, host: &str| -> Result<Output> {
        let mut command = network.command(&network.client, Path::new("curl"));
        command.args(["-qsS", "--noproxy", "*", "--max-time", "10"]);
        for port in [80, 443] {
            command.args(["--resolve", &format!("{host}:{port}:{WEB}")]);
        }
        let certificate = folder.join("web/shop.crt");
        command.arg("--cacert").arg(certificate).arg(url);
        command.output().context("curl")
    };
    let body = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();

    let plain = curl("http://shop.example/", "shop.example")?;
    let seen = body(&plain);
    let expected = "shop.example asked by 198.51.100.1, X-Forwarded-For: []";
    ensure!(seen == expected, "{seen:?}, {plain:?}");
    done(
        "a request to port 80 reaches the server, which sees the gateway and nothing of the client",
    );

    let secure = curl("https://shop.example/", "shop.example")?;
    ensure!(body(&secure) == "secret", "{secure:?}");
    done("TLS on port 443 passes, and the client verifies the server's own certificate");

    let blocked = curl("http://www.ads.example/", "www.ads.example")?;
    let page = body(&blocked);
    ensure!(page.contains("advertising"), "{page:?}");
    done("a blocked host on port 80 gets the page that says why");

    let denied = curl("https://www.ads.example/", "www.ads.example")?;
    let alert = String::from_utf8_lossy(&denied.stderr).into_owned();
    ensure!(denied.status.code() == Some(35), "{denied:?}");
    ensure!(
        alert.contains("denied") || alert.contains("alert"),
        "{alert}"
    );
    done("a blocked name in a ClientHello gets an alert, before any byte reached the server");

    let straight = curl(&format!("http://{GATEWAY}:3129/"), "shop.example")?;
    ensure!(!straight.status.success(), "{straight:?}");
    done("who comes to the proxy's own port is not sent round in circles");

    let log = folder.join("gateway.log");
    let lines = [
        format!("10.98.0.2 wanted {WEB}:80: GET shop.example 200, up "),
        format!("10.98.0.2 wanted {WEB}:443: CONNECT shop.example 200, up "),
        format!("10.98.0.2 wanted {WEB}:80: GET www.ads.example 403, "),
        format!("10.98.0.2 wanted {WEB}:443: CONNECT www.ads.example 403, "),
    ];
    for line in lines {
        let written = || fs::read_to_string(&log).is_ok_and(|text| text.contains(&line));
        if let Err(error) = until(&line, written) {
            bail!("{error}\n{}", fs::read_to_string(&log).unwrap_or_default());
        }
    }
    done("the log says who wanted to go where, for TLS by the name in the ClientHello");
    Ok(())
}

fn done(what: &str) {
    println!("{} {what}", paint::green("✓"));
}
