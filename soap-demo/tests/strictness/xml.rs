//! XML 1.0 and Namespaces in XML 1.0: what is a document at all, before it can be a message.

use crate::{check, parameters, post, valid};

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
        ("4.3.3 one byte order mark", before("\u{FEFF}"), "200 8"),
        ("4.3.3 no second one", before("\u{FEFF}\u{FEFF}"), BAD),
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
