//! The answers: all facts with every field, and the public API's answers to odd questions.

mod running;

use countries::facts;
use running::Demo;
use serde_json::{Value, json};

const EVERYTHING: &str = "{ countries { alpha3 awsRegion borders { code } capital code continent { code name }
  coordinates { latitude longitude } currencies currency currencyDetails { code digits name symbol } emoji emojiU
  languages { code name native rtl } name native numeric phone phones population region
  states { code country { code } name } subdivisions { code } allSubdivisions { code emoji name } subregion timeZones }
  continents { code countries { code } name } languages { code countries { code } name native rtl } }";

#[tokio::test]
async fn everything_answers_with_every_field() {
    let demo = Demo::start().await;
    let data = demo.data(EVERYTHING).await;
    let list = |name: &str| data[name].as_array().unwrap().clone();
    assert_eq!(list("countries").len(), 250);
    assert_eq!(list("continents").len(), 7);
    assert_eq!(list("languages").len(), 115);
    for (answer, fact) in list("countries").iter().zip(&facts().countries) {
        assert_eq!(answer["code"], fact.code);
        assert_eq!(answer["name"], fact.name);
        assert_eq!(answer["native"], fact.native);
        assert_eq!(answer["capital"], json!(fact.capital));
        assert_eq!(answer["currency"], json!(fact.currency));
        assert_eq!(answer["phone"], fact.phone);
        assert_eq!(answer["emoji"], fact.emoji);
        assert_eq!(answer["emojiU"], fact.emoji_u);
        assert_eq!(answer["awsRegion"], fact.aws_region);
        assert_eq!(answer["continent"]["code"], fact.continent);
        assert_eq!(codes(&answer["languages"]), fact.languages);
        assert_eq!(codes(&answer["borders"]), fact.borders);
        assert_eq!(
            answer["states"].as_array().unwrap().len(),
            fact.states.len()
        );
        let subdivisions = answer["allSubdivisions"].as_array().unwrap();
        assert_eq!(subdivisions.len(), fact.iso31662.len());
    }
    let subdivisions: usize = list("countries")
        .iter()
        .map(|country| country["allSubdivisions"].as_array().unwrap().len())
        .sum();
    assert_eq!(subdivisions, 5023);
}

/// Our own layer reads simple facts without their resolvers: they are the same as async-graphql's, which uses none of it.
#[tokio::test]
async fn the_librarys_own_executor_gives_the_same_answers() {
    let stock = graphql_demo::Config {
        stock: true,
        ..Default::default()
    };
    let demo = Demo::with(stock).await;
    let url = demo.url("/stock/graphql");
    let request = demo.client.post(url).json(&json!({ "query": EVERYTHING }));
    let mut theirs: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(theirs.get("errors"), None);
    let ours = demo.data(EVERYTHING).await;
    assert!(ours == theirs["data"].take(), "some fact differs");
}

fn codes(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|item| item["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_name_comes_in_78_languages() {
    let demo = Demo::start().await;
    let languages = facts().countries[0].names.keys();
    for (count, lang) in languages.enumerate().map(|(at, lang)| (at + 1, lang)) {
        let query = format!("{{ country(code: \"BR\") {{ name(lang: \"{lang}\") }} }}");
        let name = demo.data(&query).await["country"]["name"].clone();
        let fact = countries::country("BR").unwrap().name_in(lang);
        assert_eq!(name, json!(fact), "{count}: {lang}");
    }
}

#[tokio::test]
async fn an_unknown_language_is_an_error_and_the_country_null() {
    let demo = Demo::start().await;
    for lang in ["xx", "", "EN", "pt-BR"] {
        let query = format!(
            "{{ country(code: \"BR\") {{ code name(lang: \"{lang}\") }} other: country(code: \"US\") {{ code }} }}"
        );
        let answer = demo.ask(&query).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "VALIDATION_ERROR", "{lang:?}");
        assert_eq!(error["path"], json!(["country", "name"]));
        let data = json!({"country": null, "other": {"code": "US"}});
        assert_eq!(answer["data"], data);
    }
}

