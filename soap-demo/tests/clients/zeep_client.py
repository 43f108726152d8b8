"""PyPI zeep makes the calls of calls.json: `python zeep_client.py BASE 1.1|1.2` prints a line for each."""

import json
import pathlib
import sys

import zeep
from zeep.helpers import serialize_object

PLAN = json.loads((pathlib.Path(__file__).parent / "calls.json").read_text())


def leaves(value):
    """The texts of an answer in document order; empty ones are left out, as some clients can't tell them from none."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, bool):
        value = "true" if value else "false"
    text = "" if value is None else str(value)
    return [text] if text else []


def main(base, version):
    services = {}
    for call in PLAN["calls"]:
        name = call["service"]
        if name not in services:
            client = zeep.Client(base + PLAN["paths"][name] + "?wsdl")
            services[name] = client, client.bind(name, name + ("Soap12" if version == "1.2" else "Soap"))
        print(call["name"], answer(services[name][1], call), sep="\t")


def answer(service, call):
    try:
        return "|".join(leaves(serialize_object(service[call["operation"]](**call["arguments"]))))
    except zeep.exceptions.Fault as fault:
        code = fault.code.split(":")[-1]
        return f"FAULT {({'Sender': 'Client', 'Receiver': 'Server'}).get(code, code)}: {fault.message}"


if __name__ == "__main__":
    main(*sys.argv[1:])
