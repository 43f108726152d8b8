//! The book is right: every `console` block of every chapter runs, and prints what the chapter says.
//!
//! Without Docker the blocks run against a private lab, one per chapter, and what only Docker can do
//! (`console,docker`) is counted and said. With LAB_BOOK=docker they run against the compose lab, with LAB_BOOK=swarm
//! those that make this machine a swarm (`console,swarm`).
mod book_runner;

use std::path::Path;

use book_runner::chapter::Chapter;
use book_runner::stage::Stage;

#[test]
fn every_command_of_the_book_prints_what_the_book_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let book = std::env::var("LAB_BOOK").unwrap_or_default();
    let only = std::env::var("LAB_CHAPTER").unwrap_or_default();
    let chapters: Vec<_> = Chapter::all(&root.join("docs/src"))
        .into_iter()
        .filter(|chapter| chapter.name.contains(&only) && !chapter.commands.is_empty())
        .collect();
    let commands: usize = chapters.iter().map(|chapter| chapter.commands.len()).sum();
    if let Some(missing) = ["bash", "curl"]
        .into_iter()
        .find(|program| !book_runner::have(program))
    {
        println!("SKIPPED: no {missing} here, so none of the book's {commands} commands was run");
        return;
    }
    let stage = match book.as_str() {
        "docker" => Stage::docker(root, env!("CARGO_BIN_EXE_lab")),
        "swarm" => Stage::Swarm { root: root.into() },
        _ => Stage::without_docker(root, env!("CARGO_BIN_EXE_lab")),
    };
    let mut skipped = 0;
    let mut failures = Vec::new();
    for chapter in &chapters {
        let outcome = stage.play(chapter);
        skipped += outcome.skipped;
        failures.extend(outcome.failures);
    }
    // Standard error, so that it shows without --nocapture only on failure, and always in `cargo lab test`.
    eprintln!(
        "{} of {commands} commands run, {skipped} SKIPPED (they need Docker or a swarm)",
        commands - skipped
    );
    assert!(
        failures.is_empty(),
        "{} of the book's commands:\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}
