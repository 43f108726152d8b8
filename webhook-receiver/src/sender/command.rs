//! `webhook-receiver send`: one delivery from the command line, and what the receiver said to it.

use clap::Args;

use super::{Encoding, Event, Outcome, Preset, Request, SendError, client, deliver};
use crate::target::Targets;

/// What to send, and where.
#[derive(Args, Debug)]
pub struct Arguments {
    /// ping, issues.opened, issues.edited, issues.closed, issue_comment, push, star (as GitHub), or standard
    event: String,
    /// The receiver's URL
    #[arg(long)]
    url: String,
    /// Signs the delivery; for `standard` it starts with whsec_
    #[arg(long, default_value = "")]
    secret: String,
    /// Send a form, `payload=...`, instead of JSON
    #[arg(long)]
    form: bool,
    #[arg(long, default_value = "The backend answers twice")]
    title: String,
    #[arg(long, default_value = "Seen in lab 8.")]
    text: String,
    /// The number
    #[arg(long, default_value_t = 8)]
    number: u64,
    /// Send it again this often, under the same delivery id
    #[arg(long, default_value_t = 0, value_name = "TIMES")]
    redeliver: u32,
    /// The delivery id; a new one if left out
    #[arg(long, value_name = "ID")]
    delivery_id: Option<String>,
    /// Only print the request, headers and body
    #[arg(long)]
    print: bool,
}

/// Sends, reports on standard output; whether every delivery was answered with 2xx.
#[expect(clippy::print_stdout, reason = "what a command line prints")]
pub async fn run(arguments: &Arguments) -> Result<bool, SendError> {
    let request = request(arguments)?;
    if arguments.print {
        let message = request.message(&arguments.url)?;
        for (name, value) in &message.headers {
            println!("{name}: {value}");
        }
        println!("\n{}", String::from_utf8_lossy(&message.body));
        return Ok(true);
    }
    let targets = Targets::any(); // the student's own machine and own word
    let client = client(&targets);
    let mut all_delivered = true;
    for attempt in 0..=arguments.redeliver {
        let message = request.message(&arguments.url)?;
        let outcome = deliver(&client, &targets, &arguments.url, &message).await?;
        let what = if attempt == 0 {
            "delivered"
        } else {
            "redelivered"
        };
        println!(
            "{what} {} {}: {}",
            arguments.event,
            request.id,
            told(&outcome)
        );
        all_delivered &= outcome.delivered();
    }
    Ok(all_delivered)
}

fn request(arguments: &Arguments) -> Result<Request, SendError> {
    let preset = if arguments.event == "standard" {
        Preset::Standard
    } else {
        let event: Event = arguments.event.parse()?;
        let encoding = if arguments.form {
            Encoding::Form
        } else {
            Encoding::Json
        };
        Preset::GitHub(event, encoding)
    };
    let mut request = Request::new(
        preset,
        arguments.secret.clone(),
        arguments.title.clone(),
        arguments.text.clone(),
        arguments.number,
    );
    if let Some(id) = &arguments.delivery_id {
        request.id.clone_from(id);
    }
    Ok(request)
}

fn told(outcome: &Outcome) -> String {
    match (outcome.status, &outcome.error) {
        (Some(status), None) => format!("{status} in {} ms", outcome.duration_ms),
        (status, error) => {
            let status = status.map_or(String::new(), |status| format!("{status}, then "));
            let error = error.as_deref().unwrap_or("no answer");
            format!("{status}failed after {} ms: {error}", outcome.duration_ms)
        }
    }
}
