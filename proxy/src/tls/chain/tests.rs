use super::*;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn params(name: &str, ca: Option<BasicConstraints>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    if let Some(ca) = ca {
        params.is_ca = IsCa::Ca(ca);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    }
    params
}

fn root(name: &str) -> Authority {
    let key = KeyPair::generate().unwrap();
    CertifiedIssuer::self_signed(params(name, Some(BasicConstraints::Unconstrained)), key).unwrap()
}

fn below(name: &str, ca: Option<BasicConstraints>, issuer: &Issuer<'_, KeyPair>) -> Authority {
    let key = KeyPair::generate().unwrap();
    CertifiedIssuer::signed_by(params(name, ca), key, issuer).unwrap()
}

fn der(certificate: &Authority) -> CertificateDer<'static> {
    certificate.der().clone()
}

fn trust(anchors: &[&Authority], depth: usize) -> Trust {
    Trust {
        anchors: anchors.iter().map(|a| der(a)).collect(),
        revocations: Vec::new(),
        depth,
    }
}

/// Within the validity that rcgen gives by default (1975 to 4096).
const NOW: i64 = 1_800_000_000;

fn walk(sent: &[&Authority], trust: &Trust) -> Result<(), &'static str> {
    let sent: Vec<_> = sent.iter().map(|one| der(one)).collect();
    verify(&sent, trust, Purpose::Client, NOW).map_err(|why| why.words)
}

#[test]
fn a_chain_ends_at_a_trusted_root_or_nowhere() {
    let any = Some(BasicConstraints::Unconstrained);
    let top = root("top");
    let middle = below("middle", any, &top);
    let leaf = below("leaf", None, &middle);
    let other = root("other");
    let lookalike = root("top");
    assert_eq!(walk(&[&leaf, &middle], &trust(&[&top], 1)), Ok(()));
    assert_eq!(walk(&[&leaf], &trust(&[&top, &middle], 1)), Ok(()));
    let alone = KeyPair::generate().unwrap();
    let alone = CertifiedIssuer::self_signed(params("alone", None), alone).unwrap();
    assert_eq!(walk(&[&alone], &trust(&[&alone], 0)), Ok(()));
    for (sent, trust, why) in [
        (vec![&leaf, &middle], trust(&[&top], 0), TOO_LONG),
        (vec![&leaf, &middle], trust(&[&other], 1), NO_ISSUER),
        (vec![&leaf, &middle], trust(&[&lookalike], 1), NO_ISSUER),
        (
            vec![&leaf, &middle, &top],
            trust(&[&other], 1),
            SELF_SIGNED_IN_CHAIN,
        ),
        (vec![&leaf], trust(&[&top], 1), NOT_FIRST),
        (vec![&alone], trust(&[&top], 1), SELF_SIGNED),
        (vec![&top], trust(&[&top], 1), PURPOSE),
        (vec![], trust(&[&top], 1), NO_ISSUER),
    ] {
        assert_eq!(walk(&sent, &trust), Err(why.words));
    }
}

#[test]
fn only_an_authority_may_issue() {
    let top = root("top");
    let leaf = below("leaf", None, &top);
    let under_leaf = below("under leaf", None, &leaf);
    assert_eq!(
        walk(&[&under_leaf, &leaf], &trust(&[&top], 3)),
        Err(INVALID_CA.words)
    );
    let narrow = below("narrow", Some(BasicConstraints::Constrained(0)), &top);
    let middle = below("middle", Some(BasicConstraints::Unconstrained), &narrow);
    let leaf = below("leaf", None, &middle);
    assert_eq!(
        walk(&[&leaf, &middle, &narrow], &trust(&[&top], 3)),
        Err(PATH_LENGTH.words)
    );
}

#[test]
fn time_and_purpose_and_name_constraints_are_kept() {
    let top = root("top");
    let key = || KeyPair::generate().unwrap();
    let sign = |params: CertificateParams| CertifiedIssuer::signed_by(params, key(), &top).unwrap();
    let mut old = params("old", None);
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    assert_eq!(walk(&[&sign(old)], &trust(&[&top], 1)), Err(EXPIRED.words));
    let mut early = params("early", None);
    early.not_before = rcgen::date_time_ymd(3000, 1, 1);
    assert_eq!(
        walk(&[&sign(early)], &trust(&[&top], 1)),
        Err(NOT_YET.words)
    );
    let mut server = params("server", None);
    server.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    assert_eq!(
        walk(&[&sign(server)], &trust(&[&top], 1)),
        Err(PURPOSE.words)
    );
    let mut bound = params("bound", Some(BasicConstraints::Unconstrained));
    bound.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("example.com".to_owned())],
        excluded_subtrees: Vec::new(),
    });
    let bound = sign(bound);
    let leaf = below("leaf", None, &bound);
    assert_eq!(
        walk(&[&leaf, &bound], &trust(&[&top], 2)),
        Err(CRITICAL.words)
    );
}

