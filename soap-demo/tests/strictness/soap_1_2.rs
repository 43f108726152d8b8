//! SOAP 1.2, Part 1 and 2: its own codes, headers and statuses.

use crate::ask::{SOAP12, THREE_AND_FIVE, add, envelope};
use crate::{check, post, soap11, soap12};

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
