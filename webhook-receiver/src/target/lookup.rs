//! Names to addresses: by the system, or by asking one DNS server, such as our own DNS hook, which is how the lab
//! shows that a name may point anywhere. Names under `localhost` are this machine without asking (RFC 6761).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::timeout;

/// How long a DNS server may take; there is no second try, the delivery has its own.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who is asked.
#[derive(Clone, Copy, Debug, Default)]
pub enum Lookup {
    #[default]
    System,
    Server(SocketAddr),
}

impl Lookup {
    /// All addresses of `name`; none if there are none or nobody knows.
    pub(super) async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let bare = name.trim_end_matches('.').to_ascii_lowercase();
        let own = bare == "localhost" || bare.ends_with(".localhost");
        // One server that was named to be asked is asked about everything but ourselves: it may be our own DNS hook.
        let asked = matches!(self, Self::Server(_)) && bare != "localhost";
        if own && !asked {
            return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        match self {
            Self::System => match lookup_host((name, 0)).await {
                Ok(found) => found.map(|address| address.ip()).collect(),
                Err(_) => Vec::new(),
            },
            Self::Server(server) => {
                let (four, six) = tokio::join!(
                    ask(*server, &bare, RecordType::A),
                    ask(*server, &bare, RecordType::AAAA),
                );
                four.into_iter().chain(six).flatten().collect()
            }
        }
    }
}

async fn ask(server: SocketAddr, name: &str, kind: RecordType) -> Option<Vec<IpAddr>> {
    let id = rand::random();
    let mut question = Message::new(id, MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(
        Name::from_ascii(format!("{name}.")).ok()?,
        kind,
    ));
    let local: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(local).await.ok()?;
    socket.connect(server).await.ok()?;
    socket.send(&question.to_vec().ok()?).await.ok()?;
    let mut bytes = [0; 1232];
    let length = timeout(PATIENCE, socket.recv(&mut bytes))
        .await
        .ok()?
        .ok()?;
    let answer = Message::from_vec(&bytes[..length]).ok()?;
    if answer.metadata.id != id {
        return None;
    }
    let address = |data: &RData| match data {
        RData::A(four) => Some(IpAddr::V4(four.0)),
        RData::AAAA(six) => Some(IpAddr::V6(six.0)),
        _ => None,
    };
    let records = answer.answers.iter();
    Some(records.filter_map(|record| address(&record.data)).collect())
}
