//! The types of the embedded file, with the names that the file uses.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::correction::{Correction, correct};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Facts {
    pub continents: Vec<Continent>,
    pub languages: Vec<Language>,
    pub currencies: Vec<Currency>,
    pub countries: Vec<Country>,
    /// What [`Country`] has been corrected by.
    pub corrections: Vec<Correction>,
}

impl Facts {
    pub(crate) fn parse(json: &'static str) -> serde_json::Result<Self> {
        let mut facts: Self = serde_json::from_str(json)?;
        correct(&mut facts);
        facts.countries.sort_unstable_by_key(|country| country.code);
        facts
            .continents
            .sort_unstable_by_key(|continent| continent.code);
        facts
            .languages
            .sort_unstable_by_key(|language| language.code);
        facts
            .currencies
            .sort_unstable_by_key(|currency| currency.code);
        Ok(facts)
    }
}

#[derive(Debug, Deserialize, PartialEq)]
pub struct Continent {
    pub code: &'static str,
    pub name: &'static str,
}

#[derive(Debug, Deserialize, PartialEq)]
pub struct Language {
    /// ISO 639-1, two letters.
    pub code: &'static str,
    pub name: &'static str,
    pub native: &'static str,
    /// Written from right to left.
    pub rtl: bool,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Currency {
    /// ISO 4217, three letters.
    pub code: &'static str,
    pub name: &'static str,
    pub symbol: Option<&'static str>,
    pub narrow_symbol: Option<&'static str>,
    /// Digits after the decimal point.
    pub digits: u8,
}

/// A state or a subdivision.
#[derive(Debug, Deserialize, PartialEq)]
pub struct Place {
    pub code: Option<&'static str>,
    pub name: &'static str,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Country {
    /// ISO 3166-1 alpha-2 (and XK, Kosovo).
    pub code: &'static str,
    /// ISO 3166-1 alpha-3.
    pub alpha3: &'static str,
    /// ISO 3166-1 numeric, three digits.
    pub numeric: Option<&'static str>,
    pub name: &'static str,
    pub native: &'static str,
    /// Calling codes without plus sign, with commas between: see [`Country::phones`].
    pub phone: &'static str,
    pub capital: Option<&'static str>,
    /// Codes with commas between: see [`Country::currencies`].
    pub currency: Option<&'static str>,
    /// The continent's code.
    pub continent: &'static str,
    /// Codes of languages.
    pub languages: Vec<&'static str>,
    /// The flag.
    pub emoji: &'static str,
    /// The flag's code points, such as `U+1F1E7 U+1F1F7`.
    pub emoji_u: &'static str,
    /// The region of AWS that the public API names.
    pub aws_region: &'static str,
    pub states: Vec<Place>,
    /// The few subdivisions that the public API lists.
    pub subdivisions: Vec<Place>,
    /// All subdivisions of ISO 3166-2.
    pub iso31662: Vec<Place>,
    /// The name in 78 languages, by language code.
    pub names: BTreeMap<&'static str, &'static str>,
    pub population: u64,
    /// United Nations' region and subregion.
    pub region: Option<&'static str>,
    pub subregion: Option<&'static str>,
    pub un_member: bool,
    pub eu: bool,
    pub eurozone: bool,
    /// Names of the IANA time zone database.
    pub time_zones: Vec<&'static str>,
    /// Latitude and longitude of the principal city of the first time zone.
    pub principal_city_lat_lng: Option<[f64; 2]>,
    /// Latitude and longitude of the middle.
    pub centroid: Option<[f64; 2]>,
    /// Codes of the countries that share a land border.
    pub borders: Vec<&'static str>,
}

impl Country {
    /// The codes of all its currencies, none for Antarctica.
    pub fn currencies(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.currency.into_iter().flat_map(|list| list.split(','))
    }

    /// All its calling codes, without plus sign.
    pub fn phones(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.phone.split(',')
    }

    /// The name in a language, by the language's code.
    pub fn name_in(&self, language: &str) -> Option<&'static str> {
        self.names.get(language).copied()
    }
}
