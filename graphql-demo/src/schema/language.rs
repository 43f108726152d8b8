//! `Language`.

use async_graphql::{Context, ID, Object};
use countries::Language;

use super::country::CountryObject;
use crate::direct::{Direct, Fact, Many};
use crate::lookups::{CountriesSpeaking, Lookups};

/// A language that is spoken in at least one of the countries.
#[derive(Clone, Copy)]
pub(crate) struct LanguageObject(pub(crate) &'static Language);

#[Object(name = "Language")]
impl LanguageObject {
    /// ISO 639-1, two letters, such as "pt".
    async fn code(&self) -> ID {
        self.0.code.into()
    }

    /// The countries where it is spoken.
    async fn countries(&self, ctx: &Context<'_>) -> Many<CountryObject> {
        let lookups = ctx.data_unchecked::<Lookups>();
        let found = lookups.one(CountriesSpeaking(self.0.code)).await;
        CountryObject::all(found.unwrap_or_default().iter().copied())
    }

    /// In English.
    async fn name(&self) -> &'static str {
        self.0.name
    }

    /// In the language itself.
    async fn native(&self) -> &'static str {
        self.0.native
    }

    /// Written from right to left.
    async fn rtl(&self) -> bool {
        self.0.rtl
    }
}

impl Direct for LanguageObject {
    fn fact(&self, field: &str) -> Option<Fact> {
        Some(match field {
            "code" => self.0.code.into(),
            "name" => self.0.name.into(),
            "native" => self.0.native.into(),
            "rtl" => self.0.rtl.into(),
            _ => return None,
        })
    }
}
