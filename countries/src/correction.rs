//! What the public Countries API has wrong today, and what is right.

use serde::Deserialize;

use crate::facts::{Country, Facts, Language};

/// One wrong value of the public API.
#[derive(Clone, Debug, Deserialize)]
pub struct Correction {
    /// The country's code.
    pub code: &'static str,
    pub field: &'static str,
    /// What the public API says.
    pub upstream: CorrectValue,
    /// What is right.
    pub value: CorrectValue,
    pub why: &'static str,
}

/// Languages are a list, the other fields are text.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum CorrectValue {
    Text(&'static str),
    List(Vec<&'static str>),
}

/// The public API has no entry for it; the correction of the Philippines' languages needs one.
const TAGALOG: Language = Language {
    code: "tl",
    name: "Tagalog",
    native: "Wikang Tagalog",
    rtl: false,
};

pub(crate) fn correct(facts: &mut Facts) {
    facts.languages.push(TAGALOG);
    for correction in &facts.corrections {
        let mut countries = facts.countries.iter_mut();
        if let Some(country) = countries.find(|country| country.code == correction.code) {
            apply(country, correction);
        }
    }
}

/// Fields that no correction names are none of ours: a test counts those that arrive.
fn apply(country: &mut Country, correction: &Correction) {
    match (correction.field, &correction.value) {
        ("name", CorrectValue::Text(text)) => country.name = text,
        ("native", CorrectValue::Text(text)) => country.native = text,
        ("phone", CorrectValue::Text(text)) => country.phone = text,
        ("capital", CorrectValue::Text(text)) => country.capital = Some(text),
        ("currency", CorrectValue::Text(text)) => country.currency = Some(text),
        ("languages", CorrectValue::List(codes)) => country.languages.clone_from(codes),
        _ => {}
    }
}
