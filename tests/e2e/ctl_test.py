#!/usr/bin/env python3
"""tlscachectl as an administrator uses it: what it shows, and the exit codes.

usage: ctl_test.py BINDIR
"""
import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import stat
import sys

import cluster
import harness

GOOD, FINDING, USAGE, UNREACHABLE = 0, 1, 2, 3


def talk(daemon, text):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(10)
        peer.connect(str(daemon.socket))
        peer.sendall(text)
        return peer.makefile("rb").readline()


def entries(checks, scratch):
    """get shows an entry, and tells a miss by its exit code"""
    daemon = cluster.Daemon(scratch)
    checks.equal("a value is stored", talk(daemon, b"set k 5 100 5\r\nhello\r\n"), b"STORED\r\n")
    code, text = daemon.ctl("--json", "get", "k")
    shown = json.loads(text)
    checks.equal("get of an entry is good", code, GOOD)
    checks.equal("its size", shown["bytes"], 5)
    checks.equal("its flags", shown["flags"], 5)
    checks.check("its lifetime is 99 or 100 s", shown["ttl_seconds"] in (99, 100), shown["ttl_seconds"])
    checks.check("its value is not shown unasked", "hello" not in text and "value_base64" not in shown, text)
    checks.equal("its value, asked for", daemon.ctl("get", "k", "--value"), (GOOD, "hello"))
    code, text = daemon.ctl("--json", "get", "nothing")
    checks.equal("a miss is a finding", (code, json.loads(text)["found"]), (FINDING, False))

    tagged = base64.b64encode(bytes(range(18))).decode()
    checks.equal("a tagged key is stored", talk(daemon, f"ms {tagged} 3 b T60\r\nabc\r\n".encode()), b"HD\r\n")
    checks.equal("a tagged key is found by its base64 text", daemon.ctl("get", "--base64", tagged)[0], GOOD)
    checks.equal("and is another key without it", daemon.ctl("get", tagged)[0], FINDING)

    checks.equal("flush is good", daemon.ctl("flush"), (GOOD, "flushed\n"))
    checks.equal("after it nothing is there", daemon.ctl("get", "k")[0], FINDING)


def statistics(checks, scratch):
    """stats, as lines and as JSON"""
    daemon = cluster.Daemon(scratch, tcp=True)
    numbers = daemon.statistics()
    checks.equal("the process id is the daemon's", numbers["pid"], daemon.process.pid)
    checks.check("the version has memcached's shape", numbers["version"].startswith("1.6.18-tlscached-"),
                 numbers["version"])
    code, text = daemon.ctl("stats", "settings")
    checks.check("settings are shown", code == GOOD and "maxbytes" in text, text)
    over_tcp = harness.run(cluster.program("tlscachectl"), "--server", f"127.0.0.1:{daemon.port}", "stats")
    checks.check("host:port reaches the same daemon", over_tcp[0] == GOOD and str(daemon.process.pid) in over_tcp[1],
                 over_tcp)


def exit_codes(checks, scratch):
    """wrong use is 2, no answer is 3"""
    tool = cluster.program("tlscachectl")
    for words in ([], ["frobnicate"], ["get"], ["get", "two words"], ["--server", "nowhere", "stats"],
                  ["stats", "unknown"], ["get", "--base64", "!"], ["keygen", "--period", "0"]):
        checks.equal(f"usage: {' '.join(words) or 'nothing'}", harness.run(tool, *words)[0], USAGE)
    nobody = f"unix:{scratch.file('nobody.sock')}"
    checks.equal("nothing listens", harness.run(tool, "--server", nobody, "stats")[0], UNREACHABLE)
    daemon = cluster.Daemon(scratch)
    daemon.process.signal(signal.SIGSTOP)
    checks.equal("a daemon that hangs", daemon.ctl("--timeout-ms", "100", "stats")[0], UNREACHABLE)
    daemon.process.signal(signal.SIGCONT)
    checks.equal("the same, going on", daemon.ctl("stats")[0], GOOD)


def keygen(checks, scratch):
    """keygen writes a pair of files, and never over a cluster key"""
    tool = cluster.program("tlscachectl")
    files = scratch.file("cluster.key"), scratch.file("node.key")
    command = tool, "keygen", "--cluster", files[0], "--node", files[1]
    checks.equal("keygen is good", harness.run(*command)[0], GOOD)
    checks.equal("both files are for their owner alone",
                 [stat.S_IMODE(os.stat(f).st_mode) for f in files], [0o600, 0o600])
    root, node = ([base64.b64decode(line) for line in f.read_text().split("\n") if line and line[0] != "#"]
                  for f in files)
    # HKDF-SHA256 (RFC 5869) without salt, info "transport", 32 bytes.
    extracted = hmac.new(bytes(32), root[0], hashlib.sha256).digest()
    checks.equal("node.key is derived from cluster.key", node[0],
                 hmac.new(extracted, b"transport\x01", hashlib.sha256).digest())
    before = files[0].read_bytes()
    checks.equal("a node key that is there is a finding", harness.run(*command)[0], FINDING)
    checks.equal("unless it may be replaced", harness.run(*command, "--replace-node")[0], GOOD)
    checks.equal("the cluster key is kept", files[0].read_bytes(), before)
    other = scratch.file("other.key")
    harness.run(tool, "keygen", "--cluster", other, "--node", scratch.file("other-node.key"))
    checks.check("another cluster has another key", other.read_bytes() != before)


if __name__ == "__main__":
    sys.exit(harness.Checks().run(entries, statistics, exit_codes, keygen))