#[test]
fn a_revoked_certificate_is_refused_and_a_missing_list_too() {
    let top = root("top");
    let mut params = params("leaf", None);
    params.serial_number = Some(rcgen::SerialNumber::from(7_u64));
    let leaf = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &top).unwrap();
    let list_from = |serials: &[u64], issuer: &Authority, from: i32, until: i32| {
        let revoked = |serial: &u64| rcgen::RevokedCertParams {
            serial_number: rcgen::SerialNumber::from(*serial),
            revocation_time: rcgen::date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(from, 1, 1),
            next_update: rcgen::date_time_ymd(until, 1, 1),
            crl_number: rcgen::SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        params.signed_by(issuer).unwrap().der().to_vec()
    };
    let list = |serials: &[u64], issuer: &Authority, until| list_from(serials, issuer, 2020, until);
    let other = root("other");
    let forged = root("top");
    for (lists, expected) in [
        (vec![list(&[8], &top, 3000)], Ok(())),
        (vec![list(&[7], &top, 3000)], Err(REVOKED.words)),
        (vec![list(&[], &other, 3000)], Err(NO_CRL.words)),
        (vec![list(&[], &forged, 3000)], Err(BAD_CRL.words)),
        (vec![list(&[], &top, 2021)], Err(CRL_EXPIRED.words)),
        (
            vec![list_from(&[], &top, 2999, 3000)],
            Err(CRL_NOT_YET.words),
        ),
    ] {
        let trust = Trust {
            revocations: lists,
            ..trust(&[&top], 1)
        };
        assert_eq!(walk(&[&leaf], &trust), expected);
    }
}

/// The same name and key, certified by two: the way over either is good.
#[test]
fn the_way_over_a_cross_signed_authority_is_found() {
    let (old, new) = (root("old"), root("new"));
    let key = KeyPair::generate().unwrap();
    let any = Some(BasicConstraints::Unconstrained);
    let by_old = params("middle", any).signed_by(&key, &old).unwrap();
    let mut expired = params("middle", any);
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let expired = expired.signed_by(&key, &new).unwrap();
    let issuer = Issuer::new(params("middle", None), key);
    let leaf = below("leaf", None, &issuer);
    for middles in [[&by_old, &expired], [&expired, &by_old]] {
        let sent = [&der(&leaf), middles[0].der(), middles[1].der()].map(Clone::clone);
        let both = trust(&[&new, &old], 1);
        assert_eq!(verify(&sent, &both, Purpose::Client, NOW), Ok(()));
        let one = trust(&[&new], 1);
        assert_eq!(verify(&sent, &one, Purpose::Client, NOW), Err(EXPIRED));
    }
}

#[test]
fn an_authority_for_servers_vouches_for_no_client_and_one_without_the_right_signs_no_list() {
    let top = root("top");
    let key = || KeyPair::generate().unwrap();
    let mut bound = params("bound", Some(BasicConstraints::Unconstrained));
    bound.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let bound = CertifiedIssuer::signed_by(bound, key(), &top).unwrap();
    let leaf = below("leaf", None, &bound);
    assert_eq!(
        walk(&[&leaf, &bound], &trust(&[&top], 2)),
        Err(PURPOSE.words)
    );
    let mut only_certs = params("narrow", Some(BasicConstraints::Unconstrained));
    only_certs.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let mut listing = only_certs.clone();
    listing.key_usages.push(KeyUsagePurpose::CrlSign);
    let pair = key();
    let list = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2020, 1, 1),
        next_update: rcgen::date_time_ymd(3000, 1, 1),
        crl_number: rcgen::SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let list = list
        .signed_by(&Issuer::from_params(&listing, &pair))
        .unwrap();
    let narrow = CertifiedIssuer::self_signed(only_certs, pair).unwrap();
    let leaf = below("leaf", None, &narrow);
    let trust = Trust {
        revocations: vec![list.der().to_vec()],
        ..trust(&[&narrow], 1)
    };
    assert_eq!(walk(&[&leaf], &trust), Err(NO_CRL_SIGN.words));
    let mut encrypts = params("encrypts", None);
    encrypts.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    let encrypts = CertifiedIssuer::signed_by(encrypts, key(), &narrow).unwrap();
    assert_eq!(walk(&[&encrypts], &trust), Err(PURPOSE.words));
}
