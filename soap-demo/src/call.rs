//! `soap-demo call`: takes a service's address, an operation and `name=value` words; prints the result, or says what
//! went wrong and exits with 1.

use anyhow::Context;
use clap::{Args, ValueEnum};
use soap_demo::client::{Client, Version, arguments, shown};

/// What to call.
#[derive(Args)]
pub(crate) struct Options {
    /// Where the service is, such as http://localhost:8001
    origin: String,
    /// Its name, such as CountryInfoService
    service: String,
    /// Such as CapitalCity
    operation: String,
    /// The operation's parameters, such as sCountryISOCode=BR
    #[arg(value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Which SOAP
    #[arg(long, value_enum, default_value_t = Soap::V1_1)]
    soap: Soap,
    /// Print the request instead of sending it
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Soap {
    #[value(name = "1.1")]
    V1_1,
    #[value(name = "1.2")]
    V1_2,
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the answer")]
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let version = match options.soap {
        Soap::V1_1 => Version::Soap11,
        Soap::V1_2 => Version::Soap12,
    };
    let path = soap_demo::path_of(&options.service)
        .with_context(|| format!("no service is called {}", options.service))?;
    let client = Client::fetch(&options.origin, &path, version)
        .await
        .with_context(|| format!("the contract at {}{path}?WSDL", options.origin))?;
    let operation = client.operation(&options.operation)?;
    let request = arguments(operation, &options.parameters)?;
    if options.dry_run {
        println!("{}", client.envelope(operation, &request)?);
        return Ok(());
    }
    let answer = client.ask(operation, &request).await?;
    let [result] = operation.response.children() else {
        anyhow::bail!("{} has not one result", operation.name);
    };
    println!("{}", shown(result, &answer));
    Ok(())
}
