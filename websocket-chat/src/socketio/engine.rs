//! One Engine.IO session: a task that owns what the client is in the chat, and a [`Pipe`] through which whatever
//! transport is there at the moment brings and fetches packets. One task and two queues: so nothing is overtaken.

use std::collections::HashMap;
use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use super::engine_packet::{EnginePacket, Heartbeat};
use super::events::Namespace;
use super::packet::{Kind, Packet, ROOT};
use crate::hub::Hub;
use crate::session::Outgoing;

/// The namespaces that there are: Socket.IO's default one and the module's.
const NAMESPACES: [&str; 2] = [ROOT, "/chat"];
/// Packets that wait for the session, or for the transport.
const QUEUE: usize = 256;
/// Who has not entered a namespace by then has no business here.
const ENTER: Duration = Duration::from_secs(10);

/// Between a session and its transport.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) incoming: mpsc::Sender<EnginePacket>,
    /// Whoever holds it is the transport.
    pub(crate) outgoing: tokio::sync::Mutex<mpsc::Receiver<EnginePacket>>,
    /// A WebSocket has been probed: a poll that waits must end, so that the client can change over.
    pub(crate) upgrading: AtomicBool,
    pub(crate) release: Notify,
    pub(crate) on_websocket: AtomicBool,
}

/// The sessions by their id, which is a secret of the client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<String, Arc<Pipe>>>>);

impl Sessions {
    pub(crate) fn find(&self, sid: &str) -> Option<Arc<Pipe>> {
        self.all().get(sid).cloned()
    }

    /// Starts a session; its first packet is in the pipe already.
    pub(crate) fn open(
        &self,
        hub: Hub,
        on_websocket: bool,
        first: impl FnOnce(&str) -> EnginePacket,
    ) -> Option<Arc<Pipe>> {
        let mut all = self.all();
        if all.len() >= hub.limits().connections {
            return None;
        }
        let sid = Uuid::new_v4().simple().to_string();
        let (incoming, heard) = mpsc::channel(QUEUE);
        let (told, outgoing) = mpsc::channel(QUEUE);
        told.try_send(first(&sid)).expect("an empty queue has room");
        let pipe = Arc::new(Pipe {
            incoming,
            outgoing: tokio::sync::Mutex::new(outgoing),
            upgrading: AtomicBool::new(false),
            release: Notify::new(),
            on_websocket: AtomicBool::new(on_websocket),
        });
        all.insert(sid.clone(), Arc::clone(&pipe));
        drop(all);
        let sessions = self.clone();
        let heartbeat = heartbeat(&hub);
        tokio::spawn(async move {
            let mut member = Member {
                hub,
                told,
                namespaces: Vec::new(),
            };
            member.live(heard, heartbeat).await;
            sessions.all().remove(&sid);
        });
        Some(pipe)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Pipe>>> {
        self.0.lock().expect("nobody panics while holding it")
    }
}

impl Pipe {
    /// False if too much waits for the session already: it will be closed.
    pub(crate) fn bring(&self, packet: EnginePacket) -> bool {
        self.incoming.try_send(packet).is_ok()
    }

    pub(crate) fn upgrade_begins(&self) {
        self.upgrading.store(true, Ordering::Release);
        self.release.notify_waiters();
    }

