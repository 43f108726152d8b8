//! CountryInfoService: 21 questions about countries, currencies, languages and continents, answered from the facts that
//! graphql-demo serves too. Languages have the facts' two-letter codes; the original has three letters.
#![expect(
    clippy::needless_pass_by_value,
    reason = "handlers own their arguments"
)]

use countries::{Continent, Country, Currency, Facts, Language, facts};

use super::Handlers;
use super::handler::{Answer, Problem};
use crate::contract::{Element, Kind, Simple, Value};

pub(super) fn handlers() -> Handlers {
    Handlers::default()
        .on("ListOfContinentsByName", || by_name(continents()))
        .on("ListOfContinentsByCode", || by_code(continents()))
        .on("ListOfCurrenciesByName", || by_name(currencies()))
        .on("ListOfCurrenciesByCode", || by_code(currencies()))
        .on("CurrencyName", currency_name)
        .on("ListOfCountryNamesByCode", || by_code(country_names()))
        .on("ListOfCountryNamesByName", || by_name(country_names()))
        .on("ListOfCountryNamesGroupedByContinent", grouped_by_continent)
        .on("CountryName", country_name)
        .on("CountryISOCode", country_iso_code)
        .on("CapitalCity", capital_city)
        .on("CountryCurrency", country_currency)
        .on("CountryFlag", country_flag)
        .on("CountryIntPhoneCode", country_int_phone_code)
        .on("FullCountryInfo", full_country_info)
        .on(
            "FullCountryInfoAllCountries",
            full_country_info_all_countries,
        )
        .on("CountriesUsingCurrency", countries_using_currency)
        .on("ListOfLanguagesByName", || by_name(languages()))
        .on("ListOfLanguagesByCode", || by_code(languages()))
        .on("LanguageName", language_name)
        .on("LanguageISOCode", language_iso_code)
}

// === what is answered ===

/// tContinent, tCurrency, tCountryCodeAndName and tLanguage are all alike.
#[derive(Clone, Copy)]
struct CodeAndName {
    code: &'static str,
    name: &'static str,
}

/// tCountryCodeAndNameGroupedByContinent
struct ContinentGroup {
    continent: CodeAndName,
    countries: Vec<CodeAndName>,
}

/// tCountryInfo: six strings, the flag's address and the languages.
struct CountryInfo {
    texts: [&'static str; 6],
    flag: String,
    languages: Vec<CodeAndName>,
}

fn all_strings(elements: &[Element]) -> bool {
    elements
        .iter()
        .all(|element| element.kind == Kind::Simple(Simple::String))
}

impl Answer for CodeAndName {
    fn fits(element: &Element) -> bool {
        matches!(element.children(), pair @ [_, _] if all_strings(pair))
    }
    fn into_value(self) -> Value {
        Value::Sequence(vec![self.code.into_value(), self.name.into_value()])
    }
}

impl Answer for ContinentGroup {
    fn fits(element: &Element) -> bool {
        matches!(element.children(), [continent, countries]
            if CodeAndName::fits(continent) && Vec::<CodeAndName>::fits(countries))
    }
    fn into_value(self) -> Value {
        Value::Sequence(vec![
            self.continent.into_value(),
            self.countries.into_value(),
        ])
    }
}

impl Answer for CountryInfo {
    fn fits(element: &Element) -> bool {
        matches!(element.children(), [texts @ .., languages]
            if texts.len() == 7 && all_strings(texts) && Vec::<CodeAndName>::fits(languages))
    }
    fn into_value(self) -> Value {
        let mut values: Vec<Value> = self.texts.into_iter().map(Answer::into_value).collect();
        values.push(self.flag.into_value());
        values.push(self.languages.into_value());
        Value::Sequence(values)
    }
}

// === lists ===

fn continents() -> impl Iterator<Item = CodeAndName> {
    let pair = |&Continent { code, name }: &Continent| CodeAndName { code, name };
    facts().continents.iter().map(pair)
}

fn currencies() -> impl Iterator<Item = CodeAndName> {
    let pair = |&Currency { code, name, .. }: &Currency| CodeAndName { code, name };
    facts().currencies.iter().map(pair)
}

fn languages() -> impl Iterator<Item = CodeAndName> {
    let pair = |&Language { code, name, .. }: &Language| CodeAndName { code, name };
    facts().languages.iter().map(pair)
}

fn country_names() -> impl Iterator<Item = CodeAndName> {
    facts().countries.iter().map(code_and_name)
}

fn code_and_name(&Country { code, name, .. }: &Country) -> CodeAndName {
    CodeAndName { code, name }
}

/// The facts are sorted by code.
fn by_code(list: impl Iterator<Item = CodeAndName>) -> Vec<CodeAndName> {
    list.collect()
}

fn by_name(list: impl Iterator<Item = CodeAndName>) -> Vec<CodeAndName> {
    let mut list: Vec<CodeAndName> = list.collect();
    list.sort_by_cached_key(|item| item.name.chars().map(without_accent).collect::<String>());
    list
}

/// Åland Islands come before Albania, as in a dictionary.
fn without_accent(c: char) -> char {
    match c {
        'Å' | 'Ä' => 'A',
        'á' | 'ã' | 'å' | 'ä' => 'a',
        'ç' => 'c',
        'é' => 'e',
        'í' => 'i',
        'ó' | 'ô' | 'ö' | 'ø' => 'o',
        'ü' | 'ú' => 'u',
        _ => c,
    }
}

fn grouped_by_continent() -> Vec<ContinentGroup> {
    let group = |continent: CodeAndName| {
        let inside = |country: &&Country| country.continent == continent.code;
        let countries = facts().countries.iter().filter(inside).map(code_and_name);
        ContinentGroup {
            continent,
            countries: by_name(countries),
        }
    };
    continents().map(group).collect()
}

// === one country ===

fn country_name(code: String) -> Result<&'static str, Problem> {
    Ok(country(&code)?.name)
}

