"""Stands where the program of a probe would: fake_probe.py FINDINGS [GPU left out ...].

FINDINGS is JSON: `listing` and `build`, printed as they are (none: it ends before), and for each
GPU what becomes of it: "" for a success, "hang", "crash", or the error of its verdict.
"""

import json
import os
import sys
import time

findings, left_out = json.loads(sys.argv[1]), sys.argv[2:]


def say(type_, record):
    print(json.dumps({"type": type_, **record}), flush=True)


def follow(what):
    if what == "hang":
        time.sleep(1000)
    elif what == "crash":
        os.abort()


say("Listing", findings.get("listing", {}))
follow(findings.get("torch", ""))
say("Build", findings["build"])
for gpu in findings["build"]["gpus"]:
    if gpu["id"] not in left_out:
        what = findings["gpus"][gpu["id"]]
        follow(what)
        say("Verdict", {"id": gpu["id"], "error": what})
        if what:
            break