    pub(crate) fn upgrade_fails(&self) {
        self.upgrading.store(false, Ordering::Release);
    }
}

pub(crate) fn heartbeat(hub: &Hub) -> Heartbeat {
    let interval = hub.limits().heartbeat;
    Heartbeat {
        interval,
        timeout: interval * 4 / 5,
    }
}

/// The session's task.
struct Member {
    hub: Hub,
    told: mpsc::Sender<EnginePacket>,
    namespaces: Vec<Namespace>,
}

/// The session is over.
struct Over;

impl Member {
    async fn live(&mut self, mut heard: mpsc::Receiver<EnginePacket>, beat: Heartbeat) {
        let opened = Instant::now();
        let mut pinged = false;
        let mut alarm = pin!(sleep_until(opened + beat.interval.min(ENTER)));
        loop {
            let going_on = tokio::select! {
                packet = heard.recv() => match packet {
                    Some(EnginePacket::Pong(_)) => {
                        pinged = false;
                        alarm.as_mut().reset(Instant::now() + beat.interval);
                        Ok(())
                    }
                    Some(EnginePacket::Message(text)) => self.hear(&text).await,
                    Some(EnginePacket::Noop | EnginePacket::Upgrade) => Ok(()),
                    _ => Err(Over),
                },
                (index, outgoing) = next(&mut self.namespaces) => self.tell(index, outgoing).await,
                () = alarm.as_mut() => {
                    if pinged || self.namespaces.is_empty() {
                        Err(Over)
                    } else if opened.elapsed() < beat.interval {
                        alarm.as_mut().reset(opened + beat.interval);
                        Ok(())
                    } else {
                        pinged = true;
                        alarm.as_mut().reset(Instant::now() + beat.timeout);
                        self.send(EnginePacket::Ping(String::new())).await
                    }
                }
            };
            if going_on.is_err() {
                return;
            }
        }
    }

    /// A client that does not fetch what it is told is left.
    async fn send(&self, packet: EnginePacket) -> Result<(), Over> {
        match timeout(self.hub.limits().stalled, self.told.send(packet)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Over),
        }
    }

    async fn send_all(&self, packets: Vec<Packet>) -> Result<(), Over> {
        for packet in packets {
            self.send(EnginePacket::Message(packet.encode())).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, text: &str) -> Result<(), Over> {
        let Packet { namespace, kind } = Packet::parse(text).map_err(|error| {
            tracing::debug!(%error, "not a Socket.IO packet");
            Over
        })?;
        let place = self
            .namespaces
            .iter()
            .position(|known| known.name == namespace);
        match (kind, place) {
            (Kind::Connect(_), None) => {
                let answer = self.enter(namespace);
                self.send_all(vec![answer]).await
            }
            (
                Kind::Event {
                    name,
                    arguments,
                    id,
                },
                Some(place),
            ) => {
                let answers = self.namespaces[place].take(&name, &arguments, id);
                self.send_all(answers).await
            }
            (Kind::Disconnect, Some(place)) => {
                self.namespaces.swap_remove(place);
                Ok(())
            }
            (Kind::Ack { .. }, Some(_)) | (Kind::Disconnect, None) => Ok(()),
            _ => Err(Over),
        }
    }

    fn enter(&mut self, namespace: String) -> Packet {
        let refused = |namespace, reason: &str| {
            let kind = Kind::ConnectError(reason.to_owned());
            Packet { namespace, kind }
        };
        if !NAMESPACES.contains(&namespace.as_str()) {
            return refused(namespace, "Invalid namespace");
        }
        let session = match self.hub.connect() {
            Ok(session) => session,
            Err(busy) => return refused(namespace, &busy.to_string()),
        };
        self.namespaces
            .push(Namespace::new(namespace.clone(), session));
        let sid = Uuid::new_v4().simple().to_string();
        let kind = Kind::Connect(Some(json!({ "sid": sid })));
        Packet { namespace, kind }
    }

    async fn tell(&mut self, index: usize, outgoing: Outgoing) -> Result<(), Over> {
        match outgoing {
            Outgoing::Event(event) => {
                let packets = self.namespaces[index].translate(event.message());
                self.send_all(packets).await
            }
            Outgoing::Close(code, reason) => {
                tracing::debug!(%code, reason, "a Socket.IO client is closed");
                let namespace = self.namespaces.swap_remove(index).name;
                let kind = Kind::Disconnect;
                self.send_all(vec![Packet { namespace, kind }]).await?;
                self.send(EnginePacket::Close).await?;
                Err(Over)
            }
        }
    }
}

/// What any of the namespaces is to be told next.
async fn next(namespaces: &mut [Namespace]) -> (usize, Outgoing) {
    std::future::poll_fn(|context| {
        for (index, namespace) in namespaces.iter_mut().enumerate() {
            if let Poll::Ready(outgoing) = pin!(namespace.session.next()).poll(context) {
                return Poll::Ready((index, outgoing));
            }
        }
        Poll::Pending
    })
    .await
}