/// How many countries, languages or continents a filter lets through.
#[tokio::test]
async fn filters_answer_as_the_public_api_does() {
    let demo = Demo::start().await;
    let usd = facts().countries.iter();
    let usd = usd.filter(|country| country.currencies().any(|code| code == "USD"));
    for (field, count) in [
        ("countries", 250),
        ("countries(filter: {})", 250),
        ("countries(filter: null)", 0),
        ("countries(filter: {code: null})", 0),
        ("countries(filter: {code: {}})", 0),
        ("countries(filter: {code: {eq: null}})", 0),
        ("countries(filter: {code: {in: null}})", 0),
        ("countries(filter: {code: {in: []}})", 0),
        ("countries(filter: {code: {regex: null}})", 0),
        ("countries(filter: {code: {ne: null}})", 250),
        ("countries(filter: {code: {nin: null}})", 250),
        ("countries(filter: {code: {nin: []}})", 250),
        ("countries(filter: {code: {eq: \"BR\"}})", 1),
        ("countries(filter: {code: {eq: \"br\"}})", 0),
        ("countries(filter: {code: {in: \"BR\"}})", 1),
        (
            "countries(filter: {code: {in: [\"BR\", \"US\", \"XX\"]}})",
            2,
        ),
        ("countries(filter: {code: {ne: \"BR\"}})", 249),
        ("countries(filter: {code: {nin: [\"BR\", \"US\"]}})", 248),
        ("countries(filter: {code: {eq: \"BR\", ne: \"BR\"}})", 0),
        ("countries(filter: {name: {regex: \"^(?=.*z)B\"}})", 3),
        ("countries(filter: {name: {glob: \"Br*l\"}})", 1),
        (
            "countries(filter: {continent: {eq: \"SA\"}, currency: {regex: \"^U\"}})",
            2,
        ),
        ("countries(filter: {currency: {eq: \"USD\"}})", usd.count()),
        ("continents(filter: {code: {in: [\"SA\", \"EU\"]}})", 2),
        ("languages(filter: {code: {regex: \"^p\"}})", 4),
    ] {
        let data = demo.data(&format!("{{ list: {field} {{ code }} }}")).await;
        assert_eq!(data["list"].as_array().unwrap().len(), count, "{field}");
    }
}

#[tokio::test]
async fn odd_questions_get_the_public_apis_answers() {
    let demo = Demo::start().await;
    for (query, data) in [
        (
            "{ country(code: \"br\") { code } }",
            json!({"country": null}),
        ),
        (
            "{ country(code: \"constructor\") { code } }",
            json!({"country": null}),
        ),
        ("{ country(code: 1) { code } }", json!({"country": null})),
        (
            "{ country(code: \"AQ\") { currency currencies capital languages { code } } }",
            json!({"country": {"currency": null, "currencies": [""], "capital": null, "languages": []}}),
        ),
        (
            "query ($f: CountryFilterInput) { countriesPage(filter: $f) { totalCount } }",
            json!({"countriesPage": {"totalCount": 250}}),
        ),
        (
            "{ a: __typename country(code: \"BR\") { __typename ...F ... { phones } name } } fragment F on Country { name code }",
            json!({"a": "Query", "country": {"__typename": "Country", "name": "Brazil", "code": "BR", "phones": ["55"]}}),
        ),
        (
            "{ country(code: \"BR\") { name } country(code: \"BR\") { code continent { code } continent { name } } }",
            json!({"country": {"name": "Brazil", "code": "BR", "continent": {"code": "SA", "name": "South America"}}}),
        ),
    ] {
        assert_eq!(demo.data(query).await, data, "{query}");
    }
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_query() {
    let demo = Demo::start().await;
    let query =
        "{ country(code: \"BR\") { name(lang: \"de\") languages { name code } code capital } }";
    let body = json!({ "query": query });
    let text = demo.send(&body).await.text().await.unwrap();
    assert_eq!(
        text,
        "{\"data\":{\"country\":{\"name\":\"Brasilien\",\"languages\":[{\"name\":\"Portuguese\",\"code\":\"pt\"}],\"code\":\"BR\",\"capital\":\"Brasília\"}}}"
    );
}

#[tokio::test]
async fn batching_turns_n_plus_one_look_ups_into_two() {
    let demo = Demo::start().await;
    for (loader, lookups) in [("off", 251), ("on", 2)] {
        let url = demo.url(&format!("/graphql?loader={loader}"));
        let body = json!({"query": "{ countries { name continent { name } } }"});
        let request = demo.client.post(url).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["extensions"]["lookups"], lookups, "{loader}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap() {
    let demo = Demo::start().await;
    let (mut after, mut seen) = (String::new(), 0);
    loop {
        let query = format!(
            "{{ countriesPage(first: 100, after: \"{after}\") {{ edges {{ cursor node {{ code }} }}
               pageInfo {{ hasNextPage endCursor }} totalCount }} }}"
        );
        let page = demo.data(&query).await["countriesPage"].take();
        seen += page["edges"].as_array().unwrap().len();
        page["pageInfo"]["endCursor"]
            .as_str()
            .unwrap()
            .clone_into(&mut after);
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, 250);
    let last = demo
        .data("{ countriesPage(last: 2) { nodes { code } } }")
        .await;
    assert_eq!(codes(&last["countriesPage"]["nodes"]), ["ZM", "ZW"]);
}
