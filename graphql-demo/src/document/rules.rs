//! Two rules of the specification's validation that apollo-compiler leaves out: each field of an input object once
//! ("Input Object Field Uniqueness"), and variables only where their type fits, inside of lists and input objects too
//! ("All Variable Usages Are Allowed").

use std::collections::HashSet;

use apollo_compiler::ast::{Argument, InputValueDefinition, Type, Value, VariableDefinition};
use apollo_compiler::collections::HashMap;
use apollo_compiler::executable::{Operation, Selection, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::response::GraphQLError;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema};

use super::limits::MAX_STEPS;
use crate::refusal::Refusal;

/// Checks all operations, through their fragments.
pub(crate) fn check(schema: &Valid<Schema>, document: &ExecutableDocument) -> Result<(), Refusal> {
    let mut steps = 0;
    for operation in document.operations.iter() {
        let mut check = Check {
            schema,
            document,
            variables: variables(operation),
            fragments: HashSet::new(),
            steps,
        };
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                check.value(default, &variable.ty, false)?;
            }
        }
        check.selections(&operation.selection_set)?;
        steps = check.steps;
    }
    Ok(())
}

fn variables(operation: &Operation) -> HashMap<&Name, &VariableDefinition> {
    let definitions = operation.variables.iter();
    definitions
        .map(|variable| (&variable.name, &**variable))
        .collect()
}

struct Check<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    variables: HashMap<&'a Name, &'a VariableDefinition>,
    fragments: HashSet<&'a Name>,
    steps: usize,
}

impl<'a> Check<'a> {
    fn selections(&mut self, set: &'a SelectionSet) -> Result<(), Refusal> {
        for selection in &set.selections {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err(Refusal::limit(
                    "The document is too large to be checked: use fewer operations and fragments.",
                ));
            }
            for directive in selection.directives().iter() {
                if let Some(definition) = self.schema.directive_definitions.get(&directive.name) {
                    self.arguments(&directive.arguments, &definition.arguments)?;
                }
            }
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments)?;
                    self.selections(&field.selection_set)?;
                }
                Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set)?,
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else {
                        continue; // another rule says so
                    };
                    if self.fragments.insert(&fragment.name) {
                        self.selections(&fragment.selection_set)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn arguments(
        &mut self,
        arguments: &'a [Node<Argument>],
        definitions: &'a [Node<InputValueDefinition>],
    ) -> Result<(), Refusal> {
        for argument in arguments {
            let definition = definitions.iter().find(|one| one.name == argument.name);
            if let Some(definition) = definition {
                self.value(&argument.value, &definition.ty, has_default(definition))?;
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        value: &'a Node<Value>,
        wanted: &Type,
        defaulted: bool,
    ) -> Result<(), Refusal> {
        match &**value {
            Value::Variable(name) => match self.variables.get(name) {
                Some(variable) if !fits(variable, wanted, defaulted) => Err(self.error(
                    format!(
                        "variable `${name}` of type `{}` cannot be used where `{wanted}` is expected",
                        variable.ty
                    ),
                    value.location(),
                )),
                _ => Ok(()),
            },
            Value::List(items) => {
                let wanted = wanted.item_type();
                let mut items = items.iter();
                items.try_for_each(|item| self.value(item, wanted, false))
            }
            Value::Object(fields) => self.object(fields, wanted),
            _ => Ok(()),
        }
    }

    fn object(&mut self, fields: &'a [(Name, Node<Value>)], wanted: &Type) -> Result<(), Refusal> {
        let schema = self.schema;
        let definition = schema.get_input_object(wanted.inner_named_type());
        let mut seen = HashSet::new();
        for (name, value) in fields {
            if !seen.insert(name) {
                let message = format!("there can be only one input field named `{name}`");
                return Err(self.error(message, name.location()));
            }
            if let Some(field) = definition.and_then(|one| one.fields.get(name)) {
                self.value(value, &field.ty, has_default(field))?;
            }
        }
        Ok(())
    }

    fn error(&self, message: String, at: Option<SourceSpan>) -> Refusal {
        GraphQLError::new(message, at, &self.document.sources).into()
    }
}

fn has_default(definition: &InputValueDefinition) -> bool {
    let default = definition.default_value.as_ref();
    default.is_some_and(|value| !value.is_null())
}

/// IsVariableUsageAllowed() of the specification.
fn fits(variable: &VariableDefinition, wanted: &Type, defaulted: bool) -> bool {
    let own_default = variable.default_value.as_ref();
    let never_null = defaulted || own_default.is_some_and(|value| !value.is_null());
    if wanted.is_non_null() && !variable.ty.is_non_null() && never_null {
        return variable.ty.is_assignable_to(&wanted.clone().nullable());
    }
    variable.ty.is_assignable_to(wanted)
}
