//! compose.yaml and the launcher's table are two descriptions of one lab; here they are held against each other.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lab::place::Place;
use lab::ports::Ports;
use lab::services::{FRONTS, SERVICES, Service};

/// The lines of each service of compose.yaml, without reading more YAML than its indentation.
fn compose_services() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("compose.yaml")).unwrap();
    let body = text
        .split_once("\nservices:\n")
        .expect("a block of services")
        .1;
    let mut services: BTreeMap<String, String> = BTreeMap::new();
    let mut current = String::new();
    for line in body
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
    {
        match (
            line.strip_prefix("  "),
            line.is_empty() || line.starts_with(' '),
        ) {
            (_, false) => break,
            (Some(key), _) if !key.starts_with(' ') && key.ends_with(':') => {
                current = key.trim_end_matches(':').to_owned();
                services.insert(current.clone(), String::new());
            }
            _ => {
                if let Some(lines) = services.get_mut(&current) {
                    lines.push_str(&format!("{line}\n"));
                }
            }
        }
    }
    services
}

fn start_of(service: &Service) -> lab::services::Start {
    let place = Place {
        root: "/lab".into(),
        state: "/lab/.lab".into(),
        conf: "/lab/proxy/conf".into(),
    };
    service.start(&place, &Ports::default())
}

#[test]
fn both_have_the_same_services() {
    let always = compose_services()
        .into_iter()
        .filter(|(_, lines)| !lines.contains("profiles:"));
    let compose: BTreeSet<_> = always.map(|(name, _)| name).collect();
    let launcher: BTreeSet<_> = SERVICES
        .iter()
        .map(|service| service.name.to_owned())
        .collect();
    assert_eq!(compose, launcher);
}

#[test]
fn both_give_the_backends_the_same_names() {
    let compose = compose_services();
    for service in SERVICES {
        for (variable, value) in start_of(service).env {
            let line = format!("{variable}: \"{value}\"");
            assert!(
                compose[service.name].contains(&line),
                "{} has no {line}",
                service.name
            );
        }
    }
}

#[test]
fn only_the_proxies_publish_and_on_this_machine_only() {
    // (443 is chapter 8's.) Mail and DNS are no HTTP: the webhook receiver takes them itself.
    // The forward proxy is a proxy, too.
    const PUBLISHERS: [&str; 3] = ["forward-proxy", "proxy", "webhook-receiver"];
    let published: Vec<_> = compose_services()
        .into_iter()
        .filter(|(_, lines)| !lines.contains("profiles:"))
        .flat_map(|(name, lines)| {
            let ports: Vec<_> = lines
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with("- \"127.0.0.1:"))
                .collect();
            assert_eq!(
                lines.contains("ports:"),
                PUBLISHERS.contains(&name.as_str()),
                "{name}"
            );
            assert_eq!(
                ports.len(),
                lines.matches("\n      - \"").count(),
                "{name} publishes beyond 127.0.0.1"
            );
            ports
                .iter()
                .map(|line| (*line).to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    let inside: BTreeSet<_> = published
        .iter()
        .map(|line| {
            line.trim_end_matches('"')
                .rsplit(':')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    let fronts = FRONTS.iter().map(|front| front.listen.to_string());
    let others = ["443", "2525", "5300", "5300/udp"].map(str::to_owned);
    assert_eq!(inside, fronts.chain(others).collect());
}

#[test]
fn the_proxy_is_told_where_every_host_of_its_configuration_is() {
    let args = start_of(Service::find("proxy").unwrap()).args;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut text = std::fs::read_to_string(root.join("proxy/conf/nginx.conf")).unwrap();
    for entry in std::fs::read_dir(root.join("proxy/conf/conf.d")).unwrap() {
        text.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .collect();
    let hosts = lines
        .iter()
        .filter_map(|line| line.strip_prefix("server "))
        .filter_map(|rest| rest.strip_suffix(';'))
        .chain(
            lines
                .iter()
                .filter_map(|line| line.strip_prefix("proxy_pass http://"))
                .filter_map(|rest| rest.strip_suffix(';'))
                .filter(|target| target.contains(':')),
        );
    for host in hosts {
        let mapped = format!("{host}=127.0.0.1:");
        assert!(
            args.iter().any(|arg| arg.starts_with(&mapped)),
            "{host} is not in {args:?}"
        );
    }
    for port in lines
        .iter()
        .filter_map(|line| line.strip_prefix("listen "))
        .filter_map(|rest| rest.strip_suffix(';'))
    {
        let mapped = format!("{port}=127.0.0.1:");
        assert!(
            args.iter().any(|arg| arg.starts_with(&mapped)),
            "listen {port} is not in {args:?}"
        );
    }
}

#[test]
fn names_of_backends_and_of_the_default_ports_are_those_everybody_knows() {
    let ports = Ports::default();
    assert_eq!(
        (ports.http, ports.docs, ports.admin, ports.backends),
        (8088, 8000, 8080, [5001, 5002, 5003])
    );
    assert!(Service::find("backend2").unwrap().is_called("backends"));
    assert!(
        Service::find("nothing")
            .unwrap_err()
            .to_string()
            .contains("backend1, backend2")
    );
}

#[test]
fn the_forward_proxy_is_told_where_every_host_of_the_lab_is() {
    let args = start_of(Service::find("forward-proxy").unwrap()).args;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("proxy/conf/forward/nginx.conf")).unwrap();
    let (_, rest) = text.split_once("map $target $in_the_lab {").expect("a map");
    let (hosts, _) = rest.split_once('}').expect("its end");
    let hosts: Vec<_> = hosts
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(hosts.len() > 8, "{hosts:?}");
    for host in hosts {
        let mapped = format!("{host}:");
        assert!(
            args.iter().any(|arg| arg.starts_with(&mapped)),
            "{host} is not in {args:?}"
        );
    }
    assert!(args.contains(&"3128=127.0.0.1:3128".to_owned()), "{args:?}");
}
