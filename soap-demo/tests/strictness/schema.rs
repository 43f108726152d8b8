//! XML Schema: what the contract says of parameters, and the lexical rules of their types.

use crate::ask::THREE_AND_FIVE;
use crate::{check, parameters};

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
