//! GraphiQL, the page that explores a GraphQL API, comes from npm and is served by our own demo. Here it is fetched
//! once, into `target/graphiql`, if npm is there; without it the demo shows a plain page of its own.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Where the collected files lie, whether they are there or not.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/graphiql")
}

/// Fetches what is missing; says in one line what came of it, never fails.
pub(crate) fn fetch(root: &Path) {
    let Ok(wanted) = fs::read_to_string(root.join("graphql-demo/graphiql/package-lock.json"))
    else {
        return;
    };
    let stamp = folder(root).join(".collected");
    if fs::read_to_string(&stamp).is_ok_and(|collected| collected == wanted) {
        return;
    }
    match collect(root).and_then(|()| Ok(fs::write(stamp, wanted)?)) {
        Ok(()) => println!("fetched GraphiQL with npm"),
        Err(error) => println!("no GraphiQL, so the GraphQL demo shows its plain page: {error:#}"),
    }
}

fn collect(root: &Path) -> Result<()> {
    let place = root.join("target/graphiql-source");
    crate::private_lab::copy_folder(&root.join("graphql-demo/graphiql"), &place)?;
    run(
        &place,
        "npm",
        &[
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ],
    )?;
    let out = folder(root);
    run(&place, "node", &["collect.mjs", &out.display().to_string()])
}

fn run(place: &Path, program: &str, args: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command
        .current_dir(place)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let status = command
        .status()
        .with_context(|| format!("{program} does not start"))?;
    ensure!(status.success(), "{program} {}: {status}", args.join(" "));
    Ok(())
}
