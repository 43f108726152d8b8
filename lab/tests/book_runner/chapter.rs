//! The commands of a chapter: in fenced blocks marked `console`, `$ ` starts a command, `> ` right below
//! continues it, and the lines up to the next command are what it prints.
use std::path::Path;

/// One file of the book.
pub(crate) struct Chapter {
    pub(crate) name: String,
    pub(crate) commands: Vec<Step>,
}

/// One command and what it should print.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) command: String,
    pub(crate) expected: String,
    pub(crate) needs: Needs,
}

/// What a block wants beside a lab, as it is marked: `console`, `console,docker`, `console,swarm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    Docker,
    /// A machine that is a swarm of its own: `cargo lab test swarm`.
    Swarm,
}

impl Needs {
    fn of(info: &str) -> Self {
        let has = |word| info.split(',').any(|one| one.trim() == word);
        match (has("swarm"), has("docker")) {
            (true, _) => Self::Swarm,
            (_, true) => Self::Docker,
            _ => Self::Nothing,
        }
    }
}

impl Chapter {
    /// Every chapter below the folder, in the order of their names.
    pub(crate) fn all(folder: &Path) -> Vec<Self> {
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        let mut chapters = Vec::new();
        for path in paths {
            if path.is_dir() {
                chapters.extend(Self::all(&path));
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let commands = steps(&std::fs::read_to_string(&path).unwrap());
                chapters.push(Self {
                    name: path.file_name().unwrap().to_string_lossy().into(),
                    commands,
                });
            }
        }
        chapters
    }
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut block: Option<Needs> = None;
    for (index, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, block) {
            (Some(info), None) if info.split(',').next() == Some("console") => {
                block = Some(Needs::of(info));
            }
            // Another language: its text is not ours, whatever it looks like.
            (Some(info), None) if !info.is_empty() => block = None,
            (Some(_), _) => block = None,
            (None, Some(needs)) => add(&mut steps, line, index + 1, needs),
            (None, None) => {}
        }
    }
    steps
}

fn add(steps: &mut Vec<Step>, line: &str, number: usize, needs: Needs) {
    if let Some(command) = line.strip_prefix("$ ") {
        steps.push(Step {
            line: number,
            command: command.into(),
            expected: String::new(),
            needs,
        });
        return;
    }
    let step = steps
        .last_mut()
        .unwrap_or_else(|| panic!("line {number}: a console block starts with `$ `"));
    match line.strip_prefix("> ") {
        Some(more) if step.expected.is_empty() => {
            step.command.push_str(&format!("\n{more}"));
        }
        _ => step.expected.push_str(&format!("{line}\n")),
    }
}

#[test]
fn commands_continue_and_end_where_the_next_begins() {
    let text = "```console\n$ one \\\n>   more\nout\n\n$ two\n```\n\n```sh\n$ not this\n```\n```console,docker\n$ three\n...\n```\n";
    let step = |line, command: &str, expected: &str, needs| Step {
        line,
        command: command.into(),
        expected: expected.into(),
        needs,
    };
    assert_eq!(
        steps(text),
        [
            step(2, "one \\\n  more", "out\n\n", Needs::Nothing),
            step(6, "two", "", Needs::Nothing),
            step(13, "three", "...\n", Needs::Docker)
        ]
    );
}
