//! One GraphQL request, however it came: planned, filled with its variables, executed, written as JSON.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use apollo_compiler::executable::OperationType;
use apollo_compiler::response::JsonMap;
use async_graphql::{PathSegment, Request, Response, ServerError};
use futures_util::{Stream, StreamExt};

use crate::document::{Documents, Plan};
use crate::http::Visitor;
use crate::json;
use crate::lookups::Lookups;
use crate::refusal::Refusal;
use crate::schema::{self, Countries, MatchBudget, Session, Sessions};

/// The schema and what is kept between requests.
pub(crate) struct Engine {
    schema: Countries,
    documents: Documents,
    sessions: Sessions,
    sdl: String,
}

/// What a client asks for.
pub(crate) struct Operation {
    pub(crate) query: String,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: JsonMap,
}

/// Who asks, and how.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) visitor: Visitor,
    pub(crate) batching: bool,
    /// Whether the answer tells how many look-ups it took.
    pub(crate) show_lookups: bool,
    /// GET must not change anything.
    pub(crate) read_only: bool,
}

/// An answer with data.
pub(crate) struct Answer {
    pub(crate) body: String,
    /// It depends on who asks.
    pub(crate) personal: bool,
}

impl Engine {
    pub(crate) fn new() -> Self {
        let sessions = Sessions::default();
        let schema = schema::build();
        let sdl = schema::sdl(&schema);
        Self {
            documents: Documents::new(&sdl),
            schema,
            sessions,
            sdl,
        }
    }

    /// The schema as text.
    pub(crate) fn sdl(&self) -> &str {
        &self.sdl
    }

    /// Answers a query or mutation.
    pub(crate) async fn execute(
        &self,
        operation: &Operation,
        caller: &Caller,
    ) -> Result<Answer, Refusal> {
        let plan = self.plan(operation)?;
        match plan.kind() {
            OperationType::Subscription => {
                return Err(Refusal::bad_request(
                    "A subscription needs a WebSocket (graphql-transport-ws) or `Accept: text/event-stream`.",
                ));
            }
            OperationType::Mutation if caller.read_only => {
                return Err(Refusal::http(
                    405,
                    "METHOD_NOT_ALLOWED",
                    "A mutation needs POST.",
                ));
            }
            _ => {}
        }
        let lookups = Lookups::new(caller.batching);
        let count = lookups.count();
        let request = self.request(&plan, operation, caller)?.data(lookups);
        let response = self.schema.execute(request).await;
        let lookups = caller.show_lookups.then(|| count.load(Ordering::Relaxed));
        Ok(Answer {
            body: written(&response, lookups),
            personal: plan.is_personal(),
        })
    }

    /// Answers any operation, a subscription again and again.
    pub(crate) async fn stream(
        &self,
        operation: &Operation,
        caller: &Caller,
    ) -> Result<impl Stream<Item = String> + Send + use<>, Refusal> {
        let plan = self.plan(operation)?;
        if plan.kind() != OperationType::Subscription {
            let answer = self.execute(operation, caller).await?;
            return Ok(futures_util::stream::once(async { answer.body }).left_stream());
        }
        let lookups = Lookups::new(caller.batching);
        let request = self.request(&plan, operation, caller)?.data(lookups);
        let responses = self.schema.execute_stream(request);
        Ok(responses
            .map(|response| written(&response, None))
            .right_stream())
    }

    /// The visitor's session, a new one with a name of our own if he shows none that we know.
    pub(crate) fn session(&self, visitor: &Visitor) -> Session {
        let known = visitor.shown().and_then(|name| self.sessions.known(name));
        known.unwrap_or_else(|| self.sessions.open(visitor.new_name()))
    }

    fn plan(&self, operation: &Operation) -> Result<Arc<Plan>, Refusal> {
        let name = operation.operation_name.as_deref();
        self.documents.plan(&operation.query, name)
    }

    fn request(
        &self,
        plan: &Plan,
        operation: &Operation,
        caller: &Caller,
    ) -> Result<Request, Refusal> {
        let executable = self.documents.executable(plan, &operation.variables)?;
        let mut request = Request::new("").data(MatchBudget::default());
        request.set_parsed_query(executable);
        if plan.is_personal() {
            request = request.data(self.session(&caller.visitor));
        }
        Ok(request)
    }
}

/// The answer as JSON: errors before data, as the specification advises.
fn written(response: &Response, lookups: Option<u32>) -> String {
    let mut out = String::with_capacity(256);
    let mut separator = '{';
    if !response.errors.is_empty() {
        json::write_key(separator, "errors", &mut out);
        separator = ',';
        write_errors(&response.errors, &mut out);
    }
    json::write_key(separator, "data", &mut out);
    json::write(&response.data, &mut out);
    if let Some(lookups) = lookups {
        let _ = write!(out, ",\"extensions\":{{\"lookups\":{lookups}}}");
    }
    out.push('}');
    out
}

fn write_errors(errors: &[ServerError], out: &mut String) {
    let mut separator = '[';
    for error in errors {
        out.push(separator);
        separator = ',';
        json::write_key('{', "message", out);
        json::write_text(&error.message, out);
        write_locations(error, out);
        write_path(&error.path, out);
        let extensions = error.extensions.as_ref();
        let extensions = extensions.and_then(|all| serde_json::to_string(all).ok());
        let internal = || "{\"code\":\"INTERNAL_SERVER_ERROR\"}".to_owned();
        json::write_key(',', "extensions", out);
        out.push_str(&extensions.unwrap_or_else(internal));
        out.push('}');
    }
    out.push(']');
}

fn write_locations(error: &ServerError, out: &mut String) {
    let Some(at) = error.locations.first() else {
        return;
    };
    let (line, column) = (at.line, at.column);
    let _ = write!(
        out,
        ",\"locations\":[{{\"line\":{line},\"column\":{column}}}]"
    );
}

fn write_path(path: &[PathSegment], out: &mut String) {
    let mut separator = '[';
    for segment in path {
        if separator == '[' {
            out.push_str(",\"path\":");
        }
        out.push(separator);
        separator = ',';
        match segment {
            PathSegment::Field(name) => json::write_text(name, out),
            PathSegment::Index(index) => {
                let _ = write!(out, "{index}");
            }
        }
    }
    if separator == ',' {
        out.push(']');
    }
}
