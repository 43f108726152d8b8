//! The same schema as async-graphql-axum serves it, to compare with ours: the audit of GraphQL over HTTP finds 46 of 61
//! there. Only there if asked for (`--stock`), because its limits know depth and the number of fields, not the size of
//! lists.

use std::sync::Arc;

use async_graphql::futures_util::stream::BoxStream;
use async_graphql::{Data, Executor, Request, Response, Schema, ValidationMode};
use async_graphql_axum::GraphQL;
use axum::Router;
use axum::routing::any_service;

use crate::lookups::Lookups;
use crate::schema::{self, Countries, MatchBudget, Session};

const MAX_DEPTH: usize = 20;
const MAX_FIELDS: usize = 2000;

/// In a schema's data: objects are resolved by the library, not by [`crate::direct`].
pub(crate) struct AsItComes;

/// `/stock/graphql`.
pub(crate) fn routes() -> Router {
    let schema = schema::builder()
        .validation_mode(ValidationMode::Strict)
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_FIELDS)
        .data(AsItComes)
        .data(Session::default()) // one list for all
        .finish();
    Router::new().route("/stock/graphql", any_service(GraphQL::new(Stock(schema))))
}

/// Puts into each request what our resolvers ask for.
#[derive(Clone)]
struct Stock(Countries);

impl Executor for Stock {
    async fn execute(&self, request: Request) -> Response {
        Schema::execute(&self.0, with_data(request)).await
    }

    fn execute_stream(
        &self,
        request: Request,
        session: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        Executor::execute_stream(&self.0, with_data(request), session)
    }
}

fn with_data(request: Request) -> Request {
    request
        .data(MatchBudget::default())
        .data(Lookups::new(true))
}
