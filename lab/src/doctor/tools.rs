//! Rust, Docker, and the programs that single commands of the lab use.
use super::{Finding, output_of};
use crate::place::Place;

pub(super) fn look(place: &Place) -> Vec<Finding> {
    vec![rust(place), docker(), compose(), curl()]
}

fn rust(place: &Place) -> Finding {
    let pinned =
        std::fs::read_to_string(place.root.join("rust-toolchain.toml")).unwrap_or_default();
    let pinned = pinned
        .lines()
        .find_map(|line| line.strip_prefix("channel = "))
        .unwrap_or("?")
        .trim_matches('"');
    match output_of("rustc", &["--version"]) {
        Some(version) if version.contains(pinned) => Finding::Well(version),
        Some(version) => Finding::Note(
            format!("{version}, while rust-toolchain.toml pins {pinned}"),
            "let rustup choose: run cargo inside the lab's folder, without +toolchain".into(),
        ),
        None => Finding::Fault(
            "no rustc".into(),
            "install Rust from https://rustup.rs, or use the lab in Docker only".into(),
        ),
    }
}

fn docker() -> Finding {
    if output_of("docker", &["--version"]).is_none() {
        let advice = "the lab runs without: `cargo lab up`; for `docker compose up` install Docker Desktop or docker-ce";
        return Finding::Note("no Docker".into(), advice.into());
    }
    match output_of("docker", &["version", "--format", "{{.Server.Version}}"]) {
        Some(version) => Finding::Well(format!("Docker engine {version}")),
        None => Finding::Note(
            "Docker is installed, but its engine does not answer".into(),
            "start Docker Desktop, or `sudo systemctl start docker`; on Linux your user must be in the group docker".into(),
        ),
    }
}

fn compose() -> Finding {
    match output_of("docker", &["compose", "version", "--short"]) {
        Some(version) => Finding::Well(format!("docker compose {version}")),
        None => Finding::Note(
            "no `docker compose`".into(),
            "install the plugin docker-compose-plugin; the old `docker-compose` does not read this lab's file".into(),
        ),
    }
}

fn curl() -> Finding {
    match output_of("curl", &["--version"]) {
        Some(text) => Finding::Well(text.split(" (").next().unwrap_or("curl").to_owned()),
        None => Finding::Note(
            "no curl".into(),
            "the chapters use it; a browser shows most of the same".into(),
        ),
    }
}
