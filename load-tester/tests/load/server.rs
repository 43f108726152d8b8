//! A TCP server on port 0 whose behaviour is a function; it ends with its owner.

use std::{
    cell::Cell,
    future::Future,
    net::SocketAddr,
    sync::Arc,
    thread::{self, JoinHandle},
};

use load_tester::Options;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task,
};

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Calls `handle` for every connection, with its number.
    pub(crate) fn start<F, Fut>(handle: F) -> Self
    where
        F: Fn(usize, TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = std::io::Result<()>> + 'static,
    {
        make_room();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let serve = async {
                for number in 0.. {
                    let (stream, _) = listener.accept().await.unwrap();
                    // A client that goes away is what some tests are about.
                    task::spawn_local({
                        let connection = handle(number, stream);
                        async move { drop(connection.await) }
                    });
                }
            };
            task::LocalSet::new().block_on(&runtime, async {
                tokio::select! { () = serve => {} _ = stopped => {} }
            });
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Answers every request with the same bytes.
    pub(crate) fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Arc::<[u8]>::from(bytes.into());
        Self::start(move |_, mut stream| {
            let bytes = Arc::clone(&bytes);
            async move {
                while read_head(&mut stream).await? {
                    stream.write_all(&bytes).await?;
                }
                Ok(())
            }
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The module's run against this server.
    pub(crate) fn options(&self) -> Options {
        Options::new(self.url().parse().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server does not panic");
        }
    }
}

/// Both ends of every connection, of all tests at the same time, are open files of this process.
fn make_room() {
    let (_soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(10_240), hard).unwrap();
}

/// Reads up to the empty line after the request's head; false if the client has closed instead.
pub(crate) async fn read_head(stream: &mut TcpStream) -> std::io::Result<bool> {
    let mut last = Vec::new();
    while !last.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(false);
        }
        last.push(byte[0]);
    }
    Ok(true)
}

/// What a backend of the lab says.
pub(crate) fn hello(server: usize) -> String {
    let body = format!("Hello from Server {server}!");
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Three backends, and in front of them a balancer that takes them in turn, connection by connection.
pub(crate) fn balanced() -> (Server, [Server; 3]) {
    let backends = [1, 2, 3].map(|number| Server::answering(hello(number)));
    let addresses = [0, 1, 2].map(|index: usize| backends[index].address);
    let front = Server::start(move |number, mut client| async move {
        let mut backend = TcpStream::connect(addresses[number % 3]).await?;
        tokio::io::copy_bidirectional(&mut client, &mut backend).await?;
        Ok(())
    });
    (front, backends)
}

thread_local! {
    static TURN: Cell<usize> = const { Cell::new(0) };
}

/// Counts up, once per call in a server's thread: for behaviour that depends on the request, not on the connection.
pub(crate) fn turn() -> usize {
    TURN.replace(TURN.get() + 1)
}
