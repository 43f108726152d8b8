//! The schema: nothing of the public API's is missing, and it changes only on purpose.

mod running;

use running::Demo;

/// `type Country` and its lines, so that a line is looked for in its own type.
fn blocks(sdl: &str) -> Vec<(String, Vec<String>)> {
    let mut blocks = Vec::new();
    for line in sdl.lines().map(str::trim) {
        if let Some(title) = line.strip_suffix(" {") {
            blocks.push((title.to_owned(), Vec::new()));
        } else if line.contains(": ") && !line.starts_with('"') && !line.starts_with('#') {
            let (_, lines) = blocks.last_mut().expect("a field within a type");
            lines.push(line.to_owned());
        }
    }
    blocks
}

#[tokio::test]
async fn every_line_of_the_public_api_is_there() {
    let demo = Demo::start().await;
    let ours = demo.client.get(demo.url("/schema.graphql"));
    let ours = ours.send().await.unwrap().text().await.unwrap();
    let ours = blocks(&ours);
    let theirs = blocks(include_str!("../countries.graphql"));
    let mut compared = 0;
    for (title, lines) in theirs {
        let found = ours.iter().find(|(ours, _)| *ours == title);
        let (_, ours) = found.unwrap_or_else(|| panic!("{title} is missing"));
        for line in lines {
            assert!(ours.contains(&line), "{title}: {line}");
            compared += 1;
        }
    }
    assert_eq!(compared, 46);
}

/// `UPDATE_SCHEMA=1 cargo test -p graphql-demo --test schema` writes the snapshot anew.
#[tokio::test]
async fn the_schema_is_the_one_that_was_agreed_on() {
    let demo = Demo::start().await;
    let ours = demo.client.get(demo.url("/schema.graphql"));
    let ours = ours.send().await.unwrap().text().await.unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schema.graphql");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &ours).unwrap();
    }
    let agreed = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        ours, agreed,
        "UPDATE_SCHEMA=1 writes tests/schema.graphql anew"
    );
}
