//! Writes objects and lists of them straight to JSON text.
//!
//! async-graphql resolves each field in a boxed future and collects the values in a tree of hash maps, which is
//! serialised in the end. For our objects, whose fields are facts in memory, that bookkeeping is most of the work. [`One`]
//! and [`Many`] go through the same resolvers, but append what they give to one string, which travels as
//! `Value::Binary` (nothing else in this schema is binary) up to [`crate::json`], which copies it into the answer.
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

/// An object.
pub(crate) struct One<T>(pub(crate) T);

/// A list of objects.
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<T: ContainerType> OutputType for One<T> {
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

impl<T: ContainerType> OutputType for Many<T> {
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
async fn write<T: ContainerType>(
    items: &[T],
    ctx: &ContextSelectionSet<'_>,
    list: bool,
) -> ServerResult<Value> {
    let holding_objects =
        || fields(ctx).filter(|field| !field.node.selection_set.node.items.is_empty());
    let mut nested = Vec::new();
    if holding_objects().next().is_some() {
        let started = items.iter().enumerate().flat_map(|(index, item)| {
            let index = list.then_some(index);
            holding_objects().map(move |field| resolve_field(item, ctx, index, field))
        });
        nested = try_join_all(started).await?;
    }
    let mut nested = nested.into_iter();
    let mut out = String::with_capacity(items.len() * 32);
    if list {
        out.push('[');
    }
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let ctx = if list { &ctx.with_index(index) } else { ctx };
        let mut separator = '{';
        for field in fields(ctx) {
            json::write_key(separator, &field.node.response_key().node, &mut out);
            separator = ',';
            if !field.node.selection_set.node.items.is_empty() {
                json::write(&nested.next().unwrap_or_default(), &mut out);
            } else if field.node.name.node == "__typename" {
                json::write_text(&T::type_name(), &mut out);
            } else {
                let value = item.resolve_field(&ctx.with_field(field)).await?;
                json::write(&value.unwrap_or_default(), &mut out);
            }
        }
        out.push_str(if separator == '{' { "{}" } else { "}" });
    }
    if list {
        out.push(']');
    }
    Ok(Value::Binary(out.into()))
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
