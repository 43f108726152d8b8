//! Unfolds a valid operation into a tree of plain fields, by the specification's CollectFields() and
//! MergeSelectionSets(): no fragments, no @skip or @include, each response key once. All our types are concrete
//! objects, so that a fragment's type condition always holds.
//!
//! Depth, aliases and cost are measured on the way: an operation may be small and unfold into millions.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{DirectiveList, Value};
use apollo_compiler::executable::{Field, Operation, Selection as Selected, SelectionSet as Set};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::response::{GraphQLError, JsonMap, JsonValue};
use apollo_compiler::{ExecutableDocument, Name as SourceName, Node};
use async_graphql::parser::types::{Field as Flat, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned};

use super::limits::{MAX_ALIASES, MAX_COST, MAX_DEPTH, MAX_FIELDS, MAX_STEPS, list_size};
use super::substitute::input_value;
use crate::refusal::Refusal;

pub(crate) struct Flattened {
    pub(crate) selections: SelectionSet,
    /// A variable decides about a selection, so that this holds for these variables only.
    pub(crate) conditional: bool,
    /// How many fields there are.
    pub(crate) fields: usize,
}

/// Flattens `operation`; without variables, selections that depend on them are all taken.
pub(crate) fn flatten(
    document: &ExecutableDocument,
    operation: &Operation,
    variables: Option<&JsonMap>,
) -> Result<Flattened, Refusal> {
    let mut flattener = Flattener {
        document,
        variables,
        conditional: false,
        steps: 0,
        fields: 0,
        aliases: 0,
    };
    let (selections, cost) = flattener.set(&[&operation.selection_set], 1)?;
    if cost > MAX_COST {
        return Err(Refusal::limit(format!(
            "The answer would have about {cost} fields, and {MAX_COST} are allowed: ask for fewer lists within lists."
        )));
    }
    Ok(Flattened {
        selections,
        conditional: flattener.conditional,
        fields: flattener.fields,
    })
}

struct Flattener<'a> {
    document: &'a ExecutableDocument,
    variables: Option<&'a JsonMap>,
    conditional: bool,
    steps: usize,
    fields: usize,
    aliases: usize,
}

/// Fields of one response key, in the order in which the keys were met.
type Groups<'a> = Vec<Vec<&'a Node<Field>>>;

impl<'a> Flattener<'a> {
    fn set(&mut self, sets: &[&'a Set], depth: usize) -> Result<(SelectionSet, u64), Refusal> {
        if depth > MAX_DEPTH {
            return Err(Refusal::limit(format!(
                "Fields are nested more than {MAX_DEPTH} deep: ask in several requests."
            )));
        }
        let mut collected = Collected::default();
        for set in sets {
            self.collect(set, &mut collected)?;
        }
        let mut items = Vec::with_capacity(collected.groups.len());
        let mut cost = 0_u64;
        for group in collected.groups {
            let (field, field_cost) = self.field(&group, depth)?;
            let pos = field.pos;
            items.push(Positioned::new(Selection::Field(field), pos));
            cost = cost.saturating_add(field_cost);
        }
        Ok((SelectionSet { items }, cost))
    }

    fn collect(&mut self, set: &'a Set, into: &mut Collected<'a>) -> Result<(), Refusal> {
        for selection in &set.selections {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err(too_many_fields());
            }
            if !self.included(selection.directives()) {
                continue;
            }
            match selection {
                Selected::Field(field) => into.add(field),
                Selected::InlineFragment(fragment) => {
                    self.collect(&fragment.selection_set, into)?;
                }
                Selected::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment
                        && into.fragments.insert(&fragment.name)
                    {
                        self.collect(&fragment.selection_set, into)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        group: &[&'a Node<Field>],
        depth: usize,
    ) -> Result<(Positioned<Flat>, u64), Refusal> {
        let first = group[0];
        self.fields += 1;
        self.aliases += usize::from(first.alias.is_some());
        if self.fields > MAX_FIELDS {
            return Err(too_many_fields());
        }
        if self.aliases > MAX_ALIASES {
            return Err(Refusal::limit(format!(
                "More than {MAX_ALIASES} fields have aliases: ask in several requests, or use a filter."
            )));
        }
        let mut cost = 1;
        let mut selections = SelectionSet::default();
        if !first.selection_set.is_empty() {
            let sets: Vec<_> = group.iter().map(|field| &field.selection_set).collect();
            let (nested, each) = self.set(&sets, depth + 1)?;
            selections = nested;
            cost = each.saturating_add(1).saturating_mul(list_size(first));
        }
        let pos = self.pos(first.location());
        let flat = Flat {
            alias: first.alias.as_ref().map(|alias| positioned(alias, pos)),
            name: positioned(&first.name, pos),
            arguments: arguments(first, pos),
            directives: Vec::new(),
            selection_set: Positioned::new(selections, pos),
        };
        Ok((Positioned::new(flat, pos), cost))
    }

    fn included(&mut self, directives: &DirectiveList) -> bool {
        let mut wanted = |name: &str, meaning: bool| {
            let Some(directive) = directives.get(name) else {
                return true;
            };
            match directive
                .specified_argument_by_name("if")
                .map(|value| &**value)
            {
                Some(Value::Boolean(condition)) => *condition == meaning,
                Some(Value::Variable(variable)) => {
                    self.conditional = true;
                    let given = self.variables.and_then(|all| all.get(variable.as_str()));
                    !matches!(given, Some(JsonValue::Bool(condition)) if *condition != meaning)
                }
                _ => true,
            }
        };
        let included = wanted("include", true);
        wanted("skip", false) && included
    }

    fn pos(&self, at: Option<SourceSpan>) -> Pos {
        let found = at.and_then(|at| at.line_column(&self.document.sources));
        found.map_or(Pos::default(), |found| Pos {
            line: found.line,
            column: found.column,
        })
    }
}

#[derive(Default)]
struct Collected<'a> {
    groups: Groups<'a>,
    by_key: HashMap<&'a SourceName, usize>,
    fragments: HashSet<&'a SourceName>,
}

impl<'a> Collected<'a> {
    fn add(&mut self, field: &'a Node<Field>) {
        let next = self.groups.len();
        let at = *self.by_key.entry(field.response_key()).or_insert(next);
        if at == next {
            self.groups.push(Vec::new());
        }
        self.groups[at].push(field);
    }
}

fn positioned(name: &str, pos: Pos) -> Positioned<Name> {
    Positioned::new(Name::new(name), pos)
}

fn too_many_fields() -> Refusal {
    Refusal::limit(format!(
        "The document has more than {MAX_FIELDS} fields once its fragments are unfolded: ask for less at once."
    ))
}

/// A refusal of the whole request by one error.
impl From<GraphQLError> for Refusal {
    fn from(error: GraphQLError) -> Self {
        Self::invalid(vec![error])
    }
}

fn arguments(
    field: &Field,
    pos: Pos,
) -> Vec<(Positioned<Name>, Positioned<async_graphql_value::Value>)> {
    let arguments = field.arguments.iter();
    arguments
        .map(|argument| {
            let value = Positioned::new(input_value(&argument.value), pos);
            (positioned(&argument.name, pos), value)
        })
        .collect()
}
