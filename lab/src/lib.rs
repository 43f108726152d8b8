//! cargo lab: the launcher without Docker, doctor, chapter checks and end-to-end tests.
