"""The Autobahn suite's cases (run by kosoku) against /echo, directly and through the proxy; each verdict is counted.

AUTOBAHN chooses the cases: the default is sections 1 to 10, `all` is every one, compression included.
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


failed = False
for way, base in (("directly", os.environ["DIRECT_URL"]), ("through the proxy", os.environ["URL"])):
    found = verdicts(base.replace("http", "ws") + "/echo")
    counts = collections.Counter(behavior for behavior, _ in found.values())
    bad = {case: verdict for case, verdict in found.items() if not GOOD.issuperset(verdict)}
    told = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    print(f"{'FAIL' if bad else 'ok  '} Autobahn {way}: {told}{f': {bad}' if bad else ''}", flush=True)
    failed |= bool(bad)
    if os.environ.get("AUTOBAHN_RESULT"):
        result = {"way": way, "cases": len(found), "counts": dict(sorted(counts.items())), "not good": bad}
        with open(os.environ["AUTOBAHN_RESULT"], "a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
sys.exit(0)
