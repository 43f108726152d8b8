"""The Autobahn suite's cases (run by kosoku) against /echo, directly and through the proxy; each verdict is counted,
and held against the one in autobahn/expected.json.

AUTOBAHN chooses the cases: the default is sections 1 to 10, `all` is every one, compression included. AUTOBAHN_RESULT
names a file for the verdicts: of a run of all cases, that file is expected.json.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

WANTED = os.environ.get("AUTOBAHN", "short")
# The suite has no sections 8 and 11; 12 and 13 are compression.
SECTIONS = [f"{number}.*" for number in (1, 2, 3, 4, 5, 6, 7, 9, 10) + ((12, 13) if WANTED == "all" else ())]
GOOD = {"OK", "INFORMATIONAL"}


def verdicts(url):
    with tempfile.TemporaryDirectory() as folder:
        command = ["kosoku", "-m", "fuzzingclient", "-p", "2", "-o", folder]
        for section in SECTIONS:
            command += ["-i", section]
        done = subprocess.run(command + [url], capture_output=True, text=True, timeout=900)
        index = next(iter(pathlib.Path(folder).rglob("index.json")), None)
        if index is None:
            print(f"FAIL no report from {url}: {done.stdout[-300:]} {done.stderr[-300:]}")
            sys.exit(1)
        (cases,) = json.loads(index.read_text()).values()
        return {case: (result["behavior"], result["behaviorClose"]) for case, result in cases.items()}


def number(case):
    return [int(part) for part in case.split(".")]


EXPECTED = json.loads((pathlib.Path(os.environ["WORKSPACE"]) / "websocket-chat/tests/autobahn/expected.json").read_text())
result = {}
for way, base in (("directly", os.environ["DIRECT_URL"]), ("through the proxy", os.environ["URL"])):
    found = verdicts(base.replace("http", "ws") + "/echo")
    result[way] = {case: found[case][0] for case in sorted(found, key=number)}
    sections = {section.split(".")[0] for section in SECTIONS}
    expected = {case: verdict for case, verdict in EXPECTED[way].items() if case.split(".")[0] in sections}
    bad = {case: verdict for case, verdict in found.items() if not GOOD.issuperset(verdict)}
    other = {case: (expected.get(case), result[way].get(case)) for case in expected.keys() | found.keys()
             if expected.get(case) != result[way].get(case)}
    counts = collections.Counter(result[way].values())
    told = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    for mark, what, wrong in (
        ("FAIL" if bad else "ok  ", f"Autobahn {way}, {len(found)} cases: {told}", bad),
        ("FAIL" if other else "ok  ", f"Autobahn {way}: each verdict as expected", other),
    ):
        print(f"{mark} {what}{f': {wrong}' if wrong else ''}", flush=True)
if os.environ.get("AUTOBAHN_RESULT"):
    pathlib.Path(os.environ["AUTOBAHN_RESULT"]).write_text(json.dumps(result, indent=1) + "\n")
sys.exit(0)
