//! What a client sent: the parameters of a GET, or the JSON of a POST, one operation or a batch. Persisted queries
//! (a hash in place of the text) are found here.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use apollo_compiler::response::JsonMap;
use axum::extract::Query;
use axum::http::Uri;
use lru::LruCache;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::engine::Operation;
use crate::refusal::Refusal;

/// Operations in one batch.
pub(crate) const MAX_BATCH: usize = 10;
const MAX_PERSISTED: NonZeroUsize = NonZeroUsize::new(200).expect("not zero");
/// Longer texts are not persisted.
const MAX_PERSISTED_BYTES: usize = 8 * 1024;

/// One operation as it is sent.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sent {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<JsonMap>,
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    persisted_query: Option<PersistedQuery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistedQuery {
    version: u32,
    sha256_hash: String,
}

/// One operation, or several that are answered by a list.
pub(crate) enum Body {
    Single(Sent),
    Batch(Vec<Sent>),
}

/// The JSON of a POST.
pub(crate) fn body(bytes: &[u8]) -> Result<Body, Refusal> {
    let unreadable = |error: serde_json::Error| {
        Refusal::bad_request(format!("The body is no GraphQL request in JSON: {error}"))
    };
    if bytes.trim_ascii_start().first() != Some(&b'[') {
        return Ok(Body::Single(
            serde_json::from_slice(bytes).map_err(unreadable)?,
        ));
    }
    let batch: Vec<Sent> = serde_json::from_slice(bytes).map_err(unreadable)?;
    if batch.is_empty() || batch.len() > MAX_BATCH {
        let text = format!("A batch has to hold 1 to {MAX_BATCH} operations.");
        return Err(Refusal::bad_request(text));
    }
    Ok(Body::Batch(batch))
}

/// The operation of a POST that is no batch: all that the fuzzer needs.
pub(crate) fn only_operation(bytes: &[u8], persisted: &Persisted) -> Result<Operation, Refusal> {
    match body(bytes)? {
        Body::Single(sent) => sent.operation(persisted),
        Body::Batch(_) => Err(Refusal::bad_request("A batch.")),
    }
}

/// The parameters of a GET.
pub(crate) fn parameters(uri: &Uri) -> Result<Sent, Refusal> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| Refusal::bad_request("The URL's query can't be read."))?;
    let mut sent = Sent::default();
    for (name, value) in pairs {
        let unreadable = |error| Refusal::bad_request(format!("`{name}` is wrong JSON: {error}"));
        match name.as_str() {
            "query" => sent.query = Some(value),
            "operationName" => sent.operation_name = Some(value).filter(|name| !name.is_empty()),
            "variables" if !value.is_empty() => {
                sent.variables = serde_json::from_str(&value).map_err(unreadable)?;
            }
            "extensions" if !value.is_empty() => {
                sent.extensions = serde_json::from_str(&value).map_err(unreadable)?;
            }
            _ => {}
        }
    }
    Ok(sent)
}

impl Sent {
    /// Whether there is anything to execute, so that a person with a browser is not meant.
    pub(crate) fn is_empty(&self) -> bool {
        self.query.is_none() && self.extensions.is_none()
    }

    /// The operation, with its text looked up if only its hash was sent.
    pub(crate) fn operation(self, persisted: &Persisted) -> Result<Operation, Refusal> {
        let hash = self.extensions.and_then(|sent| sent.persisted_query);
        let query = match (self.query, hash) {
            (Some(text), None) => text,
            (Some(text), Some(hash)) => persisted.keep(text, &hash)?,
            (None, Some(hash)) => persisted.find(&hash)?,
            (None, None) => {
                return Err(Refusal::bad_request(
                    "`query` is missing: send the document's text in it.",
                ));
            }
        };
        Ok(Operation {
            query,
            operation_name: self.operation_name,
            variables: self.variables.unwrap_or_default(),
        })
    }
}

/// Texts by hash: Apollo's automatic persisted queries.
pub(crate) struct Persisted(Mutex<LruCache<String, String>>);

impl Default for Persisted {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_PERSISTED)))
    }
}

impl Persisted {
    fn find(&self, hash: &PersistedQuery) -> Result<String, Refusal> {
        hash.supported()?;
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = texts.get(&hash.sha256_hash).cloned();
        // The very words that clients look for before they send the text.
        text.ok_or_else(|| Refusal::expected("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"))
    }

    fn keep(&self, text: String, hash: &PersistedQuery) -> Result<String, Refusal> {
        hash.supported()?;
        let digest = Sha256::digest(text.as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if digest != hash.sha256_hash {
            return Err(Refusal::bad_request(
                "provided sha does not match query: `sha256Hash` has to be the SHA-256 of `query` in lower-case hexadecimal.",
            ));
        }
        if text.len() <= MAX_PERSISTED_BYTES {
            let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            texts.put(digest, text.clone());
        }
        Ok(text)
    }
}

impl PersistedQuery {
    fn supported(&self) -> Result<(), Refusal> {
        if self.version == 1 {
            return Ok(());
        }
        Err(Refusal::expected(
            "PERSISTED_QUERY_NOT_SUPPORTED",
            "PersistedQueryNotSupported",
        ))
    }
}
