//! `cargo lab ca`: an authority of one's own, and the certificates of chapter 8. Takes the lab's folders, decides what is
//! still good, writes what is missing.
//!
//! The authority's key stays in `.lab/ca` and never comes near the proxy; what the proxy needs goes to `proxy/conf/tls`.
//! Neither is ever committed. The authority may only speak for `localhost` and this machine's own addresses: who steals
//! it can't pretend to be anybody's bank, even where a browser was told to trust it. Clients have an authority of their own.
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context, Result};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};

use crate::place::Place;

/// The names that the server's certificate is for.
const NAMES: [&str; 4] = ["localhost", "secure.localhost", "127.0.0.1", "::1"];
/// What browsers and Apple's systems let a certificate live.
const LEAF_DAYS: i64 = 397;
const AUTHORITY_YEARS: i64 = 10;

/// A key is for its owner; the proxy's is read by another user of the container, too.
#[derive(Clone, Copy)]
enum Readers {
    Owner,
    All,
}

/// Makes what is missing and says where it is and how to trust it.
pub fn make(place: &Place, renew: bool) -> Result<()> {
    let (own, proxy) = (place.state.join("ca"), place.conf.join("tls"));
    fs::create_dir_all(&own).with_context(|| own.display().to_string())?;
    fs::create_dir_all(&proxy).with_context(|| proxy.display().to_string())?;
    let servers = authority(&own, "ca", "Lab 8: servers on this machine", true, renew)?;
    let clients = authority(&own, "clients", "Lab 8: clients", false, renew)?;
    for name in ["ca.crt", "clients.crt"] {
        fs::copy(own.join(name), proxy.join(name))?;
    }
    let server = ExtendedKeyUsagePurpose::ServerAuth;
    issue(&servers, &proxy, "localhost", &NAMES, server)?;
    let client = ExtendedKeyUsagePurpose::ClientAuth;
    issue(&clients, &proxy, "student", &[], client)?;
    say(&own, &proxy);
    Ok(())
}

/// `server.crt` and `server.key` that nobody vouches for, for programs that compare servers.
pub(crate) fn self_signed(folder: &Path) -> Result<()> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    fs::write(folder.join("server.crt"), made.cert.pem())?;
    Ok(fs::write(
        folder.join("server.key"),
        made.signing_key.serialize_pem(),
    )?)
}

/// Reads an authority, or makes it.
fn authority(
    folder: &Path,
    name: &str,
    title: &str,
    bound: bool,
    renew: bool,
) -> Result<Issuer<'static, KeyPair>> {
    let (certificate, key) = (file(folder, name, "crt"), file(folder, name, "key"));
    if !renew && certificate.exists() && key.exists() {
        let key = KeyPair::from_pem(&fs::read_to_string(&key)?)?;
        let text = fs::read_to_string(&certificate)?;
        return Issuer::from_ca_cert_pem(&text, key)
            .with_context(|| format!("{}; --renew makes another", certificate.display()));
    }
    let mut params = params(title, &[], AUTHORITY_YEARS * 365)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    if bound {
        params.name_constraints = Some(only_this_machine());
    }
    let pair = KeyPair::generate()?;
    write(
        &certificate,
        &params.self_signed(&pair)?.pem(),
        Readers::All,
    )?;
    write(&key, &pair.serialize_pem(), Readers::Owner)?;
    Ok(Issuer::new(params, pair))
}

fn only_this_machine() -> NameConstraints {
    let v4 = CidrSubnet::V4([127, 0, 0, 0], [255, 0, 0, 0]);
    let mut loopback = [0; 16];
    loopback[15] = 1;
    let v6 = CidrSubnet::V6(loopback, [255; 16]);
    NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(v4),
            GeneralSubtree::IpAddress(v6),
        ],
        excluded_subtrees: Vec::new(),
    }
}

fn issue(
    issuer: &Issuer<'_, KeyPair>,
    folder: &Path,
    name: &str,
    names: &[&str],
    purpose: ExtendedKeyUsagePurpose,
) -> Result<()> {
    let mut params = params(name, names, LEAF_DAYS)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    let pair = KeyPair::generate()?;
    let certificate = params.signed_by(&pair, issuer)?;
    write(&file(folder, name, "crt"), &certificate.pem(), Readers::All)?;
    write(
        &file(folder, name, "key"),
        &pair.serialize_pem(),
        Readers::All,
    )
}

fn params(title: &str, names: &[&str], days: i64) -> Result<CertificateParams> {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, title);
    let number = |part: i8| u8::try_from(part).expect("months and days are positive");
    let at = |date: Date| {
        rcgen::date_time_ymd(date.year().into(), number(date.month()), number(date.day()))
    };
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    // Yesterday, for clocks that are behind.
    params.not_before = at(today.yesterday()?);
    params.not_after = at(today.checked_add(days.days())?);
    Ok(params)
}

fn file(folder: &Path, name: &str, ending: &str) -> std::path::PathBuf {
    folder.join(format!("{name}.{ending}"))
}

/// Written anew, so that an old file's permissions don't stay.
fn write(path: &Path, text: &str, readers: Readers) -> Result<()> {
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::All => 0o644,
    };
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .with_context(|| path.display().to_string())?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

fn say(own: &Path, proxy: &Path) {
    let (own, proxy) = (own.display(), proxy.display());
    println!("authorities   {own}/ca.crt, {own}/clients.crt (their keys stay there)");
    println!(
        "the server's  {proxy}/localhost.crt, localhost.key: {}",
        NAMES.join(", ")
    );
    println!("a client's    {proxy}/student.crt, student.key");
    println!("curl          curl --cacert {proxy}/ca.crt https://localhost:8443/");
    println!(
        "A browser needs to be told to trust ca.crt; chapter 8 says how, and how to take it back."
    );
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_authority_is_made_once_and_its_key_is_for_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            root: folder.path().into(),
            state: folder.path().join("state"),
            conf: folder.path().join("conf"),
        };
        make(&place, false).unwrap();
        let key = place.state.join("ca/ca.key");
        assert_eq!(
            fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(!place.conf.join("tls/ca.key").exists());
        let read = |name: &str| fs::read_to_string(place.conf.join("tls").join(name)).unwrap();
        let (authority, leaf) = (read("ca.crt"), read("localhost.crt"));
        make(&place, false).unwrap();
        assert_eq!(read("ca.crt"), authority);
        assert_ne!(read("localhost.crt"), leaf);
        make(&place, true).unwrap();
        assert_ne!(read("ca.crt"), authority);
    }
}
