//! Makes plain typed functions callable by the contract: their arguments and answers know which elements they fit, so a
//! function that the contract does not fit is found when the server starts.

use std::borrow::Cow;

use crate::contract::{Element, Kind, Operation, Simple, Value};

/// Why an operation has no answer of its own type.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Nothing has this key. The originals say so inside a normal answer, which no client library notices as an error;
    /// the strict variant sends a fault.
    NotFound {
        what: &'static str,
        key: String,
        in_band: Value,
    },
    /// The arguments are of the right type and still impossible.
    Impossible(&'static str),
    /// The originals' own fault.
    Failed(&'static str),
}

/// Something that an operation takes.
pub(crate) trait Argument: Sized {
    const SIMPLE: Simple;
    /// None if the value is of another type.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! argument {
    ($type:ty, $simple:ident, $($pattern:pat => $value:expr),+) => {
        impl Argument for $type {
            const SIMPLE: Simple = Simple::$simple;
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    $($pattern => Some($value),)+
                    _ => None,
                }
            }
        }
    };
}

/// An xs:decimal, as written.
#[derive(Debug)]
pub(crate) struct Decimal(pub(crate) String);

argument!(i32, Int, Value::Int(number) => number);
argument!(u64, UnsignedLong, Value::UnsignedLong(number) => number);
argument!(Decimal, Decimal, Value::Decimal(text) => Self(text));
argument!(String, String, Value::Text(text) => text.into_owned());
argument!(Option<String>, String, Value::Text(text) => Some(text.into_owned()), Value::Absent => None);

/// Something that an operation answers.
pub(crate) trait Answer {
    /// Whether a value of this type is valid in `element`.
    fn fits(element: &Element) -> bool;
    fn into_value(self) -> Value;
}

fn is_simple(element: &Element, simple: Simple) -> bool {
    element.kind == Kind::Simple(simple) && !element.many
}

macro_rules! answer {
    ($type:ty, $simple:ident, $self:ident => $value:expr) => {
        impl Answer for $type {
            fn fits(element: &Element) -> bool {
                is_simple(element, Simple::$simple)
            }
            fn into_value($self) -> Value {
                $value
            }
        }
    };
}

answer!(i32, Int, self => Value::Int(self));
answer!(bool, Boolean, self => Value::Boolean(self));
answer!(String, String, self => Value::Text(Cow::Owned(self)));
answer!(&'static str, String, self => Value::Text(Cow::Borrowed(self)));

/// An `ArrayOf...`: a sequence of one element that is there any number of times.
impl<T: Answer> Answer for Vec<T> {
    fn fits(element: &Element) -> bool {
        let single = |item: &Element| Element {
            many: false,
            ..item.clone()
        };
        matches!(element.children(), [item] if item.many && item.optional && T::fits(&single(item)))
    }
    fn into_value(self) -> Value {
        let items = self.into_iter().map(T::into_value).collect();
        Value::Sequence(vec![Value::List(items)])
    }
}

/// What a handler may return: an answer, or maybe a problem.
pub(crate) trait Reply {
    type Answer: Answer;
    fn into_reply(self) -> Result<Value, Problem>;
}

impl<T: Answer> Reply for T {
    type Answer = T;
    fn into_reply(self) -> Result<Value, Problem> {
        Ok(self.into_value())
    }
}

impl<T: Answer> Reply for Result<T, Problem> {
    type Answer = T;
    fn into_reply(self) -> Result<Value, Problem> {
        self.map(T::into_value)
    }
}

/// A function of up to two arguments.
pub(crate) trait Handler<Arguments>: Send + Sync + 'static {
    /// Whether the operation's elements are of the function's types.
    fn fits(operation: &Operation) -> bool;
    /// None if the arguments are not what [`Handler::fits`] saw, which a contract's reader can't hand on.
    fn call(&self, arguments: Vec<Value>) -> Option<Result<Value, Problem>>;
}

fn takes<const N: usize>(operation: &Operation, types: [Simple; N]) -> bool {
    let parameters = operation.request.children();
    parameters.len() == N
        && std::iter::zip(parameters, types).all(|(element, simple)| is_simple(element, simple))
}

fn answers<R: Reply>(operation: &Operation) -> bool {
    matches!(operation.response.children(), [result] if R::Answer::fits(result))
}

impl<F, R> Handler<()> for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Reply,
{
    fn fits(operation: &Operation) -> bool {
        takes(operation, []) && answers::<R>(operation)
    }
    fn call(&self, _: Vec<Value>) -> Option<Result<Value, Problem>> {
        Some(self().into_reply())
    }
}

impl<F, A, R> Handler<(A,)> for F
where
    F: Fn(A) -> R + Send + Sync + 'static,
    A: Argument,
    R: Reply,
{
    fn fits(operation: &Operation) -> bool {
        takes(operation, [A::SIMPLE]) && answers::<R>(operation)
    }
    fn call(&self, arguments: Vec<Value>) -> Option<Result<Value, Problem>> {
        let [a] = <[Value; 1]>::try_from(arguments).ok()?;
        Some(self(A::from_value(a)?).into_reply())
    }
}

impl<F, A, B, R> Handler<(A, B)> for F
where
    F: Fn(A, B) -> R + Send + Sync + 'static,
    A: Argument,
    B: Argument,
    R: Reply,
{
    fn fits(operation: &Operation) -> bool {
        takes(operation, [A::SIMPLE, B::SIMPLE]) && answers::<R>(operation)
    }
    fn call(&self, arguments: Vec<Value>) -> Option<Result<Value, Problem>> {
        let [a, b] = <[Value; 2]>::try_from(arguments).ok()?;
        Some(self(A::from_value(a)?, B::from_value(b)?).into_reply())
    }
}
