//! How much one document may ask for. What a document costs is known before anything is executed, because the size
//! of every list is known, about.

use apollo_compiler::executable::Field;

/// Bytes of a document.
pub(crate) const MAX_BYTES: usize = 32 * 1024;
/// Tokens of a document, white space and comments among them.
pub(crate) const MAX_TOKENS: usize = 10_000;
/// Brackets within brackets, for the parser's stack.
pub(crate) const MAX_NESTING: usize = 64;
/// Fields within fields; GraphiQL's introspection needs 15.
pub(crate) const MAX_DEPTH: usize = 20;
/// Fields with another name.
pub(crate) const MAX_ALIASES: usize = 50;
/// Fields of a document once its fragments are unfolded.
pub(crate) const MAX_FIELDS: usize = 2_000;
/// Selections that are looked at to unfold them.
pub(crate) const MAX_STEPS: usize = 50_000;
/// Fields of the answer, about: everything about every country takes some 40 000.
pub(crate) const MAX_COST: u64 = 150_000;
/// Errors that are reported of one document.
pub(crate) const MAX_ERRORS: usize = 10;

/// How many objects a field gives, about; a little more where few objects have most.
pub(crate) fn list_size(field: &Field) -> u64 {
    if !field.definition.ty.is_list() {
        return 1;
    }
    match field.name.as_str() {
        "continents" => 7,
        "countries" if field.definition.arguments.is_empty() => 45,
        "countries" => 250,
        "languages" if field.definition.arguments.is_empty() => 2,
        "languages" => 115,
        "borders" => 4,
        "states" => 6,
        "subdivisions" | "allSubdivisions" => 20,
        "currencyDetails" => 2,
        "edges" | "nodes" => 100,
        _ => 10,
    }
}
