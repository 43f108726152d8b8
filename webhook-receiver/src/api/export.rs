//! All requests of a token as CSV. A cell that a spreadsheet would run as a formula is defused.

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::listing::{self, Asked};
use super::record::{content, stamp};
use super::tokens::find;
use crate::app::App;
use crate::refusal::Refusal;
use crate::store::Event;

const COLUMNS: [&str; 12] = [
    "uuid",
    "type",
    "created_at",
    "ip",
    "method",
    "url",
    "user_agent",
    "size",
    "headers",
    "content",
    "note",
    "sender",
];
/// The largest export; whoever has more asks for less at a time.
const LARGEST: usize = 64 * 1024 * 1024;

pub(super) async fn csv(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refusal> {
    let token = find(&app, &name).await?;
    let mut text = COLUMNS.join(",") + "\r\n";
    let mut fits = true;
    listing::all(&app, &token, &asked, |event| {
        fits = fits && text.len() + event.body.len() < LARGEST;
        if fits {
            text += &line(&event);
        }
    })
    .await?;
    if !fits {
        return Err(Refusal::field(
            "query",
            "The export would be larger than 64 MB.",
        ));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"requests.csv\"",
        ),
    ];
    Ok((headers, text).into_response())
}

fn line(event: &Event) -> String {
    let headers = event.headers.iter();
    let headers =
        headers.map(|(name, value)| format!("{name}: {}", crate::store::header_text(value)));
    let cells = [
        event.id.to_string(),
        event.kind.name().to_owned(),
        stamp(event.at),
        event.ip.clone(),
        event.method.clone(),
        event.url(),
        event.header("user-agent").unwrap_or_default(),
        event.size.to_string(),
        headers.collect::<Vec<_>>().join("\n"),
        content(event),
        event.note.clone().unwrap_or_default(),
        event.sender.clone().unwrap_or_default(),
    ];
    cells.map(|text| cell(&text)).join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if formula { "'" } else { "" };
    if formula || text.contains([',', '"', '\n', '\r']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_need_be_and_formulas_defused() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
