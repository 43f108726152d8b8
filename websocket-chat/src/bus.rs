//! More instances with the same rooms, over Redis. A message is kept by one script that gives it the room's next
//! number and puts it into two streams: the room's, which outlives every instance, and the bus, which each instance
//! follows. It is acknowledged when Redis has it, and shown when it comes back, at every instance in the same order.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::streams::{StreamId, StreamRangeReply, StreamReadReply};
use redis::{AsyncConnectionConfig, Client, Pipeline, RedisError, Value, cmd};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::draft::Draft;
use crate::hub::Hub;
use crate::mailbox::Mailbox;
use crate::protocol::{ErrorCode, ServerMessage};
use crate::room::{Event, Room};

/// How many messages wait to be kept; then senders are told to try later.
const WAITING: usize = 4096;
/// How many go to Redis at once.
const BATCH: usize = 128;
/// How many messages a room's stream keeps, and how many an instance fetches when it opens the room.
const KEPT: usize = 10_000;
const FETCHED: usize = 2_000;
/// How long the bus waits for news before it asks again.
const BLOCK: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(200);

const BUS: &str = "chat:bus";

/// Keeps a message once. KEYS: the room's counter and stream, the bus, the author's id of the message; ARGV: the
/// draft, the room, how many messages to keep.
const KEEP: &str = "
local said = redis.call('GET', KEYS[4])
if said then return tonumber(said) end
local seq = redis.call('INCR', KEYS[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], seq .. '-0', 'draft', ARGV[1])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'room', ARGV[2], 'seq', seq, 'draft', ARGV[1])
redis.call('SET', KEYS[4], seq, 'EX', 86400)
return seq
";

/// The instance's end of the bus.
#[derive(Clone, Debug)]
pub(crate) struct Bus {
    to_keep: mpsc::Sender<Keep>,
    to_open: mpsc::Sender<Arc<Room>>,
}

/// A message on its way to Redis, and whom to tell.
#[derive(Debug)]
struct Keep {
    room: Arc<Room>,
    draft: Draft,
    author: Arc<Mailbox>,
}

/// The other ends, until the hub is there.
#[derive(Debug)]
pub(crate) struct Ends {
    client: Client,
    manager: ConnectionManager,
    to_keep: mpsc::Receiver<Keep>,
    to_open: mpsc::Receiver<Arc<Room>>,
}

impl Bus {
    /// Connects; gives the epoch of the numbers that are kept there, too.
    pub(crate) async fn connect(url: &str) -> Result<(Self, String, Ends), RedisError> {
        let client = Client::open(url)?;
        let mut manager =
            ConnectionManager::new_with_config(client.clone(), ConnectionManagerConfig::new())
                .await?;
        let epoch = format!("{:x}", crate::hub::now());
        let _: Value = cmd("SET")
            .arg("chat:epoch")
            .arg(epoch)
            .arg("NX")
            .query_async(&mut manager)
            .await?;
        let epoch = cmd("GET")
            .arg("chat:epoch")
            .query_async(&mut manager)
            .await?;
        let (keep_sender, to_keep) = mpsc::channel(WAITING);
        let (open_sender, to_open) = mpsc::channel(WAITING);
        let bus = Self {
            to_keep: keep_sender,
            to_open: open_sender,
        };
        let ends = Ends {
            client,
            manager,
            to_keep,
            to_open,
        };
        Ok((bus, epoch, ends))
    }

    /// Has a message kept; false if too many wait. The author is told when it is.
    pub(crate) fn keep(&self, room: &Arc<Room>, draft: Draft, author: &Arc<Mailbox>) -> bool {
        let (room, author) = (Arc::clone(room), Arc::clone(author));
        let keep = Keep {
            room,
            draft,
            author,
        };
        self.to_keep.try_send(keep).is_ok()
    }

    /// Has the room's past fetched; false if too many wait.
    pub(crate) fn open(&self, room: &Arc<Room>) -> bool {
        self.to_open.try_send(Arc::clone(room)).is_ok()
    }
}

impl Ends {
    /// Works until the hub is gone.
    pub(crate) async fn run(self, hub: Hub) {
        let keeping = keep_all(self.manager.clone(), self.to_keep);
        let opening = open_all(self.manager.clone(), self.to_open);
        let following = follow(self.client, self.manager, hub);
        tokio::join!(keeping, opening, following);
    }
}

async fn keep_all(mut redis: ConnectionManager, mut to_keep: mpsc::Receiver<Keep>) {
    let mut batch = Vec::new();
    while to_keep.recv_many(&mut batch, BATCH).await > 0 {
        let mut pipeline = Pipeline::new();
        for keep in &batch {
            let json = serde_json::to_string(&keep.draft).expect("strings and numbers encode");
            let room = &keep.room.name;
            pipeline
                .cmd("EVAL")
                .arg(KEEP)
                .arg(4)
                .arg(format!("chat:seq:{room}"))
                .arg(stream_of(room))
                .arg(BUS)
                .arg(format!("chat:said:{:016x}:{room}", keep.draft.said().key))
                .arg(json)
                .arg(room)
                .arg(KEPT);
        }
        let kept: Result<Vec<u64>, _> = pipeline.query_async(&mut redis).await;
        if let Err(error) = &kept {
            tracing::warn!(%error, messages = batch.len(), "Redis did not keep messages");
        }
        let mut numbers = kept.unwrap_or_default().into_iter();
        for keep in batch.drain(..) {
            let answer = answer(keep.room.name.clone(), keep.draft.id, numbers.next());
            keep.author.leave(Event::new(&answer));
        }
    }
}

