//! `Continent`.

use async_graphql::{Context, ID, Object};
use countries::Continent;

use super::country::CountryObject;
use crate::direct::{Direct, Fact, Many};
use crate::lookups::{CountriesOn, Lookups};

/// One of the seven continents.
#[derive(Clone, Copy)]
pub(crate) struct ContinentObject(pub(crate) &'static Continent);

#[Object(name = "Continent")]
impl ContinentObject {
    /// Two letters, such as "SA".
    async fn code(&self) -> ID {
        self.0.code.into()
    }

    /// The countries on it.
    async fn countries(&self, ctx: &Context<'_>) -> Many<CountryObject> {
        let lookups = ctx.data_unchecked::<Lookups>();
        let found = lookups.one(CountriesOn(self.0.code)).await;
        CountryObject::all(found.unwrap_or_default().iter().copied())
    }

    /// In English.
    async fn name(&self) -> &'static str {
        self.0.name
    }
}

impl Direct for ContinentObject {
    fn fact(&self, field: &str) -> Option<Fact> {
        Some(match field {
            "code" => self.0.code.into(),
            "name" => self.0.name.into(),
            _ => return None,
        })
    }
}
