//! A server on a free port and clients that say and expect things; whatever takes ten seconds has failed.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use service::Shutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use websocket_chat::protocol::{ClientMessage, ServerMessage};
use websocket_chat::{Config, Limits};

const PATIENCE: Duration = Duration::from_secs(10);

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    running: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let config = Config {
            limits,
            ..Config::default()
        };
        let running = tokio::spawn(websocket_chat::run(listener, config, shutdown.clone()));
        Self {
            address,
            shutdown,
            running,
        }
    }

    /// Waits until the server has ended.
    pub(crate) async fn ended(self) {
        timeout(PATIENCE, self.running)
            .await
            .expect("the server ends")
            .unwrap();
    }

    /// Somebody who has said hello.
    pub(crate) async fn client(&self, name: &str) -> Client {
        let mut client = Client::connect(self.address, "/chat").await;
        client.hello(name, None).await;
        client
    }

    /// Somebody in a room.
    pub(crate) async fn member(&self, name: &str, room: &str) -> Client {
        let mut client = self.client(name).await;
        client.join(room, None).await;
        client
    }
}

/// A client of the server.
pub(crate) struct Client {
    pub(crate) stream: WebSocketStream<TcpStream>,
    pub(crate) session: String,
    pub(crate) epoch: String,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, path: &str) -> Self {
        let tcp = TcpStream::connect(address).await.unwrap();
        Self::upgrade(tcp, address, path).await
    }

    /// One whose kernel takes little, so that it is soon noticed when it does not read.
    pub(crate) async fn connect_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 << 10).unwrap();
        let tcp = socket.connect(address).await.unwrap();
        Self::upgrade(tcp, address, "/chat").await
    }

    async fn upgrade(tcp: TcpStream, address: SocketAddr, path: &str) -> Self {
        tcp.set_nodelay(true).unwrap();
        let url = format!("ws://{address}{path}");
        let (stream, _) = tokio_tungstenite::client_async(url, tcp).await.unwrap();
        Self {
            stream,
            session: String::new(),
            epoch: String::new(),
        }
    }

    pub(crate) async fn hello(&mut self, name: &str, session: Option<String>) {
        let name = name.to_owned();
        self.send(ClientMessage::Hello { name, session }).await;
        match self.next().await {
            ServerMessage::Welcome { session, .. } => self.session = session,
            other => panic!("no welcome but {other:?}"),
        }
    }

    /// Joins; gives `(head, recovered, members)`.
    pub(crate) async fn join(
        &mut self,
        room: &str,
        resume: Option<(String, u64)>,
    ) -> (u64, bool, Vec<String>) {
        let (epoch, after) = resume.unzip();
        let room = room.to_owned();
        self.send(ClientMessage::Join { room, epoch, after }).await;
        loop {
            if let ServerMessage::Joined {
                epoch,
                head,
                recovered,
                members,
                ..
            } = self.next().await
            {
                self.epoch = epoch;
                return (head, recovered, members);
            }
        }
    }

    pub(crate) async fn send(&mut self, message: ClientMessage) {
        let text = serde_json::to_string(&message).unwrap();
        self.stream.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn say(&mut self, room: &str, id: &str, text: &str) {
        let (room, id, text) = (room.to_owned(), id.to_owned(), text.to_owned());
        self.send(ClientMessage::Say { room, id, text }).await;
    }

    /// The next thing on the line.
    pub(crate) async fn raw(&mut self) -> Option<Message> {
        timeout(PATIENCE, self.stream.next())
            .await
            .expect("something comes")
            .map(|message| message.expect("the line holds"))
    }

    pub(crate) async fn next(&mut self) -> ServerMessage {
        loop {
            match self.raw().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).expect(&text),
                Some(Message::Ping(_)) => {}
                other => panic!("no message but {other:?}"),
            }
        }
    }

    /// The next message that `pick` wants.
    pub(crate) async fn find<T>(&mut self, pick: impl Fn(ServerMessage) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(self.next().await) {
                return found;
            }
        }
    }

    /// The number under which `id` was kept.
    pub(crate) async fn acked(&mut self, id: &str) -> Option<u64> {
        self.find(|message| match message {
            ServerMessage::Ack { id: acked, seq, .. } if acked == id => Some(seq),
            ServerMessage::Error { reason, .. } => panic!("refused: {reason}"),
            _ => None,
        })
        .await
    }

    /// The next message in a room: its number and text.
    pub(crate) async fn message(&mut self) -> (u64, String) {
        self.find(|message| match message {
            ServerMessage::Message { seq, text, .. } => Some((seq, text)),
            _ => None,
        })
        .await
    }

    /// Reads until the server closes: the code and the reason.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.raw().await {
                Some(Message::Close(Some(frame))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Message::Close(None)) | None => panic!("closed without a reason"),
                Some(_) => {}
            }
        }
    }
}
