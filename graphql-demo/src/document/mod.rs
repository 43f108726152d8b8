//! From a document's text to what is executed: parsed and validated once by apollo-compiler, measured against the
//! limits, flattened, and kept for the next request with the same text.

mod flatten;
mod limits;
mod rules;
mod substitute;

use std::sync::{Arc, Mutex, PoisonError};

use apollo_compiler::ast::DirectiveList;
use apollo_compiler::executable::{Operation, OperationType, SelectionSet as SelectedSet};
use apollo_compiler::parser::{Parser, SourceMap};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::response::{GraphQLError, JsonMap};
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Node, Schema};
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument as Executable, OperationDefinition,
    OperationType as ExecutableType, SelectionSet,
};
use async_graphql::{Pos, Positioned};
use lru::LruCache;

use crate::refusal::Refusal;
use limits::{MAX_BYTES, MAX_ERRORS, MAX_NESTING, MAX_TOKENS};

/// Memory for documents that are kept prepared, about.
const KEPT_BYTES: usize = 6 * 1024 * 1024;
/// What keeping the shortest document takes; thousands of tiny ones must not fill the memory.
const ENTRY_BYTES: usize = 2048;
/// What a field of a kept document takes.
const FIELD_BYTES: usize = 512;
/// How much larger than its text a document is that has to be kept whole.
const WHOLE: usize = 20;

/// Prepares documents, and keeps the latest.
pub(crate) struct Documents {
    schema: Valid<Schema>,
    kept: Mutex<Kept>,
}

struct Kept {
    plans: LruCache<String, Arc<Plan>>,
    bytes: usize,
}

/// One operation of a valid document, ready but for its variables.
pub(crate) struct Plan {
    /// Without its selections, which take most of the memory; they are in `selections`.
    operation: Operation,
    sources: SourceMap,
    selections: Selections,
    personal: bool,
    /// What it takes in memory, about.
    bytes: usize,
}

enum Selections {
    Ready(SelectionSet),
    /// @skip or @include ask variables, so that each request flattens the document anew.
    Conditional(Valid<ExecutableDocument>, Node<Operation>),
}

impl Documents {
    /// For a schema as text, our own.
    pub(crate) fn new(sdl: &str) -> Self {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql");
        Self {
            schema: schema.expect("the schema is made by async-graphql and parsed by a test"),
            kept: Mutex::new(Kept {
                plans: LruCache::unbounded(),
                bytes: 0,
            }),
        }
    }

    /// The plan of an operation of a document, or why there can't be one.
    pub(crate) fn plan(&self, text: &str, operation: Option<&str>) -> Result<Arc<Plan>, Refusal> {
        // No document has a NUL, so no two pairs have one key.
        let key = match operation {
            Some(name) => format!("{name}\0{text}"),
            None => text.to_owned(),
        };
        if let Some(plan) = self.kept().plans.get(&key) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(self.prepare(text, operation)?);
        self.kept().put(key, Arc::clone(&plan));
        Ok(plan)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn prepare(&self, text: &str, operation: Option<&str>) -> Result<Plan, Refusal> {
        if text.len() > MAX_BYTES {
            return Err(Refusal::limit(format!(
                "The document is longer than {MAX_BYTES} bytes: ask for less, or move long values to variables."
            )));
        }
        let document = self.validated(text)?;
        let chosen = document.operations.get(operation);
        let operation = chosen
            .map_err(|error| Refusal::from(error.to_graphql_error(&document.sources)))?
            .clone();
        let flat = flatten::flatten(&document, &operation, None)?;
        let bytes = text.len() + ENTRY_BYTES + flat.fields * FIELD_BYTES;
        Ok(Plan {
            personal: is_personal(&document, &operation),
            sources: Arc::clone(&document.sources),
            operation: Operation {
                selection_set: SelectedSet::new(operation.selection_set.ty.clone()),
                directives: DirectiveList::new(),
                ..Operation::clone(&operation)
            },
            bytes: bytes
                + if flat.conditional {
                    text.len() * WHOLE
                } else {
                    0
                },
            selections: if flat.conditional {
                Selections::Conditional(document, operation)
            } else {
                Selections::Ready(flat.selections)
            },
        })
    }

    fn validated(&self, text: &str) -> Result<Valid<ExecutableDocument>, Refusal> {
        // A byte order mark is white space to GraphQL, and unknown to the parser.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut parser = Parser::new()
            .recursion_limit(MAX_NESTING)
            .token_limit(MAX_TOKENS);
        let parsed = parser.parse_executable(&self.schema, text, "query");
        let parsed = parsed.map_err(|found| refusal(&found.errors))?;
        // These two come first: validation takes their absence for granted in places.
        rules::check(&self.schema, &parsed)?;
        let valid = parsed.validate(&self.schema);
        valid.map_err(|found| refusal(&found.errors))
    }

    /// What async-graphql is to execute, with the variables filled in.
    pub(crate) fn executable(
        &self,
        plan: &Plan,
        variables: &JsonMap,
    ) -> Result<Executable, Refusal> {
        let operation = &plan.operation;
        let coerced = coerce_variable_values(&self.schema, operation, variables);
        let variables = coerced.map_err(|error| error.to_graphql_error(&plan.sources))?;
        let selections = match &plan.selections {
            Selections::Ready(ready) if operation.variables.is_empty() => ready.clone(),
            Selections::Ready(ready) => substitute::set(ready, &variables),
            Selections::Conditional(document, whole) => {
                let flat = flatten::flatten(document, whole, Some(&variables))?;
                substitute::set(&flat.selections, &variables)
            }
        };
        Ok(executable(operation.operation_type, selections))
    }
}

impl Plan {
    pub(crate) fn kind(&self) -> OperationType {
        self.operation.operation_type
    }

    /// Whether the answer depends on who asks, so that no shared cache may keep it.
    pub(crate) fn is_personal(&self) -> bool {
        self.personal
    }
}

fn is_personal(document: &ExecutableDocument, operation: &Operation) -> bool {
    let mut fields = operation.root_fields(document);
    !operation.is_query() || fields.any(|field| field.name == "favourites")
}

impl Kept {
    fn put(&mut self, key: String, plan: Arc<Plan>) {
        self.bytes += plan.bytes;
        if let Some(former) = self.plans.put(key, plan) {
            self.bytes -= former.bytes; // two requests prepared it at once
        }
        while self.bytes > KEPT_BYTES {
            let Some((_, oldest)) = self.plans.pop_lru() else {
                return;
            };
            self.bytes -= oldest.bytes;
        }
    }
}

fn refusal(errors: &DiagnosticList) -> Refusal {
    let errors = errors.iter().take(MAX_ERRORS);
    Refusal::invalid(
        errors
            .map(|error| error.to_json())
            .collect::<Vec<GraphQLError>>(),
    )
}

fn executable(kind: OperationType, selections: SelectionSet) -> Executable {
    let operation = OperationDefinition {
        ty: match kind {
            OperationType::Query => ExecutableType::Query,
            OperationType::Mutation => ExecutableType::Mutation,
            OperationType::Subscription => ExecutableType::Subscription,
        },
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(selections, Pos::default()),
    };
    Executable {
        operations: DocumentOperations::Single(Positioned::new(operation, Pos::default())),
        fragments: Default::default(),
    }
}
