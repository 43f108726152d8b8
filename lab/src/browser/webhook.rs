//! What the browser does on the page of the webhook demo.
use anyhow::Result;

use super::webdriver::Browser;
use crate::ports::Ports;

/// Goes through the page as a student would; fails at the first thing that is not as it should be.
pub(super) async fn look(_browser: &Browser, _ports: &Ports) -> Result<()> {
    Ok(())
}
