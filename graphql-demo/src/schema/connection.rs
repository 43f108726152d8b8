//! Pages of countries, by the Relay cursor connections specification. A cursor is a country's code.

use async_graphql::{Error, Object, SimpleObject};
use countries::Country;

use super::country::CountryObject;
use crate::direct::{Direct, Many, One};

const MAX_PAGE: usize = 100;

/// Which page is asked for.
pub(crate) struct Page {
    pub(crate) after: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) first: Option<i32>,
    pub(crate) last: Option<i32>,
}

impl Page {
    /// That page of `countries`, which are sorted by code.
    pub(crate) fn of(&self, countries: &[&'static Country]) -> Result<CountryConnection, Error> {
        let total = countries.len();
        let after = |cursor: &String| countries.partition_point(|one| one.code <= cursor.as_str());
        let before = |cursor: &String| countries.partition_point(|one| one.code < cursor.as_str());
        let mut start = self.after.as_ref().map_or(0, after);
        let mut end = self.before.as_ref().map_or(total, before).max(start);
        match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(Error::new("Choose either `first` or `last`.")),
            (None, Some(last)) => start = start.max(end.saturating_sub(size("last", last)?)),
            (first, None) => {
                let first = size("first", first.unwrap_or(20))?;
                end = end.min(start.saturating_add(first));
            }
        }
        Ok(CountryConnection {
            countries: countries[start..end].to_vec(),
            has_next_page: end < total,
            has_previous_page: start > 0,
            total,
        })
    }
}

fn size(argument: &str, count: i32) -> Result<usize, Error> {
    let size = usize::try_from(count).ok();
    size.filter(|size| *size <= MAX_PAGE)
        .ok_or_else(|| Error::new(format!("`{argument}` has to be 0 to {MAX_PAGE}.")))
}

/// A page of countries. Not in the public API.
pub(crate) struct CountryConnection {
    countries: Vec<&'static Country>,
    has_next_page: bool,
    has_previous_page: bool,
    total: usize,
}

#[Object]
impl CountryConnection {
    async fn edges(&self) -> Many<CountryEdge> {
        Many(self.countries.iter().copied().map(CountryEdge).collect())
    }

    /// The countries themselves, for those who need no cursors.
    async fn nodes(&self) -> Many<CountryObject> {
        CountryObject::all(self.countries.iter().copied())
    }

    async fn page_info(&self) -> One<PageInfo> {
        let code = |country: &&'static Country| country.code;
        One(PageInfo {
            end_cursor: self.countries.last().map(code),
            has_next_page: self.has_next_page,
            has_previous_page: self.has_previous_page,
            start_cursor: self.countries.first().map(code),
        })
    }

    /// How many there are on all pages together.
    async fn total_count(&self) -> usize {
        self.total
    }
}

/// A country and its place in the list.
pub(crate) struct CountryEdge(&'static Country);

#[Object]
impl CountryEdge {
    async fn cursor(&self) -> &'static str {
        self.0.code
    }

    async fn node(&self) -> One<CountryObject> {
        One(CountryObject(self.0))
    }
}

/// Where a page lies. Not in the public API.
#[derive(SimpleObject)]
pub(crate) struct PageInfo {
    end_cursor: Option<&'static str>,
    has_next_page: bool,
    has_previous_page: bool,
    start_cursor: Option<&'static str>,
}

impl Direct for CountryConnection {}
impl Direct for CountryEdge {}
impl Direct for PageInfo {}
