//! `Country`, and what only countries have: `State`, `Subdivision`, `Currency`, `Coordinates`.

use async_graphql::{Context, Error, ErrorExtensions, ID, Object, SimpleObject};
use countries::{Country, Currency, Place};

use super::continent::ContinentObject;
use super::language::LanguageObject;
use crate::direct::{Direct, Fact, Many, One};
use crate::lookups::{ContinentCode, CountryCode, LanguageCode, Lookups};

/// A country or territory of ISO 3166-1, or Kosovo.
#[derive(Clone, Copy)]
pub(crate) struct CountryObject(pub(crate) &'static Country);

impl CountryObject {
    pub(crate) fn all(countries: impl Iterator<Item = &'static Country>) -> Many<Self> {
        Many(countries.map(Self).collect())
    }
}

#[Object(name = "Country")]
impl CountryObject {
    /// All its subdivisions of ISO 3166-2. Not in the public API.
    async fn all_subdivisions(&self) -> Many<Subdivision> {
        Many(self.0.iso31662.iter().map(Subdivision).collect())
    }

    /// ISO 3166-1 alpha-3, such as "BRA". Not in the public API.
    async fn alpha3(&self) -> &'static str {
        self.0.alpha3
    }

    /// The nearest region of Amazon Web Services, as the public API computed it.
    async fn aws_region(&self) -> &'static str {
        self.0.aws_region
    }

    /// The countries that share a land border. Not in the public API.
    async fn borders(&self, ctx: &Context<'_>) -> Many<CountryObject> {
        let lookups = ctx.data_unchecked::<Lookups>();
        let codes = self.0.borders.iter().copied().map(CountryCode);
        CountryObject::all(lookups.many(codes).await.into_iter())
    }

    /// The capital's name in English; five territories have none.
    async fn capital(&self) -> Option<&'static str> {
        self.0.capital
    }

    /// ISO 3166-1 alpha-2, such as "BR".
    async fn code(&self) -> ID {
        self.0.code.into()
    }

    async fn continent(&self, ctx: &Context<'_>) -> Result<One<ContinentObject>, Error> {
        let lookups = ctx.data_unchecked::<Lookups>();
        let found = lookups.one(ContinentCode(self.0.continent)).await;
        let continent = found.ok_or_else(|| Error::new("The continent is unknown."))?;
        Ok(One(ContinentObject(continent)))
    }

    /// About its middle. Not in the public API.
    async fn coordinates(&self) -> Option<One<Coordinates>> {
        let [latitude, longitude] = self.0.centroid?;
        Some(One(Coordinates {
            latitude,
            longitude,
        }))
    }

    /// The codes of its currencies; Antarctica's list holds one empty text, as the public API has it.
    async fn currencies(&self) -> Vec<&'static str> {
        self.0.currency.unwrap_or_default().split(',').collect()
    }

    /// The codes of its currencies with commas between.
    async fn currency(&self) -> Option<&'static str> {
        self.0.currency
    }

    /// Its currencies with names and symbols. Not in the public API.
    async fn currency_details(&self) -> Many<CurrencyObject> {
        let known = self.0.currencies().filter_map(countries::currency);
        Many(known.map(CurrencyObject).collect())
    }

    /// Its flag.
    async fn emoji(&self) -> &'static str {
        self.0.emoji
    }

    /// The code points of its flag.
    #[graphql(name = "emojiU")]
    async fn emoji_u(&self) -> &'static str {
        self.0.emoji_u
    }

    async fn languages(&self, ctx: &Context<'_>) -> Many<LanguageObject> {
        let lookups = ctx.data_unchecked::<Lookups>();
        let codes = self.0.languages.iter().copied().map(LanguageCode);
        let found = lookups.many(codes).await;
        Many(found.into_iter().map(LanguageObject).collect())
    }

    /// In English, or in the language `lang` (one of 78 codes such as "pt").
    async fn name(&self, lang: Option<String>) -> Result<&'static str, Error> {
        let Some(lang) = lang else {
            return Ok(self.0.name);
        };
        self.0.name_in(&lang).ok_or_else(|| {
            let known: Vec<_> = self.0.names.keys().copied().collect();
            let known = known.join(", ");
            let text = format!("There are no names in {lang:?}: choose a `lang` of {known}.");
            Error::new(text).extend_with(|_, extensions| {
                extensions.set("code", "VALIDATION_ERROR");
            })
        })
    }

    /// In its own language.
    async fn native(&self) -> &'static str {
        self.0.native
    }

    /// ISO 3166-1 numeric, three digits. Not in the public API.
    async fn numeric(&self) -> Option<&'static str> {
        self.0.numeric
    }

    /// Its calling codes with commas between.
    async fn phone(&self) -> &'static str {
        self.0.phone
    }

    /// Its calling codes.
    async fn phones(&self) -> Vec<&'static str> {
        self.0.phones().collect()
    }

    /// How many people live there, about. Not in the public API.
    async fn population(&self) -> u64 {
        self.0.population
    }

    /// The part of the world by the United Nations, such as "Americas". Not in the public API.
    async fn region(&self) -> Option<&'static str> {
        self.0.region
    }

    async fn states(&self) -> Many<State> {
        let state = |place| State {
            country: self.0,
            place,
        };
        Many(self.0.states.iter().map(state).collect())
    }

    /// The few that the public API lists; see `allSubdivisions`.
    async fn subdivisions(&self) -> Many<Subdivision> {
        Many(self.0.subdivisions.iter().map(Subdivision).collect())
    }

    /// The smaller part of the world by the United Nations, such as "South America". Not in the public API.
    async fn subregion(&self) -> Option<&'static str> {
        self.0.subregion
    }

    /// The time zones' names in the IANA database. Not in the public API.
    async fn time_zones(&self) -> &'static [&'static str] {
        &self.0.time_zones
    }
}

