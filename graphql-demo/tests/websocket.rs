//! graphql-transport-ws: answers, and the close codes that the protocol asks for. What npm's `graphql-ws` sees is tested
//! by `tests/clients`.

mod running;

use futures_util::{SinkExt, StreamExt};
use running::Demo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<TcpStream>;

async fn connect(demo: &Demo, protocol: &str) -> Socket {
    let stream = TcpStream::connect(demo.address).await.unwrap();
    let url = format!("ws://{}/graphql", demo.address);
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
    client_async(request, stream).await.unwrap().0
}

async fn say(socket: &mut Socket, message: &Value) {
    socket
        .send(Message::text(message.to_string()))
        .await
        .unwrap();
}

async fn hear(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The code that the server closes with.
async fn close_code(mut socket: Socket) -> u16 {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => return frame.code.into(),
            Message::Close(None) => panic!("closed without a code"),
            _ => {}
        }
    }
}

fn subscribe(id: &str, query: &str) -> Value {
    json!({"type": "subscribe", "id": id, "payload": {"query": query}})
}

const CHANGES: &str = "subscription { favouritesChanged { action country { code } } }";

#[tokio::test]
async fn the_server_closes_with_the_protocols_codes() {
    let demo = Demo::start().await;
    let init = json!({"type": "connection_init"});
    let subscription = subscribe("1", CHANGES);
    for (title, messages, code) in [
        ("silence", vec![], 4408),
        ("subscribe before init", vec![subscription.clone()], 4401),
        ("two inits", vec![init.clone(), init.clone()], 4429),
        (
            "a duplicate id",
            vec![init.clone(), subscription.clone(), subscription],
            4409,
        ),
        (
            "an unknown type",
            vec![init.clone(), json!({"type": "hello"})],
            4400,
        ),
        ("no object", vec![json!(1)], 4400),
        (
            "no id",
            vec![
                init.clone(),
                json!({"type": "subscribe", "payload": {"query": "{__typename}"}}),
            ],
            4400,
        ),
        (
            "an empty id",
            vec![init.clone(), subscribe("", "{__typename}")],
            4400,
        ),
        (
            "no query",
            vec![
                init.clone(),
                json!({"type": "subscribe", "id": "1", "payload": {}}),
            ],
            4400,
        ),
    ] {
        let mut socket = connect(&demo, "graphql-transport-ws").await;
        for message in &messages {
            say(&mut socket, message).await;
        }
        assert_eq!(close_code(socket).await, code, "{title}");
    }
    let mut bytes = connect(&demo, "graphql-transport-ws").await;
    bytes.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(close_code(bytes).await, 4400);
}

#[tokio::test]
async fn queries_errors_and_pings_are_answered() {
    let demo = Demo::start().await;
    let mut socket = connect(&demo, "graphql-transport-ws").await;
    say(&mut socket, &json!({"type": "connection_init"})).await;
    assert_eq!(hear(&mut socket).await, json!({"type": "connection_ack"}));
    say(&mut socket, &subscribe("q", "{ __typename }")).await;
    let next = json!({"type": "next", "id": "q", "payload": {"data": {"__typename": "Query"}}});
    assert_eq!(hear(&mut socket).await, next);
    assert_eq!(
        hear(&mut socket).await,
        json!({"type": "complete", "id": "q"})
    );
    say(&mut socket, &subscribe("e", "{ nope }")).await;
    let error = hear(&mut socket).await;
    assert_eq!(
        (&error["type"], &error["id"]),
        (&json!("error"), &json!("e"))
    );
    assert!(error["payload"][0]["message"].is_string());
    say(&mut socket, &json!({"type": "ping", "payload": {"a": 1}})).await;
    let pong = json!({"type": "pong", "payload": {"a": 1}});
    assert_eq!(hear(&mut socket).await, pong);
}

#[tokio::test]
async fn a_subscription_hears_changes_until_it_is_completed() {
    let demo = Demo::start().await;
    let mut socket = connect(&demo, "graphql-transport-ws").await;
    say(&mut socket, &json!({"type": "connection_init"})).await;
    hear(&mut socket).await;
    say(&mut socket, &subscribe("s", CHANGES)).await;
    // Operations of one connection start in their order: the mutation comes after the subscription.
    let mutation = |code: &str| format!("mutation {{ addFavourite(code: \"{code}\") {{ code }} }}");
    say(&mut socket, &subscribe("m", &mutation("BR"))).await;
    let mut heard = Vec::new();
    while heard.len() < 3 {
        heard.push(hear(&mut socket).await);
    }
    let change = heard.iter().find(|message| message["id"] == "s").unwrap();
    let data = json!({"favouritesChanged": {"action": "ADDED", "country": {"code": "BR"}}});
    assert_eq!(change["payload"]["data"], data);
    say(&mut socket, &json!({"type": "complete", "id": "s"})).await;
    say(&mut socket, &subscribe("m", &mutation("PT"))).await;
    for kind in ["next", "complete"] {
        let message = hear(&mut socket).await;
        assert_eq!(
            (&message["id"], &message["type"]),
            (&json!("m"), &json!(kind))
        );
    }
}
