//! The filters: which facts pass, with the public API's answers to the odd cases.
//!
//! Fields and operators are all to hold. What is null or empty matches nothing, except that not being null (`ne`,
//! `nin`) matches everything; only a filter that is left out, or empty itself, lets everything through. A currency
//! holds if any of the country's currencies does (the public API compares "USD,USN,USS" as a whole).

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_graphql::registry::Registry;
use async_graphql::{
    Error, InputObject, InputType, InputValueError, InputValueResult, MaybeUndefined, Value,
};
use countries::{Continent, Country, Language};

use super::pattern::{Pattern, glob_matches};

/// Compares a text; all operators that are there have to hold. Case counts.
#[derive(InputObject, Default)]
pub(crate) struct StringQueryOperatorInput {
    /// Is this text.
    eq: MaybeUndefined<String>,
    /// Is like this text, where * stands for any characters and ? for one. Not in the public API of today.
    glob: MaybeUndefined<String>,
    /// Is one of these texts.
    #[graphql(name = "in")]
    one_of: MaybeUndefined<Vec<String>>,
    /// Is not this text.
    ne: MaybeUndefined<String>,
    /// Is none of these texts.
    nin: MaybeUndefined<Vec<String>>,
    /// Contains a match of this JavaScript regular expression, at most 200 characters long.
    regex: MaybeUndefined<String>,
}

#[derive(InputObject, Default)]
pub(crate) struct ContinentFilterInput {
    code: MaybeUndefined<StringQueryOperatorInput>,
}

#[derive(InputObject, Default)]
pub(crate) struct CountryFilterInput {
    code: MaybeUndefined<StringQueryOperatorInput>,
    /// The continent's code.
    continent: MaybeUndefined<StringQueryOperatorInput>,
    /// The code of any of the country's currencies.
    currency: MaybeUndefined<StringQueryOperatorInput>,
    name: MaybeUndefined<StringQueryOperatorInput>,
}

#[derive(InputObject, Default)]
pub(crate) struct LanguageFilterInput {
    code: MaybeUndefined<StringQueryOperatorInput>,
}

