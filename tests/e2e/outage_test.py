#!/usr/bin/env python3
"""Nodes die, hang and come back under load: no handshake may fail. Judged by the ledger in which
tls_probe records every one.

usage: outage_test.py BINDIR
"""
import json
import os
import signal
import sys

import cluster
import harness

CONNECTIONS = 2000 if os.environ.get("TLSCACHE_FULL") == "1" else 300
PARALLEL = 4
# The second half of a run has to outlast the breaker, which closes by a probe and a ramp of two seconds.
INTERVAL_MS = PARALLEL * 10_000 // (2 * CONNECTIONS)


class Load:
    """tls_probe over the frontends, with its ledger, running beside the test."""

    def __init__(self, scratch, made):
        self.ledger = scratch.file("ledger")
        self.process = scratch.start("probe", cluster.program("tls_probe"), *made.addresses(), "--count", CONNECTIONS,
                                     "--parallel", PARALLEL, "--interval-ms", INTERVAL_MS, "--ledger", self.ledger, "--json")

    def lines(self):
        if not self.ledger.exists():
            return []
        return [json.loads(line) for line in self.ledger.read_text().split("\n")[:-1]]

    def reach(self, number):
        self.process.wait_until(lambda: len(self.lines()) >= number, seconds=120, what=f"{number} handshakes")
        return len(self.lines())

    def finish(self):
        code = self.process.wait(240)
        return code, self.lines()


def outage(checks, scratch, what, begin, end):
    made = cluster.Cluster(scratch)
    for _ in range(3):
        made.frontend()
    made.warm_up()
    load = Load(scratch, made)
    total = 2 * CONNECTIONS
    from_here = load.reach(total // 4)
    begin(made.daemons[0])
    to_here = load.reach(from_here + total // 4)
    end(made.daemons[0])
    code, lines = load.finish()
    failed = [line for line in lines if line["outcome"] == "failed"]
    counts = [sum(line["outcome"] == "resumed" for line in part)
              for part in (lines[:from_here], lines[from_here:to_here], lines[to_here:])]
    checks.equal(f"{what}: every handshake is in the ledger", len(lines), total)
    checks.equal(f"{what}: failed handshakes", (len(failed), failed[:3]), (0, []))
    checks.equal(f"{what}: exit code of the probe", code, 0)
    checks.check(f"{what}: before it, connections resumed", counts[0] > from_here // 4,
                 f"resumed before {counts[0]} of {from_here}, during {counts[1]} of {to_here - from_here}, "
                 f"after {counts[2]} of {total - to_here}")
    return counts, (from_here, to_here - from_here, total - to_here)


def killed(checks, scratch):
    """the node is killed and stays away"""
    def kill(node):
        node.process.popen.kill()
        node.process.popen.wait()
    counts, sizes = outage(checks, scratch, "killed", kill, lambda node: None)
    checks.check("killed: nothing resumes without a node", counts[2] < sizes[2] // 10, (counts, sizes))


def stopped(checks, scratch):
    """the node hangs (SIGSTOP), then goes on"""
    counts, sizes = outage(checks, scratch, "stopped", lambda node: node.process.signal(signal.SIGSTOP),
                           lambda node: node.process.signal(signal.SIGCONT))
    checks.check("stopped: going on, connections resume again", counts[2] > sizes[2] // 4, (counts, sizes))


def restarted(checks, scratch):
    """the node is killed and a new one, empty, takes its place"""
    def kill(node):
        node.process.popen.kill()
        node.process.popen.wait()
    counts, sizes = outage(checks, scratch, "restarted", kill, lambda node: node.start())
    checks.check("restarted: connections resume again", counts[2] > sizes[2] // 4, (counts, sizes))


if __name__ == "__main__":
    sys.exit(harness.Checks().run(killed, stopped, restarted))
