//! Which media type an answer has, by the request's `Accept` (RFC 9110, section 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The media types we can answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`: clients of old times, who expect 200 even if the document is wrong.
    Json,
    /// `application/graphql-response+json`: the status tells.
    GraphqlResponse,
    /// `text/event-stream`: a subscription.
    Events,
}

impl Media {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Events => "text/event-stream",
        }
    }

    /// The best one for these headers; without `Accept`, and for `*/*`, the old one. None if nothing fits.
    pub(crate) fn for_headers(headers: &HeaderMap) -> Option<Self> {
        let mut ranges = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter(|range| !range.trim().is_empty())
            .peekable();
        if ranges.peek().is_none() {
            return Some(Self::Json);
        }
        let mut best: Option<(f32, Self)> = None;
        for range in ranges {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            let quality: f32 = quality.unwrap_or(1.0);
            let media = match name.as_str() {
                "application/json" | "application/*" | "*/*" => Self::Json,
                "application/graphql-response+json" => Self::GraphqlResponse,
                "text/event-stream" => Self::Events,
                _ => continue,
            };
            if quality > 0.0 && best.is_none_or(|(other, _)| quality > other) {
                best = Some((quality, media));
            }
        }
        best.map(|(_, media)| media)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_best_wins() {
        use Media::{Events, GraphqlResponse, Json};
        for (accept, media) in [
            ("", Some(Json)),
            ("*/*", Some(Json)),
            ("application/json", Some(Json)),
            ("application/graphql-response+json", Some(GraphqlResponse)),
            (
                "application/graphql-response+json, application/json",
                Some(GraphqlResponse),
            ),
            (
                "application/json;q=0.9, application/graphql-response+json",
                Some(GraphqlResponse),
            ),
            ("application/json; charset=utf-8; q=1", Some(Json)),
            ("text/event-stream", Some(Events)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("text/html, */*;q=0.1", Some(Json)),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(Media::for_headers(&headers), media, "{accept:?}");
        }
    }
}