/// What a condition compares: any of the texts may hold.
pub(crate) type Texts<F> = fn(&'static F) -> Candidates;

/// Few texts, mostly one.
pub(crate) enum Candidates {
    One(&'static str),
    Currencies(&'static Country),
}

/// An input object that filters facts of one type.
pub(crate) trait FilterFields: InputType + Default {
    type Fact: 'static;

    fn conditions(self) -> Vec<(Texts<Self::Fact>, MaybeUndefined<StringQueryOperatorInput>)>;
}

impl FilterFields for ContinentFilterInput {
    type Fact = Continent;

    fn conditions(self) -> Vec<(Texts<Self::Fact>, MaybeUndefined<StringQueryOperatorInput>)> {
        vec![(|fact| Candidates::One(fact.code), self.code)]
    }
}

impl FilterFields for LanguageFilterInput {
    type Fact = Language;

    fn conditions(self) -> Vec<(Texts<Self::Fact>, MaybeUndefined<StringQueryOperatorInput>)> {
        vec![(|fact| Candidates::One(fact.code), self.code)]
    }
}

impl FilterFields for CountryFilterInput {
    type Fact = Country;

    fn conditions(self) -> Vec<(Texts<Self::Fact>, MaybeUndefined<StringQueryOperatorInput>)> {
        vec![
            (|fact| Candidates::One(fact.code), self.code),
            (|fact| Candidates::One(fact.continent), self.continent),
            (|fact| Candidates::Currencies(fact), self.currency),
            (|fact| Candidates::One(fact.name), self.name),
        ]
    }
}

impl Candidates {
    fn any(&self, mut holds: impl FnMut(&str) -> Result<bool, Error>) -> Result<bool, Error> {
        match self {
            Self::One(text) => holds(text),
            Self::Currencies(country) => {
                for text in country.currency.into_iter().chain(country.currencies()) {
                    if holds(text)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

/// An optional filter argument: none at all (null) lets nothing through, the default is empty and lets all through.
pub(crate) struct Filter<T>(Option<T>);

impl<T: FilterFields> Filter<T> {
    pub(crate) fn all() -> Self {
        Self(Some(T::default()))
    }

    /// What is left to decide for each fact.
    pub(crate) fn compile(self, budget: &MatchBudget) -> Result<Conditions<'_, T::Fact>, Error> {
        let mut conditions = Conditions {
            budget,
            nothing: self.0.is_none(),
            tests: Vec::new(),
        };
        for (texts, operators) in self.0.map(T::conditions).unwrap_or_default() {
            match operators {
                MaybeUndefined::Undefined => {}
                MaybeUndefined::Null => conditions.nothing = true,
                MaybeUndefined::Value(operators) => conditions.add(texts, operators)?,
            }
        }
        Ok(conditions)
    }
}

/// One operator with its operand.
enum Test {
    Is(String),
    IsNot(String),
    OneOf(Vec<String>),
    NoneOf(Vec<String>),
    Like(String),
    Matches(Pattern),
}

/// A filter, ready to be used.
pub(crate) struct Conditions<'a, F: 'static> {
    budget: &'a MatchBudget,
    nothing: bool,
    tests: Vec<(Texts<F>, Test)>,
}

impl<F> Conditions<'_, F> {
    fn add(&mut self, texts: Texts<F>, operators: StringQueryOperatorInput) -> Result<(), Error> {
        let pattern = match operators.regex {
            MaybeUndefined::Value(text) => MaybeUndefined::Value(Pattern::new(&text)?),
            MaybeUndefined::Null => MaybeUndefined::Null,
            MaybeUndefined::Undefined => MaybeUndefined::Undefined,
        };
        let tests = [
            operators.eq.map_value(Test::Is),
            operators.ne.map_value(Test::IsNot),
            operators.one_of.map_value(Test::OneOf),
            operators.nin.map_value(Test::NoneOf),
            operators.glob.map_value(Test::Like),
            pattern.map_value(Test::Matches),
        ];
        // The positions of `ne` and `nin`, which hold for everything when they are null.
        let all_if_null = [1, 3];
        self.nothing |= tests.iter().all(MaybeUndefined::is_undefined);
        for (position, test) in tests.into_iter().enumerate() {
            match test {
                MaybeUndefined::Undefined => {}
                MaybeUndefined::Null => self.nothing |= !all_if_null.contains(&position),
                MaybeUndefined::Value(test) => self.tests.push((texts, test)),
            }
        }
        Ok(())
    }

    /// The facts that pass, in their order.
    pub(crate) fn select(&self, facts: &'static [F]) -> Result<Vec<&'static F>, Error> {
        let mut selected = Vec::new();
        if self.nothing {
            return Ok(selected);
        }
        for fact in facts {
            if self.hold_for(fact)? {
                selected.push(fact);
            }
        }
        Ok(selected)
    }

    fn hold_for(&self, fact: &'static F) -> Result<bool, Error> {
        for (texts, test) in &self.tests {
            let texts = texts(fact);
            let holds = match test {
                Test::Is(wanted) => texts.any(|text| Ok(text == wanted))?,
                Test::IsNot(unwanted) => !texts.any(|text| Ok(text == unwanted))?,
                Test::OneOf(wanted) => {
                    texts.any(|text| Ok(wanted.iter().any(|one| one == text)))?
                }
                Test::NoneOf(unwanted) => {
                    !texts.any(|text| Ok(unwanted.iter().any(|one| one == text)))?
                }
                Test::Like(glob) => texts.any(|text| Ok(glob_matches(glob, text)))?,
                Test::Matches(pattern) => {
                    texts.any(|text| self.budget.spend(|| pattern.is_match(text)))?
                }
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// How long all regular expressions of one request may take together.
#[derive(Default)]
pub(crate) struct MatchBudget {
    spent_nanos: AtomicU64,
}

const MATCH_TIME: Duration = Duration::from_millis(20);
/// The steps of one match are counted (`pattern.rs`), so that none takes longer; one that seems to has waited for other
/// programs.
const LONGEST_MATCH: Duration = Duration::from_millis(2);

impl MatchBudget {
    fn spend(&self, matching: impl FnOnce() -> Result<bool, Error>) -> Result<bool, Error> {
        let start = Instant::now();
        let matched = matching()?;
        let took = start.elapsed().min(LONGEST_MATCH);
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let spent = self.spent_nanos.fetch_add(took, Ordering::Relaxed) + took;
        if Duration::from_nanos(spent) > MATCH_TIME {
            return Err(Error::new(
                "The regular expressions take too long: use simpler or fewer ones.",
            ));
        }
        Ok(matched)
    }
}

impl<T: InputType + Default> InputType for Filter<T> {
    type RawValueType = T;

    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::type_name().into_owned()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry);
        Self::qualified_type_name()
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            None | Some(Value::Null) => Ok(Self(None)),
            Some(value) => {
                let fields = T::parse(Some(value)).map_err(InputValueError::propagate)?;
                Ok(Self(Some(fields)))
            }
        }
    }

    /// Only asked for the default, which the schema shows as `{}`.
    fn to_value(&self) -> Value {
        Value::Object(Default::default())
    }

    fn as_raw_value(&self) -> Option<&T> {
        self.0.as_ref()
    }
}
