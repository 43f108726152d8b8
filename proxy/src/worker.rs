//! A worker: one thread, one event loop, its own idle connections to the peers, its own buffers.
//! Nothing on the request path is shared with other workers but counters and peers' state.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use socket2::Socket;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::accept::{self, Client, ConnectionInfo};
use crate::admin::{Counters, WorkerCounters};
use crate::config::{Config, ErrorLog, Level, ListenAddress, Server};
use crate::connect::IdlePool;
use crate::http1::buffer::Pool;
use crate::http1::{RequestHead, ResponseHead, Stream};
use crate::log;

/// `$connection` counts over all workers.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// What the control thread says to a worker.
#[derive(Debug)]
pub(crate) enum Command {
    /// Serve by this configuration, on these sockets.
    Reload {
        config: Arc<Config>,
        sockets: Vec<(ListenAddress, Socket)>,
        /// Told when the next request will meet it.
        in_use: oneshot::Sender<()>,
    },
    /// Finish what is under way and end.
    Quit,
    /// End now.
    Stop,
}

#[derive(Debug)]
pub(crate) struct Worker {
    me: Weak<Self>,
    pub(crate) config: RefCell<Arc<Config>>,
    pub(crate) idle: RefCell<IdlePool>,
    counters: Arc<Counters>,
    index: usize,
    buffers: RefCell<Pool>,
    #[expect(
        clippy::vec_box,
        reason = "an exchange takes one over without moving it"
    )]
    heads: RefCell<Vec<Box<RequestHead>>>,
    answers: RefCell<Vec<Rc<ResponseHead>>>,
    outs: RefCell<Vec<Vec<u8>>>,
    connections: Cell<usize>,
    draining: Cell<bool>,
    drain: Notify,
    last_gone: Notify,
}

/// Runs a worker on this thread until it is told to quit and its last connection is gone.
pub(crate) fn run(
    config: Arc<Config>,
    sockets: Vec<(ListenAddress, Socket)>,
    counters: Arc<Counters>,
    index: usize,
    commands: mpsc::Receiver<Command>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(log::flush)
        .build_local(tokio::runtime::LocalOptions::default())?;
    counters.show_here();
    let worker = Rc::new_cyclic(|me| Worker::new(me.clone(), config, counters, index));
    runtime.block_on(worker.work(sockets, commands));
    log::tell_left_out();
    log::flush_all();
    Ok(())
}

impl Worker {
    fn new(me: Weak<Self>, config: Arc<Config>, counters: Arc<Counters>, index: usize) -> Self {
        Self {
            me,
            config: RefCell::new(config),
            idle: RefCell::default(),
            counters,
            index,
            buffers: RefCell::default(),
            heads: RefCell::default(),
            answers: RefCell::default(),
            outs: RefCell::default(),
            connections: Cell::new(0),
            draining: Cell::new(false),
            drain: Notify::new(),
            last_gone: Notify::new(),
        }
    }

