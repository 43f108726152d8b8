//! Follows a WSDL 1.1 file from its port types through messages to schema elements, and checks on the way that it is
//! what we can serve: document/literal, one part, the same action in both bindings.

use super::schema::{Element, Kind, Simple};
use super::tree::{Node, QName};
use super::{Contract, Operation};
use crate::xml::XmlError;

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const SOAP11: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const SOAP12: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
const XS: &str = "http://www.w3.org/2001/XMLSchema";
/// A type that holds itself would never end; the contracts' deepest is 5.
const MAX_TYPE_DEPTH: usize = 16;

/// Why a file is no contract for us.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// Not even a document.
    #[error("the contract is not well formed")]
    Xml(#[from] XmlError),
    /// Something is not there.
    #[error("the contract has no {0}")]
    Missing(String),
    /// Something that we don't serve.
    #[error("{0} is more than this server understands")]
    Unsupported(String),
}

use ContractError::{Missing, Unsupported};

pub(super) fn parse(text: &str) -> Result<Contract, ContractError> {
    let root = Node::parse(text)?;
    let namespace = attribute(&root, "targetNamespace")?.to_owned();
    let service = child(&root, WSDL, "service")?;
    let (origin, path) = address(service)?;
    let port_type = child(&root, WSDL, "portType")?;
    let schema = child(child(&root, WSDL, "types")?, XS, "schema")?;
    if schema.attribute("elementFormDefault") != Some("qualified") {
        return Err(Unsupported("a schema with unqualified elements".into()));
    }
    let file = File {
        root: &root,
        schema,
        namespace: &namespace,
    };
    let operations = port_type
        .all(WSDL, "operation")
        .map(|operation| file.operation(operation))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Contract {
        name: attribute(service, "name")?.to_owned(),
        path,
        operations,
        text: text.to_owned(),
        origin,
        namespace,
    })
}

fn attribute<'n>(node: &'n Node, name: &str) -> Result<&'n str, ContractError> {
    let missing = || Missing(format!("{name} on {}", node.name.1));
    node.attribute(name).ok_or_else(missing)
}

fn child<'n>(node: &'n Node, namespace: &str, local: &str) -> Result<&'n Node, ContractError> {
    let missing = || Missing(format!("{local} in {}", node.name.1));
    node.child(namespace, local).ok_or_else(missing)
}

/// The one address that all ports have, as origin and path.
fn address(service: &Node) -> Result<(String, String), ContractError> {
    let mut locations = service.all(WSDL, "port").filter_map(|port| {
        let address = |namespace| port.child(namespace, "address");
        address(SOAP11)
            .or_else(|| address(SOAP12))?
            .attribute("location")
    });
    let first = locations.next().ok_or_else(|| Missing("address".into()))?;
    if locations.any(|other| other != first) {
        return Err(Unsupported("a service at two addresses".into()));
    }
    let authority = first.find("://").map_or(0, |at| at + 3);
    let slash = first[authority..].find('/').map(|at| authority + at);
    let (origin, path) = first.split_at(slash.unwrap_or(first.len()));
    Ok((origin.to_owned(), path.to_owned()))
}

struct File<'n> {
    root: &'n Node,
    schema: &'n Node,
    namespace: &'n str,
}

impl File<'_> {
    fn operation(&self, node: &Node) -> Result<Operation, ContractError> {
        let name = attribute(node, "name")?.to_owned();
        let action = self.action(&name)?;
        let request = self.message_element(child(node, WSDL, "input")?)?;
        let response = self.message_element(child(node, WSDL, "output")?)?;
        Ok(Operation {
            name,
            action,
            request,
            response,
        })
    }

    /// The `soapAction` of every binding of the operation: they agree.
    fn action(&self, operation: &str) -> Result<String, ContractError> {
        let mut agreed: Option<&str> = None;
        for binding in self.root.all(WSDL, "binding") {
            let missing = || Missing(format!("binding of {operation}"));
            let node = binding
                .named(WSDL, "operation", operation)
                .ok_or_else(missing)?;
            let details = |namespace| node.child(namespace, "operation");
            let details = details(SOAP11)
                .or_else(|| details(SOAP12))
                .ok_or_else(missing)?;
            let action = attribute(details, "soapAction")?;
            if details.attribute("style") != Some("document")
                || agreed.is_some_and(|other| other != action)
            {
                return Err(Unsupported(format!("the binding of {operation}")));
            }
            agreed = Some(action);
        }
        let missing = || Missing(format!("binding of {operation}"));
        agreed.map(str::to_owned).ok_or_else(missing)
    }

    /// From `<input message="..."/>` to the element that its one part names.
    fn message_element(&self, direction: &Node) -> Result<Element, ContractError> {
        let missing = |what: &str| Missing(format!("{what} of {}", direction.name.1));
        let message = direction
            .reference("message")
            .ok_or_else(|| missing("message"))?;
        let message = self
            .root
            .named(WSDL, "message", self.local(message)?)
            .ok_or_else(|| missing("message"))?;
        let mut parts = message.all(WSDL, "part");
        let part = parts.next().ok_or_else(|| missing("part"))?;
        let element = part
            .reference("element")
            .ok_or_else(|| missing("element"))?;
        let element = self.local(element)?;
        let declared = self.schema.named(XS, "element", element);
        if parts.next().is_some() {
            return Err(Unsupported(format!("a second part of {element}")));
        }
        self.element(declared.ok_or_else(|| missing(element))?, 0)
    }

    fn local<'q>(&self, (namespace, local): &'q QName) -> Result<&'q str, ContractError> {
        if namespace == self.namespace {
            Ok(local)
        } else {
            Err(Missing(format!("{local} in {namespace}")))
        }
    }

    fn element(&self, node: &Node, depth: usize) -> Result<Element, ContractError> {
        let name = attribute(node, "name")?.to_owned();
        if depth > MAX_TYPE_DEPTH {
            return Err(Unsupported(format!("the depth of {name}")));
        }
        let kind = match node.reference("type") {
            Some((namespace, local)) if namespace == XS => {
                let unsupported = || Unsupported(format!("xs:{local}"));
                Kind::Simple(Simple::from_name(local).ok_or_else(unsupported)?)
            }
            Some(reference) => {
                let local = self.local(reference)?;
                let declared = self.schema.named(XS, "complexType", local);
                let declared = declared.ok_or_else(|| Missing(format!("type {local}")))?;
                self.sequence(declared, local, depth)?
            }
            None => self.sequence(child(node, XS, "complexType")?, "", depth)?,
        };
        Ok(Element {
            name,
            kind,
            optional: node.attribute("minOccurs") == Some("0"),
            many: node.attribute("maxOccurs") == Some("unbounded"),
            nillable: node.attribute("nillable") == Some("true"),
        })
    }

    fn sequence(&self, node: &Node, name: &str, depth: usize) -> Result<Kind, ContractError> {
        let elements = child(node, XS, "sequence")?
            .children
            .iter()
            .map(|element| self.element(element, depth + 1))
            .collect::<Result<_, _>>()?;
        Ok(Kind::Sequence {
            type_name: name.to_owned(),
            elements,
        })
    }
}
