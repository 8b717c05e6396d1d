#!/usr/bin/env python3
"""A counter is a counter, whatever an administrator resets. usage: metrics_test.py BINDIR"""
import re
import sys
import urllib.error
import urllib.request

from daemon import Daemon, harness


def page_of(daemon, path="/metrics"):
    host, port = daemon.metrics[0]
    with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def parse(text):
    """Families in the order of the page: name -> [help lines, type, samples]."""
    families, order = {}, []
    for line in text.splitlines():
        words = line.split(" ", 3)
        if line.startswith("# "):
            name = words[2]
            if words[1] == "HELP":
                assert name not in families, f"second HELP of {name}"
                families[name] = [1, None, {}]
                order.append(name)
            else:
                assert families[name][1] is None, f"second TYPE of {name}"
                families[name][1] = words[3]
        elif line:
            name = re.match(r"[a-zA-Z_:][a-zA-Z0-9_:]*", line)[0]
            assert order and order[-1] == name, f"{name} apart from its family"
            series, value = line.rsplit(" ", 1)
            assert series not in families[name][2], f"second sample {series}"
            families[name][2][series] = float(value)
    return families


def counters_only_rise(t, scratch):
    daemon = Daemon(scratch, "--metrics", "127.0.0.1:0")
    one = daemon.client()
    for n in range(100):
        one.set(f"secret-key-{n}", b"secret-value", 0)
    one.ask(b"get secret-key-1 secret-key-x\r\n", b"END\r\n")
    kind, text = page_of(daemon)
    t.check("content type", kind.startswith("text/plain; version=0.0.4"), kind)
    before = parse(text)
    for n in range(1000):
        one.get(f"secret-key-{n % 200}")
    t.equal("stats reset", one.ask(b"stats reset\r\n"), b"RESET\r\n")
    t.equal("flush_all", one.ask(b"flush_all\r\n"), b"OK\r\n")
    after_text = page_of(daemon)[1]
    after = parse(after_text)
    t.equal("the same families", list(before), list(after))
    fallen = [name for name in before if name.endswith("_total")
              and any(after[name][2][series] < value for series, value in before[name][2].items())]
    t.equal("no _total went down", fallen, [])
    wrong = [name for name, family in after.items()
             if (family[1] == "counter") != name.endswith("_total")]
    t.equal("every _total is a counter and nothing else is", wrong, [])
    t.equal("each family has HELP, TYPE and a sample",
            [name for name, family in after.items() if not (family[0] and family[1] and family[2])], [])
    hits = "tlscached_commands_get_hits_total"
    t.equal("hits were counted through the reset", after[hits][2][hits] - before[hits][2][hits], 500)
    t.equal("stats shows the reset", one.statistics()["get_hits"], "0")
    t.check("no key, value or peer on the page",
            "secret" not in after_text and "127.0.0.1" not in after_text)
    t.equal("curr_items is a gauge and came back", after["tlscached_curr_items"][2], {"tlscached_curr_items": 0})
    t.equal("its bytes too", after["tlscached_item_bytes"][2], {"tlscached_item_bytes": 0})
    one.close()
    daemon.wait_until(lambda: parse(page_of(daemon)[1])["tlscached_curr_connections"][2]
                      == {"tlscached_curr_connections": 0}, what="connections back to 0")
    t.check("connections came back to 0", True)


def the_page_is_the_only_one(t, scratch):
    daemon = Daemon(scratch, "--metrics", "[::1]:0")
    t.equal("served on IPv6", page_of(daemon)[1].count("tlscached_uptime_seconds "), 3)
    try:
        page_of(daemon, "/etc/passwd")
        t.check("another path is refused", False)
    except urllib.error.HTTPError as error:
        t.equal("another path is refused", error.code, 404)
    host, port = daemon.metrics[0]
    try:
        urllib.request.urlopen(f"http://[{host}]:{port}/metrics", data=b"x", timeout=10)
        t.check("POST is refused", False)
    except urllib.error.HTTPError as error:
        t.equal("POST is refused", error.code, 405)
    idle = [daemon.client((host, port)) for _ in range(10)]
    ended = sum(one.read_all() == b"" for one in idle[4:])
    t.equal("above four connections the end comes at once", ended, 6)
    for one in idle:
        one.close()
    t.check("and it serves again", daemon.wait_until(
        lambda: "tlscached_uptime_seconds" in page_of(daemon)[1], what="page"))
    refused = "tlscached_metrics_refused_total"
    t.check("and tells how many it refused", parse(page_of(daemon)[1])[refused][2][refused] >= 6)


if __name__ == "__main__":
    sys.exit(harness.Checks().run(counters_only_rise, the_page_is_the_only_one))
