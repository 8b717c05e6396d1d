"""libmemcached's conformance tests of the text protocol: memccapable.py BINDIR

One run: single tests fail even against memcached. Against memcached it is run too, as the control.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import servers  # noqa: E402
from tally import Tally  # noqa: E402


def results(port):
    run = subprocess.run(["memccapable", "-h", "127.0.0.1", "-p", str(port), "-a"], capture_output=True, text=True, timeout=120)
    return dict(re.findall(r"^(ascii [a-z ]+?)\s+\[(\w+)\]", run.stdout + run.stderr, re.M))


def main():
    tally = Tally()
    with servers.memcached() as theirs, servers.tlscached_tcp(sys.argv[1]) as ours:
        control, found = results(theirs), results(ours)
    tally.check(len(control) >= 27 and set(control.values()) == {"pass"}, "memcached passes all", ("results", control))
    for name in control:
        tally.equal(found.get(name), "pass", name)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
