//! The five questions: nothing, one thing, a long list, a search, a deep tree.
use serde_json::json;

use crate::bench::load::{NUMBER, Post};

#[derive(Debug)]
pub(super) struct Question {
    pub(super) title: &'static str,
    document: &'static str,
    /// The variable `code`, if the question has it.
    code: Option<&'static str>,
}

pub(super) const QUESTIONS: [Question; 5] = [
    Question {
        title: "__typename",
        document: "{ __typename }",
        code: None,
    },
    Question {
        title: "GetCountry BR",
        document: "query GetCountry($code: ID!) { country(code: $code) { name native capital emoji currency \
                   languages { code name } } }",
        code: Some("BR"),
    },
    Question {
        title: "list",
        document: "{ countries { code name emoji } }",
        code: None,
    },
    Question {
        title: "filter",
        document: "{ countries(filter: { continent: { in: [\"NA\", \"SA\"] }, currency: { regex: \"^[BU]\" } }) \
                   { code name currency } }",
        code: None,
    },
    Question {
        title: "deep",
        document: "{ continent(code: \"SA\") { countries { name capital languages { name countries { code name } } } } }",
        code: None,
    },
];

impl Question {
    /// The request; a `fresh` one ends in a comment with another number each time.
    pub(super) fn post(&self, fresh: bool) -> Post {
        let mut query = self.document.to_owned();
        if fresh {
            query = format!("{query} # {NUMBER}");
        }
        let body = match self.code {
            Some(code) => json!({ "query": query, "variables": { "code": code } }),
            None => json!({ "query": query }),
        };
        Post {
            path: "/graphql",
            headers: vec![("Content-Type", "application/json".into())],
            body: body.to_string(),
        }
    }
}
