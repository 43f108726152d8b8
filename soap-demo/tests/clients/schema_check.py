"""Every answer held against the contract: the envelope against what its version says, the Body's child against the
schema in the server's own ?WSDL. The messages are those that zeep builds from the same contract."""

import json
import pathlib

import requests
import zeep
from lxml import etree

HERE = pathlib.Path(__file__).parent
PLAN = json.loads((HERE / "calls.json").read_text())
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
XSD = "{http://www.w3.org/2001/XMLSchema}"


def check(base):
    """Yields (call's name, what is wrong or None) for each call in each version."""
    contracts = {name: Contract(base + path + "?WSDL") for name, path in PLAN["paths"].items()}
    for version in ("1.1", "1.2"):
        envelope = etree.XMLSchema(file=str(HERE / f"schema/envelope-{version}.xsd"))
        for call in PLAN["calls"]:
            answer = contracts[call["service"]].call(version, call["operation"], call["arguments"])
            yield f"{call['name']} in SOAP {version}", contracts[call["service"]].wrong(envelope, answer)


class Contract:
    def __init__(self, url):
        self.client = zeep.Client(url)
        types = etree.fromstring(requests.get(url, timeout=10).content).find(f"{WSDL}types/{XSD}schema")
        # A document of its own, with the namespaces that the contract declares further out.
        self.schema = etree.XMLSchema(etree.fromstring(etree.tostring(types)))
        self.name = next(iter(self.client.wsdl.services))

    def call(self, version, operation, arguments):
        """The answer's bytes, whether it is a result or a fault."""
        service = self.client.bind(self.name, self.name + ("Soap12" if version == "1.2" else "Soap"))
        message = self.client.create_message(service, operation, **arguments)
        action = self.client.wsdl.services[self.name].ports[self.name + "Soap"].binding.get(operation).soapaction
        headers = {
            "1.1": {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'},
            "1.2": {"Content-Type": f'application/soap+xml; charset=utf-8; action="{action}"'},
        }[version]
        address = service._binding_options["address"]
        return requests.post(address, etree.tostring(message), headers=headers, timeout=10).content

    def wrong(self, envelope, answer):
        document = etree.fromstring(answer)
        if not envelope.validate(document):
            return str(envelope.error_log.last_error)
        child = document.find("{*}Body")[0]
        if child.tag.endswith("}Fault"):
            return None
        # The child alone, with the namespaces it has in its place.
        alone = etree.fromstring(etree.tostring(child))
        return None if self.schema.validate(alone) else str(self.schema.error_log.last_error)