impl Direct for CountryObject {
    fn fact(&self, field: &str) -> Option<Fact> {
        let country = self.0;
        Some(match field {
            "alpha3" => country.alpha3.into(),
            "awsRegion" => country.aws_region.into(),
            "capital" => country.capital.into(),
            "code" => country.code.into(),
            "currency" => country.currency.into(),
            "emoji" => country.emoji.into(),
            "emojiU" => country.emoji_u.into(),
            "name" => country.name.into(),
            "native" => country.native.into(),
            "numeric" => country.numeric.into(),
            "phone" => country.phone.into(),
            "region" => country.region.into(),
            "subregion" => country.subregion.into(),
            _ => return None,
        })
    }
}

/// A state, department, province: the public API knows those of 32 countries.
#[derive(Clone, Copy)]
struct State {
    country: &'static Country,
    place: &'static Place,
}

#[Object]
impl State {
    async fn code(&self) -> Option<&'static str> {
        self.place.code
    }

    async fn country(&self) -> One<CountryObject> {
        One(CountryObject(self.country))
    }

    async fn name(&self) -> &'static str {
        self.place.name
    }
}

impl Direct for State {
    fn fact(&self, field: &str) -> Option<Fact> {
        Some(match field {
            "code" => self.place.code.into(),
            "name" => self.place.name.into(),
            _ => return None,
        })
    }
}

/// A subdivision of ISO 3166-2.
#[derive(Clone, Copy)]
struct Subdivision(&'static Place);

#[Object]
impl Subdivision {
    /// ISO 3166-2, such as "BR-SP".
    async fn code(&self) -> ID {
        self.0.code.unwrap_or_default().into()
    }

    /// Its flag: only England, Scotland and Wales have one.
    async fn emoji(&self) -> Option<&'static str> {
        match self.0.code? {
            "GB-ENG" => Some("🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
            "GB-SCT" => Some("🏴󠁧󠁢󠁳󠁣󠁴󠁿"),
            "GB-WLS" => Some("🏴󠁧󠁢󠁷󠁬󠁳󠁿"),
            _ => None,
        }
    }

    async fn name(&self) -> &'static str {
        self.0.name
    }
}

impl Direct for Subdivision {
    fn fact(&self, field: &str) -> Option<Fact> {
        Some(match field {
            "code" => self.0.code.unwrap_or_default().into(),
            "name" => self.0.name.into(),
            _ => return None,
        })
    }
}

/// A currency of ISO 4217. Not in the public API.
#[derive(Clone, Copy)]
struct CurrencyObject(&'static Currency);

#[Object(name = "Currency")]
impl CurrencyObject {
    /// Three letters, such as "BRL".
    async fn code(&self) -> ID {
        self.0.code.into()
    }

    /// How many digits stand after the point.
    async fn digits(&self) -> u8 {
        self.0.digits
    }

    async fn name(&self) -> &'static str {
        self.0.name
    }

    async fn symbol(&self) -> Option<&'static str> {
        self.0.narrow_symbol.or(self.0.symbol)
    }
}

impl Direct for CurrencyObject {}

/// A point on the earth, in degrees. Not in the public API.
#[derive(SimpleObject)]
struct Coordinates {
    /// North is positive.
    latitude: f64,
    /// East is positive.
    longitude: f64,
}

impl Direct for Coordinates {}
