//! SOAP 1.1: the Envelope, and which headers of either version must be understood.

use crate::ask::{SOAP11, SOAP12, THREE_AND_FIVE, add, envelope};
use crate::{check, header, parameters, post, soap11, valid};

#[tokio::test]
async fn soap_1_1_decides_what_is_an_envelope() {
    let call = add(THREE_AND_FIVE);
    let around = |inner: &str| {
        post(format!(
            "<s:Envelope xmlns:s=\"{SOAP11}\">{inner}</s:Envelope>"
        ))
    };
    let body = format!("<s:Body>{call}</s:Body>");
    let other = "<h:x xmlns:h='urn:h'/>";
    const BAD: &str = "500 1.1 Client";
    check(vec![
        ("4 R9980", soap11(&call), "200 8"),
        ("4 whitespace", around(&format!("\n <s:Body>\n{call}\n</s:Body>\n")), "200 8"),
        ("4 a Body", around(""), BAD),
        ("4 a Body, not only a Header", around("<s:Header/>"), BAD),
        ("4 Header first", around(&format!("{body}<s:Header/>")), BAD),
        ("4.2 an empty Header", around(&format!("<s:Header/>{body}")), "200 8"),
        ("4 one Header", around(&format!("<s:Header/><s:Header/>{body}")), BAD),
        ("R1011 nothing after the Body", around(&format!("{body}{other}")), BAD),
        ("4 one Body", around(&format!("{body}{body}")), BAD),
        ("4 no text", around(&format!("text{body}")), BAD),
        ("4.3 no text in the Body", soap11(&format!("text{call}")), BAD),
        ("R9981 one child", soap11(&format!("{call}{call}")), BAD),
        ("4.3 a child", soap11(""), BAD),
        ("R1014 qualified", soap11("<Add><intA>3</intA><intB>5</intB></Add>"), BAD),
        ("4.3 a known operation", soap11("<Power xmlns='http://tempuri.org/'/>"), BAD),
        ("4.3 in its namespace", soap11("<Add xmlns='http://tempuri.org'/>"), BAD),
        ("4.4 a fault is no request", soap11("<s:Fault/>"), BAD),
        ("3 R1009 no PI", soap11(&format!("<?x y?>{call}")), BAD),
        ("3 no PI beside the root", post(format!("<?x y?>{}", valid())), BAD),
        ("3 no PI in values", parameters("<intA>3<?x y?></intA><intB>5</intB>"), BAD),
        ("4.1.1 attributes are qualified", post(valid().replace("<s:Body", "<s:Body id=''")), BAD),
        ("4.1.1 then they may be there", post(valid().replace("<s:Body", "<s:Body xml:lang='en'")), "200 8"),
        ("R1005 no encodingStyle", post(valid().replace("<s:Body", "<s:Body s:encodingStyle='urn:x'")), BAD),
        ("R1006 nor in the Body", post(valid().replace("<Add", "<Add s:encodingStyle='urn:x'")), BAD),
        ("SOAP::Lite's Envelope", post(valid().replace("<s:Envelope", "<s:Envelope s:encodingStyle='urn:x'")), "200 8"),
        ("4.1.2 R1015 version", post(envelope("urn:x", &call)), "500 1.1 VersionMismatch"),
        ("4.1.2 no namespace", post("<Envelope/>"), "500 1.1 VersionMismatch"),
        ("4 the name", post(valid().replace("Envelope", "envelope")), "500 1.1 VersionMismatch"),
        ("the Header's place in 1.2's namespace", around(
            &format!("<Header xmlns='{SOAP12}'/>{body}")), BAD),
        ("prefixes are free", post(format!(
            "<Envelope xmlns='{SOAP11}'><Body><Body:Add xmlns:Body='http://tempuri.org/'>\
             <Body:intA>3</Body:intA><intB xmlns='http://tempuri.org/'>5</intB></Body:Add></Body></Envelope>")), "200 8"),
    ])
    .await;
}

#[tokio::test]
async fn headers_are_understood_or_refused() {
    let must = |version: &str, flag: &str, role: &str| {
        header(
            version,
            &format!("<h:x xmlns:h='urn:h' s:mustUnderstand='{flag}' {role}/>"),
        )
    };
    let one = |flag: &str, role: &str| must(SOAP11, flag, role);
    let two = |flag: &str, role: &str| must(SOAP12, flag, role);
    let role = |uri: &str| format!("s:role='{SOAP12}/role/{uri}'");
    const NEXT: &str = "s:actor='http://schemas.xmlsoap.org/soap/actor/next'";
    check(vec![
        ("1.1 4.2.3 R1027", one("1", ""), "500 1.1 MustUnderstand"),
        ("1.1 4.2.3 optional", one("0", ""), "200 8"),
        (
            "1.1 4.2.2 next is us",
            one("1", NEXT),
            "500 1.1 MustUnderstand",
        ),
        (
            "1.1 4.2.2 others are not",
            one("1", "s:actor='urn:other'"),
            "200 8",
        ),
        ("1.1 R1013 0 or 1", one("true", ""), "500 1.1 Client"),
        (
            "1.1 4.2 qualified",
            header(SOAP11, "<x/>"),
            "500 1.1 Client",
        ),
        ("1.1 4.2 no text", header(SOAP11, "x"), "500 1.1 Client"),
        (
            "1.1 flag of 1.2 means nothing",
            header(
                SOAP11,
                &format!("<h:x xmlns:h='urn:h' xmlns:t='{SOAP12}' t:mustUnderstand='1'/>"),
            ),
            "200 8",
        ),
        (
            "1.1 R1025 before the Body",
            {
                let mut ask = one("1", "");
                ask.body = String::from_utf8(ask.body)
                    .unwrap()
                    .replace("intA", "wrong")
                    .into_bytes();
                ask
            },
            "500 1.1 MustUnderstand",
        ),
        ("1.2 5.2.3", two("true", ""), "500 1.2 MustUnderstand"),
        ("1.2 5.2.3 one", two("1", ""), "500 1.2 MustUnderstand"),
        ("1.2 5.2.3 false", two("false", ""), "200 8"),
        ("1.2 5.2.3 boolean", two("yes", ""), "400 1.2 Sender"),
        (
            "1.2 2.2 next",
            two("1", &role("next")),
            "500 1.2 MustUnderstand",
        ),
        (
            "1.2 2.2 ultimateReceiver",
            two("1", &role("ultimateReceiver")),
            "500 1.2 MustUnderstand",
        ),
        ("1.2 2.2 none", two("1", &role("none")), "200 8"),
        ("1.2 2.2 another", two("1", "s:role='urn:other'"), "200 8"),
        (
            "1.2 5.2.4 relay",
            two("0", "s:relay='maybe'"),
            "400 1.2 Sender",
        ),
        (
            "1.2 5.2.1 qualified",
            header(SOAP12, "<x/>"),
            "400 1.2 Sender",
        ),
    ])
    .await;
}
