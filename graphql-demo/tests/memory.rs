//! Hostile documents leave nothing behind. Alone in this file, since memory is measured of the whole process.

mod documents;
mod running;

use documents::documents;
use running::Demo;
use serde_json::json;

/// Linux tells how much memory the process has ever had; others don't, and the test says so.
#[tokio::test]
async fn memory_stays_flat() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    if resident().is_none() {
        println!("skipped 1: no /proc/self/status to measure memory with");
        return;
    }
    let demo = Demo::start().await;
    let round = async |number: usize| {
        for (_, query, _) in documents() {
            demo.ask(&query).await;
        }
        // Documents that are kept, each another one.
        for at in 0..100 {
            let query = format!("{{ country(code: \"{number}-{at}\") {{ name }} }}");
            demo.send(&json!({ "query": query })).await;
        }
    };
    round(0).await;
    round(1).await;
    let before = resident().unwrap();
    for number in 2..5 {
        round(number).await;
    }
    let after = resident().unwrap();
    assert!(after < before + 20_000, "{before} kB became {after} kB");
}