fn capital_city(code: String) -> Result<&'static str, Problem> {
    Ok(country(&code)?.capital.unwrap_or_default())
}

fn country_flag(code: String) -> Result<String, Problem> {
    country(&code).map(flag)
}

fn country_int_phone_code(code: String) -> Result<&'static str, Problem> {
    country(&code).map(phone)
}

/// The first of its currencies; Antarctica has none.
fn country_currency(code: String) -> Result<CodeAndName, Problem> {
    let country = find_country(&code).ok_or_else(|| {
        let in_band = CodeAndName {
            code: "",
            name: NO_COUNTRY,
        };
        not_found("country", &code, in_band)
    })?;
    let code = first_currency(country);
    let name = countries::currency(code).map_or("", |currency| currency.name);
    Ok(CodeAndName { code, name })
}

fn full_country_info(code: String) -> Result<CountryInfo, Problem> {
    let in_band = || CountryInfo {
        texts: ["", NO_COUNTRY, "", "", "", ""],
        flag: String::new(),
        languages: Vec::new(),
    };
    find_country(&code)
        .map(info)
        .ok_or_else(|| not_found("country", &code, in_band()))
}

fn full_country_info_all_countries() -> Vec<CountryInfo> {
    let Facts { countries, .. } = facts();
    let mut all: Vec<&'static Country> = countries.iter().collect();
    all.sort_by_cached_key(|country| country.name.chars().map(without_accent).collect::<String>());
    all.into_iter().map(info).collect()
}

fn info(country: &'static Country) -> CountryInfo {
    let language = |code: &&str| countries::language(code);
    let pair = |&Language { code, name, .. }: &Language| CodeAndName { code, name };
    CountryInfo {
        texts: [
            country.code,
            country.name,
            country.capital.unwrap_or_default(),
            phone(country),
            country.continent,
            first_currency(country),
        ],
        flag: flag(country),
        languages: country
            .languages
            .iter()
            .filter_map(language)
            .map(pair)
            .collect(),
    }
}

/// Where the original's pictures are.
fn flag(country: &Country) -> String {
    const FLAGS: &str = "http://www.oorsprong.org/WebSamples.CountryInfo/Flags/";
    format!("{FLAGS}{}.jpg", country.name.replace(' ', "_"))
}

fn phone(country: &Country) -> &'static str {
    country.phones().next().unwrap_or_default()
}

fn first_currency(country: &Country) -> &'static str {
    country.currencies().next().unwrap_or_default()
}

// === by other keys ===

fn country_iso_code(name: String) -> Result<&'static str, Problem> {
    let named = |country: &&Country| country.name.eq_ignore_ascii_case(name.trim());
    let found = facts().countries.iter().find(named);
    found
        .map(|country| country.code)
        .ok_or_else(|| not_found("country", &name, "No country found by that name"))
}

fn currency_name(code: String) -> Result<&'static str, Problem> {
    currency(&code).map(|currency| currency.name)
}

/// In the original, no country uses a currency that does not exist.
fn countries_using_currency(code: String) -> Result<Vec<CodeAndName>, Problem> {
    let Some(currency) = find_currency(&code) else {
        return Err(not_found("currency", &code, Vec::<CodeAndName>::new()));
    };
    let uses = |country: &&Country| country.currencies().any(|used| used == currency.code);
    let using = facts().countries.iter().filter(uses);
    Ok(by_name(using.map(code_and_name)))
}

fn language_name(code: String) -> Result<&'static str, Problem> {
    let found = countries::language(&code.trim().to_ascii_lowercase());
    found
        .map(|language| language.name)
        .ok_or_else(|| not_found("language", &code, "Language not found in the database"))
}

fn language_iso_code(name: String) -> Result<&'static str, Problem> {
    let named = |language: &&Language| language.name.eq_ignore_ascii_case(name.trim());
    let found = facts().languages.iter().find(named);
    found
        .map(|language| language.code)
        .ok_or_else(|| not_found("language", &name, "Language not found in the database"))
}

// === looking up ===

const NO_COUNTRY: &str = "Country not found in the database";

fn find_country(code: &str) -> Option<&'static Country> {
    countries::country(&code.trim().to_ascii_uppercase())
}

fn country(code: &str) -> Result<&'static Country, Problem> {
    find_country(code).ok_or_else(|| not_found("country", code, NO_COUNTRY))
}

fn find_currency(code: &str) -> Option<&'static Currency> {
    countries::currency(&code.trim().to_ascii_uppercase())
}

fn currency(code: &str) -> Result<&'static Currency, Problem> {
    find_currency(code)
        .ok_or_else(|| not_found("currency", code, "Currency not found in the database"))
}

/// `in_band` is what the original answers, as if all were well.
fn not_found(what: &'static str, key: &str, in_band: impl Answer) -> Problem {
    Problem::NotFound {
        what,
        key: key.chars().take(80).collect(),
        in_band: in_band.into_value(),
    }
}