    async fn work(
        self: Rc<Self>,
        sockets: Vec<(ListenAddress, Socket)>,
        mut commands: mpsc::Receiver<Command>,
    ) {
        let mut accepting = HashMap::new();
        self.listen(&mut accepting, sockets);
        let mut sweep = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Reload { config, sockets, in_use }) => {
                        self.config.replace(config);
                        self.idle.borrow_mut().clear();
                        self.listen(&mut accepting, sockets);
                        let _ = in_use.send(());
                    }
                    Some(Command::Quit) => break,
                    Some(Command::Stop) | None => return,
                },
                _ = sweep.tick() => {
                    self.idle.borrow_mut().sweep(Instant::now());
                    log::tell_left_out();
                }
            }
        }
        for task in accepting.into_values() {
            task.abort();
        }
        self.draining.set(true);
        self.drain.notify_waiters();
        self.idle.borrow_mut().clear();
        let grace = self.config.borrow().core.shutdown_timeout;
        let end = async {
            match grace {
                Some(grace) => tokio::time::sleep(grace).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(end);
        while self.connections.get() > 0 {
            tokio::select! {
                () = self.last_gone.notified() => {}
                () = &mut end => return,
                Some(Command::Stop) = commands.recv() => return,
            }
        }
    }

    /// Accepts on exactly these sockets from now on.
    fn listen(
        self: &Rc<Self>,
        accepting: &mut HashMap<ListenAddress, JoinHandle<()>>,
        sockets: Vec<(ListenAddress, Socket)>,
    ) {
        let gone = |address: &ListenAddress| !sockets.iter().any(|(wanted, _)| wanted == address);
        accepting.retain(|address, task| {
            let gone = gone(address);
            if gone {
                task.abort();
            }
            !gone
        });
        for (address, socket) in sockets {
            let worker = Rc::clone(self);
            accepting
                .entry(address.clone())
                .or_insert_with(|| tokio::task::spawn_local(worker.accept(address, socket)));
        }
    }

    async fn accept(self: Rc<Self>, address: ListenAddress, socket: Socket) {
        let accepted = match &address {
            ListenAddress::Tcp(_) => self.accept_tcp(&address, socket).await,
            ListenAddress::Unix(_) => self.accept_unix(&address, socket).await,
        };
        if let Err(why) = accepted {
            let text = format!("accept() on {address} ended ({why})");
            log::message(&self.error_log(), Level::Crit, &text);
        }
    }

    async fn accept_tcp(
        self: &Rc<Self>,
        address: &ListenAddress,
        socket: Socket,
    ) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(socket.into())?;
        let ListenAddress::Tcp(bound) = address else {
            return Ok(());
        };
        loop {
            let (stream, remote) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(why) => {
                    self.accept_failed(&why).await;
                    continue;
                }
            };
            let address = if bound.ip().is_unspecified() {
                stream
                    .local_addr()
                    .map_or_else(|_| address.clone(), ListenAddress::Tcp)
            } else {
                address.clone()
            };
            self.start(Stream::Tcp(stream), Some(remote), address);
        }
    }

    async fn accept_unix(
        self: &Rc<Self>,
        address: &ListenAddress,
        socket: Socket,
    ) -> io::Result<()> {
        let listener = tokio::net::UnixListener::from_std(socket.into())?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.start(Stream::Unix(stream), None, address.clone()),
                Err(why) => self.accept_failed(&why).await,
            }
        }
    }

    /// Out of descriptors, most of all: the connection waits in the kernel, and so do we.
    async fn accept_failed(&self, why: &io::Error) {
        log::message(
            &self.error_log(),
            Level::Crit,
            &format!("accept() failed ({why})"),
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    fn start(
        self: &Rc<Self>,
        stream: Stream,
        remote: Option<std::net::SocketAddr>,
        address: ListenAddress,
    ) {
        let limit = self.config.borrow().core.worker_connections;
        if self.connections.get() >= limit {
            let text = format!("{limit} worker_connections are not enough");
            log::message(&self.error_log(), Level::Alert, &text);
            return;
        }
        let serial = SERIAL.fetch_add(1, Relaxed) + 1;
        self.counters().connection_accepted();
        self.connections.set(self.connections.get() + 1);
        let worker = Rc::clone(self);
        let mut info = ConnectionInfo::new(serial, remote, address);
        info.debug = self.config.borrow().core.debugs(remote);
        let info = Rc::new(info);
        tokio::task::spawn_local(async move {
            let _open = Open(Rc::clone(&worker));
            accept::serve(worker, stream, info).await;
        });
    }

    /// For a task that may outlive the call that starts it.
    pub(crate) fn me(&self) -> Rc<Self> {
        self.me.upgrade().expect("whoever calls holds one")
    }

    /// Does something of ours beside the requests; a worker that is to quit waits for it as for a connection.
    pub(crate) fn spawn(&self, work: impl AsyncFnOnce(Rc<Self>) + 'static) {
        let Some(worker) = self.me.upgrade() else {
            return;
        };
        self.connections.set(self.connections.get() + 1);
        let busy = Busy(Rc::clone(&worker));
        tokio::task::spawn_local(async move {
            let _busy = busy;
            work(worker).await;
        });
    }

    pub(crate) fn counters(&self) -> &WorkerCounters {
        self.counters.worker(self.index)
    }

    pub(crate) fn error_log(&self) -> ErrorLog {
        self.config.borrow().core.error_log.clone()
    }

    pub(crate) fn header_timeout(&self, info: &ConnectionInfo) -> Duration {
        let config = self.config.borrow();
        let listen = config.listen_for(&info.address);
        listen.map_or(Duration::from_secs(60), |listen| {
            listen.servers.default_server().header_timeout
        })
    }

    /// The configuration to greet by, where something comes before HTTP on the connection's address.
    pub(crate) fn config_for_greeting(&self, info: &ConnectionInfo) -> Option<Arc<Config>> {
        let config = self.config.borrow();
        let listen = config.listen_for(&info.address)?;
        (listen.ssl || listen.proxy_protocol).then(|| Arc::clone(&config))
    }

    /// The default server of the connection's address, where that takes HTTP/2.
    pub(crate) fn http2_server(&self, info: &ConnectionInfo) -> Option<Arc<Server>> {
        let config = self.config.borrow();
        let server = config.listen_for(&info.address)?.servers.default_server();
        server.http2.on.then(|| Arc::clone(server))
    }

    /// Whether connections to this address were meant for somebody else.
    pub(crate) fn is_transparent(&self, info: &ConnectionInfo) -> bool {
        let config = self.config.borrow();
        let listen = config.listen_for(&info.address);
        listen.is_some_and(|listen| listen.transparent)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Ends when the worker is told to quit.
    pub(crate) async fn drained(&self) {
        if !self.draining.get() {
            self.drain.notified().await;
        }
    }

    pub(crate) fn lend_buffers(&self, client: &mut Client) {
        if !client.buffer.has_memory() {
            client.buffer.lend(self.buffers.borrow_mut().take());
        }
        client.out = self.take_out();
    }

    pub(crate) fn reclaim_buffers(&self, client: &mut Client) {
        if let Some(memory) = client.buffer.release() {
            self.buffers.borrow_mut().give(memory);
        }
        self.give_out(std::mem::take(&mut client.out));
    }

    /// An empty buffer for bytes on their way out.
    pub(crate) fn take_out(&self) -> Vec<u8> {
        self.outs
            .borrow_mut()
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(4096))
    }

    pub(crate) fn give_out(&self, mut out: Vec<u8>) {
        let mut outs = self.outs.borrow_mut();
        // One large answer must not make every later one hold its memory.
        if out.capacity() > 0 && out.capacity() <= 64 * 1024 && outs.len() < 64 {
            out.clear();
            outs.push(out);
        }
    }

    /// A head to read a peer's answer into.
    pub(crate) fn take_answer(&self) -> Rc<ResponseHead> {
        self.answers.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_answer(&self, answer: Rc<ResponseHead>) {
        let mut answers = self.answers.borrow_mut();
        if Rc::strong_count(&answer) == 1 && answers.len() < 64 {
            answers.push(answer);
        }
    }

    pub(crate) fn buffer_memory(&self) -> Vec<u8> {
        self.buffers.borrow_mut().take()
    }

    pub(crate) fn give_back(&self, memory: Vec<u8>) {
        self.buffers.borrow_mut().give(memory);
    }

    pub(crate) fn take_head(&self) -> Box<RequestHead> {
        self.heads.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_head(&self, head: Box<RequestHead>) {
        let mut heads = self.heads.borrow_mut();
        if heads.len() < 64 {
            heads.push(head);
        }
    }
}

/// Counts a connection for as long as it is open, however it ends.
struct Open(Rc<Worker>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counters().connection_closed();
        drop(Busy(Rc::clone(&self.0)));
    }
}

/// Counts what keeps a worker from ending.
struct Busy(Rc<Worker>);

impl Drop for Busy {
    fn drop(&mut self) {
        let left = self.0.connections.get() - 1;
        self.0.connections.set(left);
        if left == 0 {
            self.0.last_gone.notify_waiters();
        }
    }
}
