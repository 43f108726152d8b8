//! The five services: each a contract's file and one plain function an operation, tied together when the server starts.
//! An operation without a function, or a function without an operation, stops the start.

mod calculator;
mod country_info;
mod handler;
mod isbn;
mod number_conversion;
mod temp_convert;

use crate::contract::{Contract, ContractError, Operation, Value};
use handler::Handler;
pub(crate) use handler::Problem;

/// The files, in the order that the page lists them.
pub(crate) const WSDL_FILES: [&str; 5] = [
    include_str!("../../wsdl/CountryInfoService.wsdl"),
    include_str!("../../wsdl/NumberConversion.wsdl"),
    include_str!("../../wsdl/Calculator.wsdl"),
    include_str!("../../wsdl/TempConvert.wsdl"),
    include_str!("../../wsdl/ISBNService.wsdl"),
];

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file can't be served.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// In the contract, but not in the program.
    #[error("operation {0} of {1} has no handler")]
    NoHandler(String, String),
    /// In the program, but not in the contract.
    #[error("handler {0} is for no operation of {1}")]
    NoOperation(String, String),
    /// In both, and different.
    #[error("handler {0} of {1} has other types than the contract")]
    OtherTypes(String, String),
}

type Call = Box<dyn Fn(Vec<Value>) -> Option<Result<Value, Problem>> + Send + Sync>;

/// Whether the function is of the operation's types.
type Fits = fn(&Operation) -> bool;

/// The functions of one service, by operation.
#[derive(Default)]
struct Handlers(Vec<(&'static str, Fits, Call)>);

impl Handlers {
    fn on<A, H: Handler<A>>(mut self, operation: &'static str, handler: H) -> Self {
        let call: Call = Box::new(move |arguments| handler.call(arguments));
        self.0.push((operation, H::fits, call));
        self
    }
}

/// A contract with what fulfils it.
pub(crate) struct Service {
    pub(crate) contract: Contract,
    /// One for each of the contract's operations, in its order.
    calls: Vec<Call>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Service").field(&self.contract.name).finish()
    }
}

impl Service {
    fn new(wsdl: &str, handlers: Handlers) -> Result<Self, StartError> {
        let contract = Contract::parse(wsdl)?;
        let mut left = handlers.0;
        let mut calls = Vec::new();
        for operation in &contract.operations {
            let names = || (operation.name.clone(), contract.name.clone());
            let Some(at) = left.iter().position(|(name, ..)| *name == operation.name) else {
                let (operation, service) = names();
                return Err(StartError::NoHandler(operation, service));
            };
            let (_, fits, call) = left.swap_remove(at);
            if !fits(operation) {
                let (operation, service) = names();
                return Err(StartError::OtherTypes(operation, service));
            }
            calls.push(call);
        }
        match left.first() {
            Some((name, ..)) => Err(StartError::NoOperation((*name).to_owned(), contract.name)),
            None => Ok(Self { contract, calls }),
        }
    }

    /// Answers the contract's operation number `index`. None if the arguments are of other types than its contract's.
    pub(crate) fn call(&self, index: usize, arguments: Value) -> Option<Result<Value, Problem>> {
        let Value::Sequence(arguments) = arguments else {
            return None;
        };
        self.calls.get(index)?(arguments)
    }
}

/// All five.
pub(crate) fn all() -> Result<Vec<Service>, StartError> {
    let handlers = [
        country_info::handlers(),
        number_conversion::handlers(),
        calculator::handlers(),
        temp_convert::handlers(),
        isbn::handlers(),
    ];
    let pairs = std::iter::zip(WSDL_FILES, handlers);
    pairs
        .map(|(wsdl, handlers)| Service::new(wsdl, handlers))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_its_handler() {
        let services = all().unwrap();
        let operations = services
            .iter()
            .map(|service| service.contract.operations.len());
        assert_eq!(operations.collect::<Vec<_>>(), [21, 2, 4, 2, 2]);
    }

    #[test]
    fn a_contract_and_handlers_that_differ_stop_the_start() {
        let start = |handlers| {
            Service::new(WSDL_FILES[4], handlers)
                .unwrap_err()
                .to_string()
        };
        let valid = |_: String| true;
        let one = || Handlers::default().on("IsValidISBN10", valid);
        assert_eq!(
            start(one()),
            "operation IsValidISBN13 of ISBNService has no handler"
        );
        assert_eq!(
            start(one().on("IsValidISBN13", valid).on("IsValidISSN", valid)),
            "handler IsValidISSN is for no operation of ISBNService"
        );
        assert_eq!(
            start(one().on("IsValidISBN13", |_: i32| true)),
            "handler IsValidISBN13 of ISBNService has other types than the contract"
        );
        assert_eq!(
            start(one().on("IsValidISBN13", |_: String| 1)),
            "handler IsValidISBN13 of ISBNService has other types than the contract"
        );
    }
}
