//! Facts about 250 countries, 7 continents and 115 languages, from one embedded file, parsed once.
//!
//! The file holds what the public Countries API serves, its 27 stale facts included, and a list of corrections;
//! [`facts`] hands out the corrected state. Everything borrows from the binary, so `&'static` all the way.

mod correction;
mod facts;

pub use correction::{CorrectValue, Correction};
pub use facts::{Continent, Country, Currency, Facts, Language, Place};

use std::sync::OnceLock;

/// The file as it is embedded, for those who want to show it.
pub const JSON: &str = include_str!("../data/countries.json");

/// All facts, corrected; each list is sorted by code.
pub fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(|| Facts::parse(JSON).expect("the embedded file is parsed by a test"))
}

/// The country of a two-letter code, such as `BR`; codes are case-sensitive.
pub fn country(code: &str) -> Option<&'static Country> {
    by_code(&facts().countries, code, |country| country.code)
}

/// The continent of a code, such as `SA`.
pub fn continent(code: &str) -> Option<&'static Continent> {
    by_code(&facts().continents, code, |continent| continent.code)
}

/// The language of a code, such as `pt`.
pub fn language(code: &str) -> Option<&'static Language> {
    by_code(&facts().languages, code, |language| language.code)
}

/// The currency of a code, such as `BRL`.
pub fn currency(code: &str) -> Option<&'static Currency> {
    by_code(&facts().currencies, code, |currency| currency.code)
}

fn by_code<T>(
    sorted: &'static [T],
    code: &str,
    code_of: impl Fn(&T) -> &'static str,
) -> Option<&'static T> {
    let found = sorted.binary_search_by_key(&code, |item| code_of(item));
    found.ok().map(|index| &sorted[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_and_every_reference_leads_somewhere() {
        let facts = facts();
        assert_eq!(facts.countries.len(), 250);
        assert_eq!(facts.continents.len(), 7);
        assert_eq!(facts.languages.len(), 115, "114 and Tagalog");
        for found in &facts.countries {
            assert_eq!(country(found.code), Some(found));
            assert!(continent(found.continent).is_some(), "{}", found.code);
            for code in found.currencies() {
                assert!(currency(code).is_some(), "{}: {code}", found.code);
            }
            for code in &found.languages {
                assert!(language(code).is_some(), "{}: {code}", found.code);
            }
            for code in &found.borders {
                assert!(country(code).is_some(), "{}: {code}", found.code);
            }
            assert_eq!(found.names.len(), 78, "{}", found.code);
        }
    }

    #[test]
    fn brazil_is_what_the_module_shows() {
        let brazil = country("BR").unwrap();
        assert_eq!((brazil.name, brazil.native), ("Brazil", "Brasil"));
        assert_eq!(brazil.capital, Some("Brasília"));
        assert_eq!(brazil.currencies().collect::<Vec<_>>(), ["BRL"]);
        assert_eq!(currency("BRL").unwrap().name, "Brazilian Real");
        assert_eq!(brazil.phones().collect::<Vec<_>>(), ["55"]);
        assert_eq!(language(brazil.languages[0]).unwrap().name, "Portuguese");
        assert_eq!(brazil.name_in("de"), Some("Brasilien"));
        assert_eq!(brazil.name_in("xx"), None);
    }

    #[test]
    fn unknown_codes_are_not_found() {
        for code in ["", "br", "XX", "constructor"] {
            assert_eq!(country(code), None, "{code:?}");
        }
    }

    #[test]
    fn all_27_corrections_are_applied() {
        assert_eq!(facts().corrections.len(), 27);
        for correction in &facts().corrections {
            let code = correction.code;
            let country = country(code).unwrap();
            let text = match correction.field {
                "name" => Some(country.name),
                "native" => Some(country.native),
                "phone" => Some(country.phone),
                "capital" => country.capital,
                "currency" => country.currency,
                _ => None,
            };
            match &correction.value {
                CorrectValue::Text(value) => assert_eq!(text, Some(*value), "{code}"),
                CorrectValue::List(value) => assert_eq!(&country.languages, value, "{code}"),
            }
        }
    }
}
