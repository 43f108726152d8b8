//! The process shell over real sockets: bind, serve, drain, healthcheck.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use service::{BindError, HealthcheckError, Shutdown, bind, healthcheck, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

#[tokio::test]
async fn a_taken_port_is_explained_and_names_who_has_it() {
    let first = bind("127.0.0.1:0").await.unwrap();
    let address = first.local_addr().unwrap().to_string();
    let error = bind(&address).await.unwrap_err();
    assert!(matches!(error, BindError::Taken(..)), "{error}");
    assert!(error.to_string().contains("choose another port"), "{error}");
    #[cfg(target_os = "linux")]
    assert!(
        error
            .to_string()
            .contains(&format!("pid {}", std::process::id())),
        "{error}"
    );
}

#[tokio::test]
async fn an_address_without_a_port_is_explained() {
    let error = bind("127.0.0.1").await.unwrap_err();
    assert!(error.to_string().contains("HOST:PORT"), "{error}");
}

#[test]
fn addresses_become_urls_a_person_can_click() {
    let url = |address: &str| service::clickable(address.parse().unwrap());
    assert_eq!(url("0.0.0.0:80"), "http://localhost/");
    assert_eq!(url("127.0.0.1:5000"), "http://127.0.0.1:5000/");
    assert_eq!(url("[::1]:8080"), "http://[::1]:8080/");
}

/// Asks for `/`, and sends the rest of the answer when the test says so.
fn app(entered: oneshot::Sender<()>, release: oneshot::Receiver<()>) -> Router {
    let once = std::sync::Arc::new(std::sync::Mutex::new(Some((entered, release))));
    let held = move || async move {
        let (entered, release) = once.lock().unwrap().take().unwrap();
        entered.send(()).unwrap();
        let _ = release.await;
        "answered"
    };
    Router::new()
        .route("/held", get(held))
        .route("/healthz", get(|| async { "ok" }))
}

#[tokio::test]
async fn a_request_in_flight_is_answered_after_the_shutdown_and_new_ones_are_refused() {
    let listener = bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, (entered, is_entered), (release, is_released)) =
        (Shutdown::new(), oneshot::channel(), oneshot::channel());
    let server = tokio::spawn(serve(
        listener,
        app(entered, is_released),
        shutdown.clone(),
        Duration::from_secs(30),
    ));
    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET /held HTTP/1.1\r\nHost: test\r\n\r\n")
        .await
        .unwrap();
    is_entered.await.unwrap();

    shutdown.trigger();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("answered"),
        "{answer}"
    );
    server.await.unwrap();
}

#[tokio::test]
async fn who_is_not_done_at_the_deadline_is_cut_off() {
    let listener = bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, (entered, is_entered), (_release, is_released)) =
        (Shutdown::new(), oneshot::channel(), oneshot::channel());
    let app = app(entered, is_released);
    let server = tokio::spawn(serve(
        listener,
        app,
        shutdown.clone(),
        Duration::from_millis(20),
    ));
    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET /held HTTP/1.1\r\nHost: test\r\n\r\n")
        .await
        .unwrap();
    is_entered.await.unwrap();

    shutdown.trigger();
    server.await.unwrap();
    let mut answer = String::new();
    assert!(
        client.read_to_string(&mut answer).await.is_err() || answer.is_empty(),
        "{answer}"
    );
}

#[tokio::test]
async fn healthcheck_tells_healthy_from_unhealthy_from_unreachable() {
    let listener = bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, (entered, _), (_release, is_released)) =
        (Shutdown::new(), oneshot::channel(), oneshot::channel());
    let app = app(entered, is_released);
    let server = tokio::spawn(serve(
        listener,
        app,
        shutdown.clone(),
        Duration::from_secs(30),
    ));
    let check = move |path: &'static str| {
        tokio::task::spawn_blocking(move || healthcheck(&format!("http://{address}{path}")))
    };
    check("/healthz").await.unwrap().unwrap();
    let lost = check("/nothing-here").await.unwrap().unwrap_err();
    assert!(matches!(lost, HealthcheckError::Unhealthy(..)), "{lost}");
    shutdown.trigger();
    server.await.unwrap();
    let gone = check("/healthz").await.unwrap().unwrap_err();
    assert!(matches!(gone, HealthcheckError::Unreachable(..)), "{gone}");
}