fn answer(room: String, id: String, seq: Option<u64>) -> ServerMessage {
    match seq {
        Some(_) => ServerMessage::Ack {
            id,
            room: Some(room),
            seq,
        },
        None => ServerMessage::Error {
            code: ErrorCode::Unavailable,
            reason: "the message may not be kept; say it again with the same id".to_owned(),
            id: Some(id),
        },
    }
}

/// Fetches the past of each room that somebody enters first here.
async fn open_all(mut redis: ConnectionManager, mut to_open: mpsc::Receiver<Arc<Room>>) {
    while let Some(room) = to_open.recv().await {
        while let Err(error) = open(&mut redis, &room).await {
            tracing::warn!(%error, room = room.name, "a room's past can't be fetched");
            sleep(PAUSE).await;
        }
    }
}

async fn open(redis: &mut ConnectionManager, room: &Room) -> Result<(), RedisError> {
    let mut past: StreamRangeReply = cmd("XREVRANGE")
        .arg(stream_of(&room.name))
        .arg("+")
        .arg("-")
        .arg("COUNT")
        .arg(FETCHED)
        .query_async(redis)
        .await?;
    past.ids.reverse();
    fill(room, &past.ids);
    // What the bus told since it was asked was not for a room without its past; from now on it is.
    room.loaded();
    catch_up(redis, room).await
}

/// Fetches what comes after the room's last message.
async fn catch_up(redis: &mut ConnectionManager, room: &Room) -> Result<(), RedisError> {
    let missed: StreamRangeReply = cmd("XRANGE")
        .arg(stream_of(&room.name))
        .arg(format!("{}-0", room.seq() + 1))
        .arg("+")
        .query_async(redis)
        .await?;
    fill(room, &missed.ids);
    Ok(())
}

fn fill(room: &Room, entries: &[StreamId]) {
    for entry in entries {
        let seq = entry
            .id
            .split_once('-')
            .and_then(|(seq, _)| seq.parse().ok());
        match (seq, draft_of(entry)) {
            (Some(seq), Some(draft)) => room.fill(seq, &draft),
            _ => tracing::warn!(id = entry.id, "an entry that no instance wrote"),
        }
    }
}

fn draft_of(entry: &StreamId) -> Option<Draft> {
    let json: String = entry.get("draft")?;
    serde_json::from_str(&json).ok()
}

/// Follows the bus, from now on or from where the connection was lost.
async fn follow(client: Client, mut redis: ConnectionManager, hub: Hub) {
    let mut last = None;
    loop {
        if let Err(error) = follow_until(&client, &mut redis, &hub, &mut last).await {
            tracing::warn!(%error, "the bus is lost, connecting again");
        }
        sleep(PAUSE).await;
    }
}

async fn follow_until(
    client: &Client,
    redis: &mut ConnectionManager,
    hub: &Hub,
    last: &mut Option<String>,
) -> Result<(), RedisError> {
    let patient = AsyncConnectionConfig::new().set_response_timeout(Some(BLOCK * 5));
    let mut bus = client
        .get_multiplexed_async_connection_with_config(&patient)
        .await?;
    let mut from = match last.take() {
        Some(last) => last,
        None => newest(&mut bus).await?,
    };
    loop {
        *last = Some(from.clone());
        let news: Option<StreamReadReply> = cmd("XREAD")
            .arg("COUNT")
            .arg(1000)
            .arg("BLOCK")
            .arg(u64::try_from(BLOCK.as_millis()).expect("it is a second"))
            .arg("STREAMS")
            .arg(BUS)
            .arg(&from)
            .query_async(&mut bus)
            .await?;
        for entry in news
            .into_iter()
            .flat_map(|news| news.keys)
            .flat_map(|key| key.ids)
        {
            take(redis, hub, &entry).await?;
            from = entry.id;
        }
    }
}

async fn newest(bus: &mut MultiplexedConnection) -> Result<String, RedisError> {
    let newest: StreamRangeReply = cmd("XREVRANGE")
        .arg(BUS)
        .arg("+")
        .arg("-")
        .arg("COUNT")
        .arg(1)
        .query_async(bus)
        .await?;
    let id = newest.ids.into_iter().next().map(|entry| entry.id);
    Ok(id.unwrap_or_else(|| "0-0".to_owned()))
}

/// Takes over one message of the bus, if anybody here is in its room.
async fn take(
    redis: &mut ConnectionManager,
    hub: &Hub,
    entry: &StreamId,
) -> Result<(), RedisError> {
    let (Some(name), Some(seq), Some(draft)) = (
        entry.get::<String>("room"),
        entry.get::<u64>("seq"),
        draft_of(entry),
    ) else {
        tracing::warn!(id = entry.id, "an entry that no instance wrote");
        return Ok(());
    };
    if let Some(room) = hub.known(&name)
        && !room.apply(seq, &draft)
    {
        // The bus was trimmed while the connection was lost; the room's stream is longer.
        catch_up(redis, &room).await?;
    }
    Ok(())
}

fn stream_of(room: &str) -> String {
    format!("chat:room:{room}")
}
