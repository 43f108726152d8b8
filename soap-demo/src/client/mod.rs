//! The other side of the contract: a client that knows of a service what the WSDL says, and nothing else. It takes an
//! operation and its arguments, and hands on the result, or which of the many things went wrong that a call over a
//! network has and a local one has not. The typed stubs below are generated from `wsdl/` by `build.rs`.

mod answer;
mod arguments;

use std::sync::Arc;
use std::time::Duration;

use crate::contract::{Contract, ContractError, Operation, Value};
use crate::soap;
pub use crate::soap::Version;
use crate::xml::{Limits, XmlError};
pub use arguments::{arguments, shown};

/// How long a call may take, from connecting to the answer's last byte.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service answered with a fault.
    #[error("{code}: {reason}")]
    Fault {
        /// Without prefix, in 1.2's words or in 1.1's, as the version has them.
        code: String,
        /// For people.
        reason: String,
    },
    /// There was no answer; the operation may have been executed or not.
    #[error("no answer")]
    Network(#[from] reqwest::Error),
    /// The answer is not XML.
    #[error("the answer is not the XML it should be")]
    Xml(#[from] XmlError),
    /// The answer is XML, and not what the contract says.
    #[error("the answer is not a SOAP message as the contract has it (HTTP status {0})")]
    Foreign(u16),
    /// More than a message may have.
    #[error("the answer is larger than {} bytes", Limits::MESSAGE.size)]
    TooLarge,
    /// The contract can't be understood.
    #[error("the contract can't be used")]
    Contract(#[from] ContractError),
    /// Nothing was sent.
    #[error("{0}")]
    NotInContract(String),
}

/// A service that can be called.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    contract: Arc<Contract>,
    address: String,
    version: Version,
}

impl Client {
    /// For the service of this WSDL at `origin`, such as `http://localhost:8001`.
    pub fn new(wsdl: &str, origin: &str, version: Version) -> Result<Self, CallError> {
        let contract = Contract::parse(wsdl)?;
        Ok(Self {
            http: http()?,
            address: format!("{}{}", origin.trim_end_matches('/'), contract.path),
            contract: Arc::new(contract),
            version,
        })
    }

    /// Asks the service itself for its contract.
    pub async fn fetch(origin: &str, path: &str, version: Version) -> Result<Self, CallError> {
        let origin = origin.trim_end_matches('/');
        let response = http()?.get(format!("{origin}{path}?WSDL")).send().await?;
        let status = response.status();
        let wsdl = answer::text(response).await?;
        if !status.is_success() {
            return Err(CallError::Foreign(status.as_u16()));
        }
        Self::new(&wsdl, origin, version)
    }

    /// The contract's operation of this name.
    pub fn operation(&self, name: &str) -> Result<&Operation, CallError> {
        self.contract.operation(name).ok_or_else(|| {
            CallError::NotInContract(format!("{} has no operation {name}", self.contract.name))
        })
    }

    /// The call that a stub makes: typed on both sides.
    pub async fn call<T: FromValue>(
        &self,
        operation: &str,
        arguments: Vec<Value>,
    ) -> Result<T, CallError> {
        let operation = self.operation(operation)?;
        let value = self.ask(operation, &Value::Sequence(arguments)).await?;
        T::from_value(value).ok_or(CallError::Foreign(200))
    }

    /// Sends the request, reads the answer.
    pub async fn ask(&self, operation: &Operation, request: &Value) -> Result<Value, CallError> {
        let envelope = self.envelope(operation, request)?;
        let mut post = self.http.post(&self.address).body(envelope);
        for (name, value) in self.version.request_headers(&operation.action) {
            post = post.header(name, value);
        }
        let response = post.send().await?;
        let status = response.status().as_u16();
        let text = answer::text(response).await?;
        answer::read(&text, status, self.version, &self.contract, operation)
    }

    /// What goes over the wire.
    pub fn envelope(&self, operation: &Operation, request: &Value) -> Result<String, CallError> {
        soap::message(self.version, &self.contract, &operation.request, request)
            .map_err(|mismatch| CallError::NotInContract(mismatch.to_string()))
    }
}

fn http() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().timeout(PATIENCE).build()
}

/// A type that an answer's value becomes; None if the value is of another type.
pub trait FromValue: Sized {
    /// The value, if it is of this type.
    fn from_value(value: Value) -> Option<Self>;
}

impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.into_owned()),
            Value::Decimal(text) => Some(text),
            _ => None,
        }
    }
}

impl FromValue for i32 {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Int(number) = value {
            Some(number)
        } else {
            None
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Boolean(truth) = value {
            Some(truth)
        } else {
            None
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Absent | Value::Nil => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// The contracts' lists are a sequence of one element.
impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value) -> Option<Self> {
        let Value::Sequence(elements) = value else {
            return None;
        };
        let [Value::List(items)] = <[Value; 1]>::try_from(elements).ok()? else {
            return None;
        };
        items.into_iter().map(T::from_value).collect()
    }
}

include!(concat!(env!("OUT_DIR"), "/stubs.rs"));
