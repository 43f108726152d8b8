//! The same facts as REST-style JSON, to compare with: a resource has one URL and always all of its fields, and names
//! other resources by their URLs. Takes `GET /rest/...`; whoever needs a language's name asks a second time.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use countries::{Country, Place};
use serde_json::{Value, json};

pub(super) fn routes() -> Router {
    Router::new()
        .route("/rest/countries/{code}", get(country))
        .route("/rest/languages/{code}", get(language))
        .route("/rest/continents/{code}", get(continent))
}

async fn country(Path(code): Path<String>) -> Response {
    found(countries::country(&code).map(|country| {
        json!({
            "code": country.code,
            "alpha3": country.alpha3,
            "numeric": country.numeric,
            "name": country.name,
            "native": country.native,
            "capital": country.capital,
            "phones": country.phones().collect::<Vec<_>>(),
            "currency": country.currency,
            "emoji": country.emoji,
            "emojiU": country.emoji_u,
            "population": country.population,
            "timeZones": country.time_zones,
            "continent": url("continents", country.continent),
            "languages": urls("languages", &country.languages),
            "borders": urls("countries", &country.borders),
            "states": country.states.iter().map(place).collect::<Vec<_>>(),
        })
    }))
}

async fn language(Path(code): Path<String>) -> Response {
    found(countries::language(&code).map(|language| {
        let spoken = |country: &Country| country.languages.contains(&language.code);
        json!({
            "code": language.code,
            "name": language.name,
            "native": language.native,
            "rtl": language.rtl,
            "countries": countries_where(spoken),
        })
    }))
}

async fn continent(Path(code): Path<String>) -> Response {
    found(countries::continent(&code).map(|continent| {
        let there = |country: &Country| country.continent == continent.code;
        json!({
            "code": continent.code,
            "name": continent.name,
            "countries": countries_where(there),
        })
    }))
}

fn place(place: &Place) -> Value {
    json!({ "code": place.code, "name": place.name })
}

fn countries_where(holds: impl Fn(&Country) -> bool) -> Vec<String> {
    let all = countries::facts().countries.iter();
    all.filter(|country| holds(country))
        .map(|country| url("countries", country.code))
        .collect()
}

fn urls(kind: &str, codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| url(kind, code)).collect()
}

fn url(kind: &str, code: &str) -> String {
    format!("/rest/{kind}/{code}")
}

/// In REST the status line tells whether there is such a thing; in GraphQL it is 200 and null.
fn found(resource: Option<Value>) -> Response {
    match resource {
        Some(resource) => {
            ([(CACHE_CONTROL, "public, max-age=3600")], Json(resource)).into_response()
        }
        None => (
            StatusCode::NOT_FOUND,
            [(CONTENT_TYPE, "application/problem+json")],
            json!({ "title": "no such thing", "status": 404 }).to_string(),
        )
            .into_response(),
    }
}
