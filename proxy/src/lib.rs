//! A load-balancing reverse proxy that runs the nginx configuration language.
mod balance;
mod http1;
mod upstream;
