//! Writes objects and lists of them straight to JSON text.
//!
//! async-graphql resolves each field in a boxed future and collects the values in a tree of hash maps, which is
//! serialised in the end. For our objects, whose fields are facts in memory, that bookkeeping is most of the work. [`One`]
//! and [`Many`] go through the same resolvers, but append what they give to one string, which travels as
//! `Value::Binary` (nothing else in this schema is binary) up to [`crate::json`], which copies it into the answer. What
//! an object knows by itself ([`Direct::fact`]) needs no resolver at all: an answer of a thousand small facts would
//! spend most of its time in moving the resolvers' futures about.
//!
//! It rests on the document being prepared by [`crate::document`]: selections are plain fields, no fragments, no
//! directives, no response key twice.

use std::borrow::Cow;

use async_graphql::futures_util::future::try_join_all;
use async_graphql::parser::types::{Field, Selection};
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::{resolve_container, resolve_list};
use async_graphql::{
    ContainerType, ContextSelectionSet, OutputType, Positioned, ServerResult, Value,
};

use crate::json;
use crate::stock::AsItComes;

/// An object type whose simple fields can be read without a resolver.
pub(crate) trait Direct: ContainerType {
    /// The value of a field that has no arguments and is no object, exactly as its resolver gives it
    /// (`tests/answers.rs` compares them all); None leaves it to the resolver.
    fn fact(&self, _field: &str) -> Option<Fact> {
        None
    }
}

/// What stands in the data as it stands in the answer.
pub(crate) enum Fact {
    Text(&'static str),
    Flag(bool),
    Null,
}

impl From<&'static str> for Fact {
    fn from(text: &'static str) -> Self {
        Self::Text(text)
    }
}

impl From<Option<&'static str>> for Fact {
    fn from(text: Option<&'static str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl From<bool> for Fact {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl Fact {
    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => json::write_text(text, out),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Null => out.push_str("null"),
        }
    }
}

/// An object.
pub(crate) struct One<T>(pub(crate) T);

/// A list of objects.
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<T: Direct> OutputType for One<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        if ctx.data_opt::<AsItComes>().is_some() {
            return Box::pin(resolve_container(ctx, &self.0)).await;
        }
        // The box ends a circle of types: a country has languages, which have countries.
        let written: Written<'_> = Box::pin(write(std::slice::from_ref(&self.0), ctx, false));
        written.await
    }
}

impl<T: Direct> OutputType for Many<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        if ctx.data_opt::<AsItComes>().is_some() {
            let length = Some(self.0.len());
            return Box::pin(resolve_list(ctx, field, &self.0, length)).await;
        }
        let written: Written<'_> = Box::pin(write(&self.0, ctx, true));
        written.await
    }
}

type Written<'a> = std::pin::Pin<Box<dyn Future<Output = ServerResult<Value>> + Send + 'a>>;

/// Fields that hold objects are started first, all at once, so that their look-ups meet in one batch; then everything
/// is written in the order of the query.
async fn write<T: Direct>(
    items: &[T],
    ctx: &ContextSelectionSet<'_>,
    list: bool,
) -> ServerResult<Value> {
    let fields: Vec<_> = fields(ctx).collect();
    let holding_objects = || fields.iter().copied().filter(|field| holds_objects(field));
    let mut nested = Vec::new();
    if holding_objects().next().is_some() {
        let started = items.iter().enumerate().flat_map(|(index, item)| {
            let index = list.then_some(index);
            holding_objects().map(move |field| resolve_field(item, ctx, index, field))
        });
        nested = try_join_all(started).await?;
    }
    let mut nested = nested.into_iter();
    let mut out = String::with_capacity(items.len() * 32 * fields.len());
    if list {
        out.push('[');
    }
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let index = list.then_some(index);
        let mut separator = '{';
        for field in &fields {
            json::write_key(separator, &field.node.response_key().node, &mut out);
            separator = ',';
            if holds_objects(field) {
                json::write(&nested.next().unwrap_or_default(), &mut out);
            } else if field.node.name.node == "__typename" {
                json::write_text(&T::type_name(), &mut out);
            } else if let Some(fact) = fact(item, field) {
                fact.write(&mut out);
            } else {
                let value = Box::pin(resolve_field(item, ctx, index, field)).await?;
                json::write(&value, &mut out);
            }
        }
        out.push_str(if separator == '{' { "{}" } else { "}" });
    }
    if list {
        out.push(']');
    }
    Ok(Value::Binary(out.into()))
}

fn holds_objects(field: &Positioned<Field>) -> bool {
    !field.node.selection_set.node.items.is_empty()
}

fn fact<T: Direct>(item: &T, field: &Positioned<Field>) -> Option<Fact> {
    let name = field.node.name.node.as_str();
    if !field.node.arguments.is_empty() {
        return None;
    }
    item.fact(name)
}

async fn resolve_field<T: ContainerType>(
    item: &T,
    ctx: &ContextSelectionSet<'_>,
    index: Option<usize>,
    field: &Positioned<Field>,
) -> ServerResult<Value> {
    let value = match index {
        None => item.resolve_field(&ctx.with_field(field)).await,
        Some(index) => {
            let ctx = ctx.with_index(index);
            item.resolve_field(&ctx.with_field(field)).await
        }
    };
    Ok(value?.unwrap_or_default())
}

fn fields<'a>(ctx: &ContextSelectionSet<'a>) -> impl Iterator<Item = &'a Positioned<Field>> {
    let selections = ctx.item.node.items.iter();
    selections.filter_map(|selection| match &selection.node {
        Selection::Field(field) => Some(field),
        _ => None,
    })
}
