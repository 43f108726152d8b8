//! A proxy of its own for each test: the real binary, a folder of its own, Unix-domain sockets
//! instead of ports (nobody else can take them), and backends that do exactly what a test says.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for a condition, with a deadline and a name for the failure.
pub(crate) fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

pub(crate) struct Proxy {
    child: Child,
    pub(crate) dir: tempfile::TempDir,
}

/// Writes `DIR/nginx.conf`: the servers given, `DIR` replaced by the folder.
pub(crate) fn write_config(dir: &Path, http: &str) {
    let text = format!(
        "daemon off; pid DIR/proxy.pid; error_log DIR/error.log info;\nevents {{}}\nhttp {{\n\
         log_format test '$request_method $uri $status [$upstream_status] $upstream_addr';\n\
         access_log DIR/access.log test;\n{http}\n}}\n"
    );
    let text = text.replace("DIR", &dir.display().to_string());
    std::fs::write(dir.join("nginx.conf"), text).expect("write nginx.conf");
}

pub(crate) fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proxy"));
    command.arg("-p").arg(dir);
    command
}

impl Proxy {
    pub(crate) fn start(http: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), http)
    }

    pub(crate) fn start_in(dir: tempfile::TempDir, http: &str) -> Self {
        Self::start_with(dir, http, |command| {
            command.stdout(Stdio::null());
        })
    }

    /// With more on the command line.
    pub(crate) fn start_with(
        dir: tempfile::TempDir,
        http: &str,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        write_config(dir.path(), http);
        let mut command = command(dir.path());
        change(&mut command);
        let child = command.spawn().expect("the proxy starts");
        let proxy = Self { child, dir };
        // The pid file is written when every address is bound.
        wait_for("the pid file", || {
            proxy.path("proxy.pid").exists().then_some(())
        });
        proxy
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path("front.sock")).expect("the proxy listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends bytes, reads until the proxy closes.
    pub(crate) fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).expect("the request is taken");
        let mut answer = Vec::new();
        stream
            .read_to_end(&mut answer)
            .expect("the proxy answers and closes");
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        signal::kill(Pid::from_raw(pid), signal).expect("the proxy runs");
    }

    pub(crate) fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Ends it by this signal and starts it again in the same folder.
    pub(crate) fn restart(&mut self, by: Signal) {
        if self.child.try_wait().expect("a child").is_none() {
            self.signal(by);
        }
        self.child.wait().expect("it ends");
        for left in ["proxy.pid", "front.sock"] {
            let _ = std::fs::remove_file(self.path(left));
        }
        self.child = command(self.dir.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("the proxy starts");
        wait_for("the pid file", || {
            self.path("proxy.pid").exists().then_some(())
        });
    }

    /// Waits until the proxy has ended by itself.
    pub(crate) fn ended(&mut self) -> bool {
        wait_for("the proxy to end", || {
            self.child.try_wait().expect("a child")
        })
        .success()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn test_config(http: &str) -> Output {
    let dir = tempfile::tempdir().expect("a folder");
    write_config(dir.path(), http);
    command(dir.path())
        .arg("-t")
        .output()
        .expect("the proxy runs")
}

/// A backend on `DIR/NAME`: keeps what it was sent, answers as told.
pub(crate) struct Backend {
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Backend {
    /// `serve` gets each connection with the first request's bytes, head and body.
    pub(crate) fn start(
        dir: &Path,
        name: &str,
        serve: impl Fn(UnixStream, &str) + Send + 'static,
    ) -> Self {
        let listener = UnixListener::bind(dir.join(name)).expect("the backend listens");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (kept, counted) = (Arc::clone(&seen), Arc::clone(&connections));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::Relaxed);
                let request = read_request(&mut stream);
                if request.is_empty() {
                    continue;
                }
                kept.lock().expect("no panic").push(request.clone());
                serve(stream, &request);
            }
        });
        Self { seen, connections }
    }

    /// Answers everything with these bytes, then closes.
    pub(crate) fn answering(dir: &Path, name: &str, answer: &'static str) -> Self {
        Self::start(dir, name, move |mut stream, _| {
            let _ = stream.write_all(answer.as_bytes());
        })
    }

    /// Connections taken in, whether or not a whole request came on them yet.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").clone()
    }
}

/// Reads a head, and the body that its Content-Length or chunks announce.
fn read_request(stream: &mut UnixStream) -> String {
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "));
            let length = length.map_or(0, |digits| digits.parse().expect("digits"));
            let chunked = head.contains("Transfer-Encoding: chunked");
            if body.len() >= length && (!chunked || body.ends_with("0\r\n\r\n")) {
                return text;
            }
        }
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
            _ => return text,
        }
    }
}
