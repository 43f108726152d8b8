//! Lists of a token's requests: pages, order, times and search; and deletion by the same.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::record::record;
use super::tokens::find;
use crate::app::App;
use crate::refusal::Refusal;
use crate::search::{self, date};
use crate::store::{Event, Span, Stretch, Token};

/// Events that a search holds at a time.
const CHUNK: usize = 16;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    sorting: Option<String>,
    per_page: Option<u64>,
    page: Option<u64>,
    date_from: Option<String>,
    date_to: Option<String>,
    query: Option<String>,
}

/// Where a page lies in its list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) page: u64,
    pub(super) per_page: u64,
    pub(super) total: u64,
}

impl Numbers {
    /// The envelope around a page.
    pub(super) fn wrap(self, data: &[Value]) -> Value {
        let before = (self.page - 1).saturating_mul(self.per_page);
        let to = before.saturating_add(self.per_page).min(self.total);
        json!({
            "data": data,
            "total": self.total,
            "per_page": self.per_page,
            "current_page": self.page,
            "is_last_page": to == self.total,
            "from": before.saturating_add(1),
            "to": to,
        })
    }
}

/// What was asked, understood.
struct Wish {
    span: Span,
    filter: Option<search::Query>,
    newest_first: bool,
}

impl Asked {
    fn understood(&self) -> Result<Wish, Refusal> {
        let now = Timestamp::now();
        let time = |name: &str, text: &Option<String>, edge| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => match date::parse(text, now, edge) {
                Some(time) => Ok(Some(time)),
                None => Err(Refusal::field(name, format!("The {name} is no date."))),
            },
        };
        let span = Span {
            from: time("date_from", &self.date_from, date::Edge::First)?,
            to: time("date_to", &self.date_to, date::Edge::Last)?,
        };
        let filter = match self.query.as_deref().map(str::trim) {
            None | Some("" | "*") => None,
            Some(text) => {
                let wrong = |error: search::Unreadable| Refusal::field("query", error.to_string());
                Some(search::Query::parse(text, now).map_err(wrong)?)
            }
        };
        let newest_first = self.sorting.as_deref() == Some("newest");
        Ok(Wish {
            span,
            filter,
            newest_first,
        })
    }
}

pub(super) async fn list(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Refusal> {
    let token = find(&app, &name).await?;
    let wish = asked.understood()?;
    let (page, per_page) = (
        asked.page.unwrap_or(1).max(1),
        asked.per_page.unwrap_or(50).clamp(1, 100),
    );
    let skip = (page - 1).saturating_mul(per_page);
    let limit = usize::try_from(per_page).unwrap_or(100);
    let (events, total) = match &wish.filter {
        None => {
            let total = app.store.count(token.id, wish.span).await?;
            let stretch = wish.stretch(None, skip, limit);
            (app.store.listing(token.id, stretch).await?, total)
        }
        Some(filter) => {
            let (mut events, mut total) = (Vec::new(), 0);
            each_match(&app, &token, &wish, filter, |event| {
                if total >= skip && events.len() < limit {
                    events.push(event);
                }
                total += 1;
            })
            .await?;
            (events, total)
        }
    };
    let data: Vec<_> = events.iter().map(|event| record(&token, event)).collect();
    let numbers = Numbers {
        page,
        per_page,
        total,
    };
    Ok(Json(numbers.wrap(&data)))
}

/// Deletes what a list without pages would show; without any wish, everything.
pub(super) async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<StatusCode, Refusal> {
    let token = find(&app, &name).await?;
    let wish = asked.understood()?;
    match &wish.filter {
        None => app.store.delete_span(token.id, wish.span).await?,
        Some(filter) => {
            let mut ids: Vec<Uuid> = Vec::new();
            each_match(&app, &token, &wish, filter, |event| ids.push(event.id)).await?;
            app.store.delete_events(token.id, ids).await?
        }
    };
    Ok(StatusCode::NO_CONTENT)
}

impl Wish {
    fn stretch(&self, beyond: Option<i64>, offset: u64, limit: usize) -> Stretch {
        Stretch {
            span: self.span,
            newest_first: self.newest_first,
            beyond,
            offset,
            limit,
        }
    }
}

/// Reads all events of the span, a few at a time, and hands on those that match.
async fn each_match(
    app: &App,
    token: &Token,
    wish: &Wish,
    filter: &search::Query,
    mut found: impl FnMut(Event),
) -> Result<(), Refusal> {
    let mut beyond = None;
    loop {
        let chunk = app
            .store
            .stretch(token.id, wish.stretch(beyond, 0, CHUNK))
            .await?;
        let Some(last) = chunk.last() else {
            return Ok(());
        };
        beyond = Some(last.sequence);
        for event in chunk {
            if filter.matches(&event) {
                found(event);
            }
        }
    }
}

/// All events of a token that match, for the export.
pub(super) async fn all(
    app: &App,
    token: &Token,
    asked: &Asked,
    mut found: impl FnMut(Event),
) -> Result<(), Refusal> {
    let wish = asked.understood()?;
    let any = search::Query::any();
    let filter = wish.filter.as_ref().unwrap_or(&any);
    each_match(app, token, &wish, filter, &mut found).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_say_where_they_lie() {
        for (page, from, to, last) in [
            (1, 1, 40, false),
            (4, 121, 160, false),
            (5, 161, 175, true),
            (6, 201, 175, true),
        ] {
            let wrapped = Numbers {
                page,
                per_page: 40,
                total: 175,
            }
            .wrap(&[]);
            assert_eq!(wrapped["from"], from, "{page}");
            assert_eq!(wrapped["to"], to, "{page}");
            assert_eq!(wrapped["is_last_page"], last, "{page}");
        }
        assert_eq!(
            Numbers {
                page: 1,
                per_page: 50,
                total: 0
            }
            .wrap(&[])["is_last_page"],
            true
        );
    }
}
