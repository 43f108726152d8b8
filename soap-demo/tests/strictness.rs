//! What the specifications say about messages, clause by clause: which must be answered, which refused, and how.
//! Calculator.Add of 3 and 5 is the message; each case is one deviation from it. `2.8` stands for section 2.8 of the
//! specification that the test is named for, `R1008` for a requirement of the Basic Profile.

mod ask;

use ask::{Ask, CALCULATOR, SOAP11, SOAP12, THREE_AND_FIVE, add, envelope, service, tell};

/// Clause, message, what comes back.
type Case = (&'static str, Ask, &'static str);

/// Runs all cases and shows all that differ.
async fn check(cases: Vec<Case>) {
    let service = service();
    let mut differing = Vec::new();
    eprintln!("{} cases", cases.len());
    for (clause, ask, expected) in cases {
        let told = tell(&service, ask).await;
        let summary = told.summary();
        if summary != expected {
            differing.push(format!(
                "{clause}: {summary}, not {expected}\n  {}",
                told.body
            ));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn post(body: impl Into<Vec<u8>>) -> Ask {
    Ask::post(CALCULATOR, body)
}

/// SOAP 1.1 around these parameters of Add.
fn parameters(text: &str) -> Ask {
    post(envelope(SOAP11, &add(text)))
}

fn soap11(body: &str) -> Ask {
    post(envelope(SOAP11, body))
}

fn soap12(body: &str) -> Ask {
    post(envelope(SOAP12, body)).with("content-type", "application/soap+xml; charset=utf-8")
}

fn valid() -> String {
    envelope(SOAP11, &add(THREE_AND_FIVE))
}

/// With this Header, in SOAP 1.1 or 1.2.
fn header(namespace: &str, header: &str) -> Ask {
    let body = add(THREE_AND_FIVE);
    post(format!(
        "<s:Envelope xmlns:s=\"{namespace}\"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ))
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let bytes = |unit: u16| {
        if big {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        }
    };
    let marked = std::iter::once(0xFEFF).chain(text.encode_utf16());
    marked.flat_map(bytes).collect()
}

#[tokio::test]
async fn xml_1_0_and_namespaces_decide_what_is_a_document() {
    let before = |prolog: &str| post(format!("{prolog}{}", valid()));
    let after = |epilog: &str| post(format!("{}{epilog}", valid()));
    let dtd = |subset: &str| before(&format!("<!DOCTYPE x {subset}>"));
    const BAD: &str = "500 1.1 Client";
    check(vec![
        ("2.1 one root", after("<x/>"), BAD),
        ("2.1 nothing after it", after("x"), BAD),
        ("2.1 nothing before it", before("x"), BAD),
        ("2.1 a root", post(""), BAD),
        (
            "2.1 closed",
            post(&valid().as_bytes()[..valid().len() - 4]),
            BAD,
        ),
        (
            "2.2 characters",
            parameters("<intA>\u{1}3</intA><intB>5</intB>"),
            BAD,
        ),
        (
            "2.2 U+FFFF",
            parameters("<intA>3</intA><!--\u{FFFF}--><intB>5</intB>"),
            BAD,
        ),
        ("2.3 names", parameters("<1intA>3</1intA>"), BAD),
        (
            "2.4 ]]> in text",
            parameters("<intA>3]]></intA><intB>5</intB>"),
            BAD,
        ),
        (
            "2.4 a bare &",
            parameters("<intA>3&</intA><intB>5</intB>"),
            BAD,
        ),
        (
            "2.5 comments",
            parameters("<intA>3</intA><!-- a -- b --><intB>5</intB>"),
            BAD,
        ),
        (
            "2.5 a comment beside the root",
            after("<!-- fine -->"),
            "200 8",
        ),
        (
            "2.7 CDATA",
            parameters("<intA><![CDATA[3]]></intA><intB>5</intB>"),
            "200 8",
        ),
        (
            "2.8 declaration",
            before("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"),
            "200 8",
        ),
        (
            "2.8 only at the start",
            before("\n<?xml version=\"1.0\"?>"),
            BAD,
        ),
        (
            "2.8 with a version",
            before("<?xml encoding=\"utf-8\"?>"),
            BAD,
        ),
        (
            "2.9 standalone",
            before("<?xml version=\"1.0\" standalone=\"maybe\"?>"),
            BAD,
        ),
        ("2.8 no DTD: bare", before("<!DOCTYPE x>"), BAD),
        ("2.8 no DTD: internal", dtd("[<!ELEMENT x ANY>]"), BAD),
        (
            "2.8 no DTD: external",
            dtd("SYSTEM \"http://127.0.0.1:1/x.dtd\""),
            BAD,
        ),
        ("2.8 no DTD: entity", dtd("[<!ENTITY e \"3\">]"), BAD),
        (
            "2.8 no DTD: file",
            dtd("[<!ENTITY e SYSTEM \"file:///etc/passwd\">]"),
            BAD,
        ),
        (
            "3 end tags",
            post(valid().replace("</intA>", "</intB>")),
            BAD,
        ),
        (
            "3.1 attributes once",
            parameters("<intA a='' a=''>3</intA>"),
            BAD,
        ),
        ("3.1 quoted", parameters("<intA xml:lang=en>3</intA>"), BAD),
        (
            "3.1 no < in values",
            parameters("<intA xml:lang='<'>3</intA>"),
            BAD,
        ),
        (
            "4.1 character references",
            parameters("<intA>&#51;</intA><intB>&#x35;</intB>"),
            "200 8",
        ),
        (
            "4.1 to characters only",
            parameters("<intA>3&#0;</intA><intB>5</intB>"),
            BAD,
        ),
        (
            "4.1 declared entities",
            parameters("<intA>&three;</intA><intB>5</intB>"),
            BAD,
        ),
        (
            "4.3.3 UTF-8",
            post([valid().as_bytes(), b"<!--\xFF-->"].concat()),
            BAD,
        ),
        (
            "4.3.3 as declared",
            before("<?xml version=\"1.0\" encoding=\"utf-16\"?>"),
            BAD,
        ),
        (
            "4.3.3 known",
            before("<?xml version=\"1.0\" encoding=\"latin1\"?>"),
            BAD,
        ),
        (
            "names 3 reserved",
            parameters("<intA xmlns:xml='urn:x'>3</intA>"),
            BAD,
        ),
        (
            "names 2.2 no undeclaring",
            parameters("<intA xmlns:p=''>3</intA>"),
            BAD,
        ),
        (
            "names 5 declared",
            parameters("<p:intA>3</p:intA><intB>5</intB>"),
            BAD,
        ),
        (
            "names 6.3 unique when expanded",
            parameters(
                "<intA xmlns:p='urn:x' xmlns:q='urn:x' p:a='' q:a=''>3</intA><intB>5</intB>",
            ),
            BAD,
        ),
        ("names 4 one colon", parameters("<a:b:c/>"), BAD),
    ])
    .await;
}

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

#[tokio::test]
async fn soap_1_2_has_its_own_faults_and_statuses() {
    let call = add(THREE_AND_FIVE);
    let around = |inner: &str| {
        let text = format!("<s:Envelope xmlns:s=\"{SOAP12}\">{inner}</s:Envelope>");
        post(text).with("content-type", "application/soap+xml")
    };
    let divide = "<Divide xmlns='http://tempuri.org/'><intA>7</intA><intB>0</intB></Divide>";
    const BAD: &str = "400 1.2 Sender";
    check(vec![
        ("5 an answer", soap12(&call), "200 8"),
        ("as text/xml", post(envelope(SOAP12, &call)), "200 8"),
        ("5.1 a Body", around(""), BAD),
        (
            "5.1 nothing after it",
            around(&format!("<s:Body>{call}</s:Body><x/>")),
            BAD,
        ),
        (
            "5.1 attributes",
            around(&format!("<s:Body id='x'>{call}</s:Body>")),
            BAD,
        ),
        (
            "5.1.1 encodingStyle",
            around(&format!("<s:Body s:encodingStyle='urn:x'>{call}</s:Body>")),
            "500 1.2 DataEncodingUnknown",
        ),
        (
            "5.1.1 none is fine",
            around(&format!(
                "<s:Body s:encodingStyle='{SOAP12}/encoding/none'>{call}</s:Body>"
            )),
            "200 8",
        ),
        (
            "5.4.6 an unknown operation",
            soap12("<Power xmlns='http://tempuri.org/'/>"),
            BAD,
        ),
        (
            "5.4.6 DataEncodingUnknown in the Body",
            soap12(&call.replace("<Add", "<Add s:encodingStyle='urn:x'")),
            "500 1.2 DataEncodingUnknown",
        ),
        ("5.4.6 Receiver", soap12(divide), "500 1.2 Receiver"),
        (
            "5.4.7 VersionMismatch",
            post(envelope("urn:x", &call)).with("content-type", "application/soap+xml"),
            "500 1.2 VersionMismatch",
        ),
        (
            "5 no DTD",
            post(format!("<!DOCTYPE x>{}", envelope(SOAP12, &call)))
                .with("content-type", "application/soap+xml"),
            BAD,
        ),
        ("5 no PI", soap12(&format!("{call}<?x y?>")), BAD),
        (
            "1.1 4.4 Server for the same",
            soap11(divide),
            "500 1.1 Server",
        ),
        (
            "part 2 7.1.4 the action agrees",
            soap12(&call).with(
                "content-type",
                "application/soap+xml; action=\"http://tempuri.org/Add\"",
            ),
            "200 8",
        ),
        (
            "part 2 7.1.4 or is empty",
            soap12(&call).with("content-type", "application/soap+xml; action=\"\""),
            "200 8",
        ),
        (
            "part 2 7.1.4 a contradiction",
            soap12(&call).with(
                "content-type",
                "application/soap+xml; action=\"http://tempuri.org/Divide\"",
            ),
            BAD,
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_schema_decides_what_is_a_parameter() {
    let b = "<intB>5</intB>";
    let a = |text: &str| parameters(&format!("<intA>{text}</intA>{b}"));
    let xsi = "xmlns:i='http://www.w3.org/2001/XMLSchema-instance'";
    let first = |attributes: &str| parameters(&format!("<intA {attributes}>3</intA>{b}"));
    const BAD: &str = "500 1.1 Client";
    check(vec![
        ("datatypes 3.3.17 int", a("2147483647"), "500 1.1 Server"),
        ("datatypes 3.3.17 too large", a("2147483648"), BAD),
        ("datatypes 3.3.17 too small", a("-2147483649"), BAD),
        ("datatypes 3.3.13 a plus sign", a("+3"), "200 8"),
        ("datatypes 3.3.13 leading zeros", a("0003"), "200 8"),
        (
            "datatypes 4.3.6 white space collapses",
            a("\r\n\t3 "),
            "200 8",
        ),
        ("datatypes 3.3.13 no fraction", a("3.0"), BAD),
        ("datatypes 3.3.13 no exponent", a("3e0"), BAD),
        ("datatypes 3.3.13 no word", a("abc"), BAD),
        ("datatypes 3.3.13 not empty", a(""), BAD),
        ("datatypes 3.3.13 ASCII digits", a("\u{663}"), BAD),
        ("datatypes 3.3.13 one sign", a("--3"), BAD),
        ("a comment does not end a value", a("1<!-- -->7"), "200 22"),
        (
            "references and CDATA join",
            a("&#49;<![CDATA[7]]>"),
            "200 22",
        ),
        ("structures 3.4 no element in text", a("<x/>3"), BAD),
        (
            "structures 3.8 order",
            parameters("<intB>5</intB><intA>3</intA>"),
            BAD,
        ),
        (
            "structures 3.8 twice",
            parameters("<intA>3</intA><intA>3</intA><intB>5</intB>"),
            BAD,
        ),
        (
            "structures 3.8 more",
            parameters(&format!("{THREE_AND_FIVE}<intC>1</intC>")),
            BAD,
        ),
        (
            "structures 3.8 text between",
            parameters(&format!("x{THREE_AND_FIVE}")),
            BAD,
        ),
        (
            "structures 3.3 R1014 unqualified",
            parameters(&format!("<intA xmlns=''>3</intA>{b}")),
            BAD,
        ),
        ("structures 3.4 no attribute", first("unit='m'"), BAD),
        (
            "R1017 xsi:type may be there",
            first(&format!("{xsi} i:type='xs:int' xmlns:xs='urn:x'")),
            "200 8",
        ),
        (
            "structures 3.3 not nillable",
            parameters(&format!("<intA {xsi} i:nil='true'/>{b}")),
            BAD,
        ),
        (
            "missing, as gowsdl sends zero",
            parameters("<intA>3</intA>"),
            "200 3",
        ),
        (
            "missing, strictly",
            {
                let mut ask = parameters("<intA>3</intA>");
                ask.path.insert_str(0, "/strict");
                ask
            },
            BAD,
        ),
        ("the calculator's range", a("2147483643"), "500 1.1 Server"),
    ])
    .await;
}

#[tokio::test]
async fn the_basic_profile_decides_what_http_may_say() {
    let fine = || post(valid());
    let action = |value: &str| fine().with("soapaction", value);
    let media = |value: &str| fine().with("content-type", value);
    let empty_sequence = |inside: &str| {
        let body = format!(
            "<ListOfContinentsByName xmlns='http://www.oorsprong.org/websamples.countryinfo'{inside}</ListOfContinentsByName>"
        );
        Ask::post(ask::COUNTRIES, envelope(SOAP11, &body))
    };
    const BAD: &str = "500 1.1 Client";
    check(vec![
        (
            "R1109 R2744 quoted",
            action("\"http://tempuri.org/Add\""),
            "200 8",
        ),
        ("R1119 unquoted", action("http://tempuri.org/Add"), "200 8"),
        ("R2745 empty", action("\"\""), "200 8"),
        ("gowsdl's empty", action("''"), "200 8"),
        (
            "1.1 6.1.1 a contradiction",
            action("\"http://tempuri.org/Divide\""),
            BAD,
        ),
        ("1.1 6.1.1 an unknown one", action("\"urn:whatever\""), BAD),
        (
            "1.1 6.1.1 once",
            {
                let mut ask = action("\"\"");
                ask.headers.push(("soapaction", "\"\"".into()));
                ask
            },
            "400",
        ),
        ("1.1 6 any case of the type", media("Text/XML"), "200 8"),
        (
            "R1018 charset",
            media("text/xml;charset=\"UTF-8\""),
            "200 8",
        ),
        ("R1115 json", media("application/json"), "415"),
        ("R1115 plain", media("text/plain"), "415"),
        ("R1115 application/xml", media("application/xml"), "415"),
        (
            "R1115 a form",
            media("application/x-www-form-urlencoded"),
            "415",
        ),
        ("R1115 none", media(""), "415"),
        (
            "R1115 attachments",
            media("multipart/related; type=\"text/xml\""),
            "415",
        ),
        (
            "R1012 another charset",
            media("text/xml; charset=iso-8859-1"),
            "415",
        ),
        (
            "R1012 UTF-16, little end first",
            post(utf16(&valid(), false)).with("content-type", "text/xml; charset=utf-16"),
            "200 8",
        ),
        (
            "R1012 UTF-16, big end first",
            post(utf16(&valid(), true)).with("content-type", "text/xml"),
            "200 8",
        ),
        (
            "R1012 half a character",
            post(&utf16(&valid(), true)[..99]).with("content-type", "text/xml"),
            BAD,
        ),
        (
            "R1012 charset and mark disagree",
            post(utf16(&valid(), true)),
            BAD,
        ),
        (
            "R4001 a byte order mark",
            post(format!("\u{FEFF}{}", valid())),
            "200 8",
        ),
        (
            "no compressed body",
            fine().with("content-encoding", "gzip"),
            "415",
        ),
        ("R1114 GET", Ask::get(CALCULATOR), "405"),
        ("R1114 PUT", Ask::method("PUT", CALCULATOR), "405"),
        ("R1114 DELETE", Ask::method("DELETE", CALCULATOR), "405"),
        ("no service", Ask::post("/calculator.php", valid()), "404"),
        (
            "an empty sequence",
            empty_sequence("/>").clone_without_end(),
            "200",
        ),
        (
            "an empty sequence holds white space",
            empty_sequence(">\n"),
            "200",
        ),
        (
            "SOAP::Lite's nil wrapper",
            empty_sequence(" xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'>"),
            "200",
        ),
        (
            "an empty sequence holds nothing else",
            empty_sequence("><x/>"),
            BAD,
        ),
    ])
    .await;
}

/// `<op/></op>` becomes `<op/>`.
trait WithoutEnd {
    fn clone_without_end(&self) -> Ask;
}

impl WithoutEnd for Ask {
    fn clone_without_end(&self) -> Ask {
        let mut ask = self.clone();
        let text = String::from_utf8(ask.body).unwrap();
        ask.body = text.replace("</ListOfContinentsByName>", "").into_bytes();
        ask
    }
}
