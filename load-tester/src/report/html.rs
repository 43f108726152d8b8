//! The report as one page that needs nothing else.

use super::Report;

/// The whole page.
pub fn render(report: &Report) -> String {
    report.map()
}
