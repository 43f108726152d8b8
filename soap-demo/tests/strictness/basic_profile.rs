//! The Basic Profile: what HTTP may say about a message.

use crate::ask::{Ask, CALCULATOR, COUNTRIES, SOAP11, envelope};
use crate::{check, post, utf16, valid};

#[tokio::test]
async fn the_basic_profile_decides_what_http_may_say() {
    let fine = || post(valid());
    let action = |value: &str| fine().with("soapaction", value);
    let media = |value: &str| fine().with("content-type", value);
    let empty_sequence = |inside: &str| {
        let body = format!(
            "<ListOfContinentsByName xmlns='http://www.oorsprong.org/websamples.countryinfo'{inside}</ListOfContinentsByName>"
        );
        Ask::post(COUNTRIES, envelope(SOAP11, &body))
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
