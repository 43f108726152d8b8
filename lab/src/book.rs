//! The book, built by mdBook's own library, so that nobody has to install mdBook.
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use mdbook_driver::MDBook;
use tokio::process::Command;

use crate::binaries::Binaries;
use crate::place::Place;
use crate::ports::Ports;
use crate::services::Service;

const LOOK_FOR_CHANGES: Duration = Duration::from_millis(500);

/// Where the lab's docs server finds the book: `root book;` under its prefix.
pub fn served_folder(place: &Place) -> PathBuf {
    place.state.join("docs").join("book")
}

/// Renders docs/ into `destination`.
pub fn build(root: &Path, destination: &Path) -> Result<()> {
    let mut book = MDBook::load(root.join("docs"))
        .map_err(|error| anyhow!(error))
        .context("docs/ is no book")?;
    destination.clone_into(&mut book.config.build.build_dir);
    std::fs::create_dir_all(destination)?;
    book.build()
        .map_err(|error| anyhow!(error))
        .context("the book does not build")
}

/// `cargo lab book build`.
pub fn build_for_people(root: &Path, destination: Option<PathBuf>) -> Result<()> {
    let destination = destination.unwrap_or_else(|| root.join("target/book"));
    build(root, &std::path::absolute(&destination)?)?;
    println!("the book: {}", destination.join("index.html").display());
    Ok(())
}

/// `cargo lab book serve`: the docs server alone, and a fresh rendering whenever something under docs/ changes.
pub async fn serve(place: &Place, port: u16) -> Result<()> {
    let folder = served_folder(place);
    build(&place.root, &folder)?;
    let binaries = Binaries::beside_this_executable()?;
    binaries.build(&place.root)?;
    let ports = Ports {
        docs_server: port,
        ..Ports::default()
    };
    let docs = Service::find("docs")?;
    let mut server = Command::new(binaries.path(docs.binary))
        .args(docs.start(place, &ports).args)
        .kill_on_drop(true)
        .spawn()
        .context("the docs server does not start")?;
    println!("the book: {} (Ctrl-C ends it)", Ports::url(port));
    let mut seen = newest(&place.root.join("docs"));
    loop {
        tokio::select! {
            ended = server.wait() => bail!("the docs server ended: {}", ended?),
            _ = tokio::signal::ctrl_c() => return Ok(()),
            () = tokio::time::sleep(LOOK_FOR_CHANGES) => {}
        }
        let now = newest(&place.root.join("docs"));
        if now > seen {
            seen = now;
            match build(&place.root, &folder) {
                Ok(()) => println!("rendered again; reload the page"),
                Err(error) => println!("{error:#}"),
            }
        }
    }
}

fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?;
    let times = entries.flatten().map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            newest(&path)
        } else {
            entry.metadata().and_then(|data| data.modified()).ok()
        }
    });
    times.max().flatten()
}
