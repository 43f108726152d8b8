//! The strict variant's contract: the same file with one fault more for each operation, declared in all the places where
//! WSDL wants it, so that a generated client gets an exception of a type of its own.

/// Adds the element, the message and the fault of each operation.
pub(super) fn with_fault(wsdl: &str) -> String {
    let mut text = wsdl
        .replace("</xs:schema>", &format!("{ELEMENT}</xs:schema>"))
        .replacen(" <portType ", &format!("{MESSAGE} <portType "), 1);
    for binding in ["soap", "soap12"] {
        let bound = format!("<output><{binding}:body use=\"literal\"/></output>");
        let fault = format!(
            "<fault name=\"NotFound\"><{binding}:fault name=\"NotFound\" use=\"literal\"/></fault>"
        );
        text = text.replace(&bound, &format!("{bound}{fault}"));
    }
    let fault = "<fault name=\"NotFound\" message=\"tns:NotFoundFault\"/></operation>";
    let pieces: Vec<&str> = text.split("/></operation>").collect();
    // Only a port type's operation ends in its output; a binding's ends in a closed element.
    pieces.join(&format!("/>{fault}"))
}

const ELEMENT: &str = "<xs:element name=\"NotFound\"><xs:complexType><xs:sequence>\
    <xs:element name=\"what\" type=\"xs:string\"/><xs:element name=\"key\" type=\"xs:string\"/>\
    </xs:sequence></xs:complexType></xs:element>\n  ";
const MESSAGE: &str =
    " <message name=\"NotFoundFault\"><part name=\"fault\" element=\"tns:NotFound\"/></message>\n";
