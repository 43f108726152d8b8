//! The schema: the public Countries API's, field for field, and more beside it.

mod connection;
mod continent;
mod country;
mod favourites;
mod filter;
mod language;
mod pattern;
mod query;

use async_graphql::{SDLExportOptions, Schema, SchemaBuilder};

pub(crate) use favourites::{Session, Sessions};
pub(crate) use filter::MatchBudget;
pub(crate) use pattern::{Pattern, glob_matches};

/// What async-graphql executes.
pub(crate) type Countries = Schema<query::Query, favourites::Mutation, favourites::Subscription>;

type Builder = SchemaBuilder<query::Query, favourites::Mutation, favourites::Subscription>;

/// The schema for our own layer. Its validation is the quick one: [`crate::document`] has done it all before.
pub(crate) fn build() -> Countries {
    builder()
        .validation_mode(async_graphql::ValidationMode::Fast)
        .finish()
}

pub(crate) fn builder() -> Builder {
    Schema::build(query::Query, favourites::Mutation, favourites::Subscription)
}

/// The schema as text, sorted, so that two versions can be compared.
pub(crate) fn sdl(schema: &Countries) -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .prefer_single_line_descriptions()
        .use_space_ident()
        .indent_width(2);
    schema.sdl_with_options(options)
}
