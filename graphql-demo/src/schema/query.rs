//! The entry points for reading.

use async_graphql::{Context, Error, ID, Object};
use countries::facts;

use super::connection::{CountryConnection, Page};
use super::continent::ContinentObject;
use super::country::CountryObject;
use super::favourites::Session;
use super::filter::{
    ContinentFilterInput, CountryFilterInput, Filter, LanguageFilterInput, MatchBudget,
};
use super::language::LanguageObject;
use crate::direct::{Many, One};
use crate::lookups::Lookups;

pub(crate) struct Query;

#[Object]
impl Query {
    /// The continent of a code such as "SA"; null if there is none.
    async fn continent(&self, ctx: &Context<'_>, code: ID) -> Option<One<ContinentObject>> {
        ctx.data_unchecked::<Lookups>().counted();
        countries::continent(&code).map(|found| One(ContinentObject(found)))
    }

    /// All continents that the filter lets through.
    async fn continents(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Filter::all()")] filter: Filter<ContinentFilterInput>,
    ) -> Result<Many<ContinentObject>, Error> {
        ctx.data_unchecked::<Lookups>().counted();
        let filter = filter.compile(ctx.data_unchecked::<MatchBudget>())?;
        let found = filter.select(&facts().continents)?;
        Ok(Many(found.into_iter().map(ContinentObject).collect()))
    }

    /// All countries that the filter lets through.
    async fn countries(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Filter::all()")] filter: Filter<CountryFilterInput>,
    ) -> Result<Many<CountryObject>, Error> {
        ctx.data_unchecked::<Lookups>().counted();
        let filter = filter.compile(ctx.data_unchecked::<MatchBudget>())?;
        let found = filter.select(&facts().countries)?;
        Ok(CountryObject::all(found.into_iter()))
    }

    /// Countries page by page, by the Relay specification: `first` (at most 100) `after` a cursor, or `last` `before`
    /// one. Not in the public API.
    async fn countries_page(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        #[graphql(default_with = "Filter::all()")] filter: Filter<CountryFilterInput>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<One<CountryConnection>, Error> {
        ctx.data_unchecked::<Lookups>().counted();
        let filter = filter.compile(ctx.data_unchecked::<MatchBudget>())?;
        let page = Page {
            after,
            before,
            first,
            last,
        };
        Ok(One(page.of(&filter.select(&facts().countries)?)?))
    }

    /// The country of a code such as "BR"; null if there is none. Codes are case-sensitive.
    async fn country(&self, ctx: &Context<'_>, code: ID) -> Option<One<CountryObject>> {
        ctx.data_unchecked::<Lookups>().counted();
        countries::country(&code).map(|found| One(CountryObject(found)))
    }

    /// The visitor's own list: see the mutations. Not in the public API.
    async fn favourites(&self, ctx: &Context<'_>) -> Many<CountryObject> {
        ctx.data_unchecked::<Session>().countries()
    }

    /// The language of a code such as "pt"; null if there is none.
    async fn language(&self, ctx: &Context<'_>, code: ID) -> Option<One<LanguageObject>> {
        ctx.data_unchecked::<Lookups>().counted();
        countries::language(&code).map(|found| One(LanguageObject(found)))
    }

    /// All languages that the filter lets through.
    async fn languages(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Filter::all()")] filter: Filter<LanguageFilterInput>,
    ) -> Result<Many<LanguageObject>, Error> {
        ctx.data_unchecked::<Lookups>().counted();
        let filter = filter.compile(ctx.data_unchecked::<MatchBudget>())?;
        let found = filter.select(&facts().languages)?;
        Ok(Many(found.into_iter().map(LanguageObject).collect()))
    }
}
