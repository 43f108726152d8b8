//! The process shell that every service of the lab shares: logging, bind, shutdown, healthcheck.
