//! The generated client against the real server on a socket: results of every shape, faults, and what a network adds.

use service::Shutdown;
use soap_demo::client::{Calculator, CallError, CountryInfoService, TempConvert, Version};
use soap_demo::client::{ISBNService, Language, NumberConversion};
use tokio::net::TcpListener;

const VERSIONS: [Version; 2] = [Version::Soap11, Version::Soap12];

/// A server of this test's own, which ends with it; where it is.
async fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let config = soap_demo::Config::default();
    let shutdown = Shutdown::new();
    tokio::spawn(soap_demo::run(listener, config, shutdown));
    origin
}

#[tokio::test]
async fn a_remote_call_reads_like_a_local_one() {
    let origin = server().await;
    // ANCHOR: call
    let client = CountryInfoService::at(&origin, Version::Soap12).unwrap();
    let capital = client.capital_city("BR").await.unwrap();
    // ANCHOR_END: call
    assert_eq!(capital, "Brasília");
}

#[tokio::test]
async fn results_of_every_shape_arrive_typed_in_both_versions() {
    let origin = server().await;
    for version in VERSIONS {
        let countries = CountryInfoService::at(&origin, version).unwrap();
        let brazil = countries.full_country_info("BR").await.unwrap();
        let portuguese = Language {
            iso_code: "pt".into(),
            name: "Portuguese".into(),
        };
        assert_eq!(
            (brazil.capital_city.as_str(), brazil.languages),
            ("Brasília", vec![portuguese])
        );
        let all = countries.full_country_info_all_countries().await.unwrap();
        assert_eq!(all.len(), 250);
        let calculator = Calculator::at(&origin, version).unwrap();
        assert_eq!(calculator.add(17, -5).await.unwrap(), 12);
        let numbers = NumberConversion::at(&origin, version).unwrap();
        assert_eq!(numbers.number_to_words(500).await.unwrap(), "five hundred ");
        let books = ISBNService::at(&origin, version).unwrap();
        assert!(books.is_valid_isbn10("0-19-852663-6").await.unwrap());
        let degrees = TempConvert::at(&origin, version).unwrap();
        let fahrenheit = degrees.celsius_to_fahrenheit("20").await.unwrap();
        assert_eq!(fahrenheit.as_deref(), Some("68"));
    }
}

#[tokio::test]
async fn a_fault_is_an_error_with_the_versions_own_code() {
    let origin = server().await;
    for (version, expected) in [(Version::Soap11, "Server"), (Version::Soap12, "Receiver")] {
        let calculator = Calculator::at(&origin, version).unwrap();
        match calculator.divide(1, 0).await {
            Err(CallError::Fault { code, reason }) => {
                assert_eq!(code, expected);
                assert!(reason.contains("divide by zero"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn no_server_is_an_error_that_a_local_call_can_not_have() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = CountryInfoService::at(&origin, Version::Soap11).unwrap();
    let error = client.capital_city("BR").await.unwrap_err();
    assert!(matches!(error, CallError::Network(_)), "{error:?}");
}
