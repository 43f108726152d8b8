//! Calculator: four operations on xs:int, which has 32 bits. What does not fit them is a fault, as .NET's checked
//! arithmetic has it; a wrong sum would be worse.

use super::Handlers;
use super::handler::Problem;

const OVERFLOW: Problem = Problem::Failed("Arithmetic operation resulted in an overflow.");

pub(super) fn handlers() -> Handlers {
    Handlers::default()
        .on("Add", add)
        .on("Subtract", subtract)
        .on("Multiply", multiply)
        .on("Divide", divide)
}

fn add(a: i32, b: i32) -> Result<i32, Problem> {
    a.checked_add(b).ok_or(OVERFLOW)
}

fn subtract(a: i32, b: i32) -> Result<i32, Problem> {
    a.checked_sub(b).ok_or(OVERFLOW)
}

fn multiply(a: i32, b: i32) -> Result<i32, Problem> {
    a.checked_mul(b).ok_or(OVERFLOW)
}

/// Towards zero: -7 / 2 is -3.
fn divide(a: i32, b: i32) -> Result<i32, Problem> {
    if b == 0 {
        return Err(Problem::Failed("Attempted to divide by zero."));
    }
    a.checked_div(b).ok_or(OVERFLOW)
}
