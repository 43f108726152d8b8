//! Why a request is not executed at all: the errors of an answer that has no data.

use std::fmt::Write;

use apollo_compiler::response::GraphQLError;

use crate::json;

/// Errors for the whole request, and the HTTP status that fits them.
#[derive(Debug, thiserror::Error)]
#[error("{status}: {errors:?}")]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The document, not the way it was sent, is wrong: the old media type answers 200 to that.
    pub(crate) well_formed: bool,
    code: &'static str,
    errors: Vec<GraphQLError>,
}

impl Refusal {
    /// The document can't be parsed or validated, or doesn't fit its variables.
    pub(crate) fn invalid(errors: Vec<GraphQLError>) -> Self {
        Self {
            status: 400,
            well_formed: true,
            code: "GRAPHQL_VALIDATION_FAILED",
            errors,
        }
    }

    /// The document asks for more than a limit allows; the text says what to change.
    pub(crate) fn limit(text: impl Into<String>) -> Self {
        Self {
            code: "LIMIT_EXCEEDED",
            ..Self::invalid(vec![error(text.into())])
        }
    }

    /// What was sent is no GraphQL request.
    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::http(400, "BAD_REQUEST", text)
    }

    /// A refusal by the rules of HTTP.
    pub(crate) fn http(status: u16, code: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            well_formed: false,
            code,
            errors: vec![error(text.into())],
        }
    }

    /// A refusal that clients expect with status 200.
    pub(crate) fn expected(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            status: 200,
            ..Self::http(200, code, text)
        }
    }

    /// `[{"message":…}]`.
    pub(crate) fn write_errors(&self, out: &mut String) {
        let mut separator = '[';
        for error in &self.errors {
            out.push(separator);
            separator = ',';
            json::write_key('{', "message", out);
            json::write_text(&error.message, out);
            if !error.locations.is_empty() {
                json::write_key(',', "locations", out);
                let mut separator = '[';
                for at in &error.locations {
                    let (line, column) = (at.line, at.column);
                    let _ = write!(out, "{separator}{{\"line\":{line},\"column\":{column}}}");
                    separator = ',';
                }
                out.push(']');
            }
            json::write_key(',', "extensions", out);
            json::write_key('{', "code", out);
            json::write_text(self.code, out);
            out.push_str("}}");
        }
        out.push(']');
    }

    /// The whole answer: `{"errors":[…]}`.
    pub(crate) fn body(&self) -> String {
        let mut out = String::from("{\"errors\":");
        self.write_errors(&mut out);
        out.push('}');
        out
    }
}

fn error(text: String) -> GraphQLError {
    GraphQLError::new(text, None, &Default::default())
}
