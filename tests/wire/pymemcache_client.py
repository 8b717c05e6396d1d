"""pymemcache against tlscached: pymemcache_client.py BINDIR"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import servers  # noqa: E402
from pymemcache.client.base import Client, PooledClient  # noqa: E402
from pymemcache.exceptions import MemcacheClientError, MemcacheServerError  # noqa: E402
from tally import Tally  # noqa: E402


def check_client(tally, client, name):
    def equal(found, expected, what):
        tally.equal(found, expected, f"{name}: {what}")

    client.flush_all()
    equal(client.set("a", b"1"), True, "set")
    equal(client.get("a"), b"1", "get")
    equal(client.get("nothing", b"default"), b"default", "get of nothing")
    equal(client.set("bytes", bytes(range(256)), noreply=False), True, "set of any byte")
    equal(client.get("bytes"), bytes(range(256)), "get of any byte")
    equal(client.add("a", b"2", noreply=False), False, "add of what is there")
    equal(client.replace("a", b"2", noreply=False), True, "replace")
    equal(client.append("a", b"3", noreply=False), True, "append")
    equal(client.prepend("a", b"1", noreply=False), True, "prepend")
    value, cas = client.gets("a")
    equal(value, b"123", "gets")
    equal(client.cas("a", b"9", cas, noreply=False), True, "cas")
    equal(client.cas("a", b"8", cas, noreply=False), False, "cas with an old value")
    equal(client.cas("nothing", b"8", cas, noreply=False), None, "cas of nothing")
    equal(client.set_many({"m%d" % i: b"v%d" % i for i in range(200)}, noreply=False), [], "set_many")
    equal(client.get_many(["m%d" % i for i in range(0, 400)]), {"m%d" % i: b"v%d" % i for i in range(200)}, "get_many")
    equal(client.incr("a", 5, noreply=False), 14, "incr")
    equal(client.decr("a", 100, noreply=False), 0, "decr")
    equal(client.incr("nothing", 1, noreply=False), None, "incr of nothing")
    equal(client.touch("a", 100, noreply=False), True, "touch")
    equal(client.touch("nothing", 100, noreply=False), False, "touch of nothing")
    equal(client.delete("a", noreply=False), True, "delete")
    equal(client.delete("a", noreply=False), False, "delete of nothing")
    equal(client.delete_many(["m1", "m2"], noreply=False), True, "delete_many")
    equal(client.set("gone", b"x", expire=-1, noreply=False), True, "set with a negative expiry")
    equal(client.get("gone"), None, "get of what is gone")
    for noreply in (True, False):
        client.set("n", b"1", noreply=noreply)
        client.incr("n", 1, noreply=noreply)
        client.touch("n", 10, noreply=noreply)
    equal(client.get("n"), b"2", "noreply leaves no reply behind")
    try:
        client.set("big", b"v" * 20000, noreply=False)
        equal("stored", "refused", "set above the limit")
    except MemcacheServerError as error:
        equal(error.args[0], b"object too large for cache", "set above the limit")
    client.set("text", b"no number", noreply=False)
    try:
        client.incr("text", 1, noreply=False)
        equal("done", "refused", "incr of a text")
    except MemcacheClientError as error:
        equal(b"non-numeric" in error.args[0], True, "incr of a text")
    equal(client.get("n"), b"2", "the connection goes on behind errors")


def check_administration(tally, client):
    version = client.version()
    tally.check(version.startswith(b"1.6.18-tlscached-"), "version", ("version", version))
    statistics = client.stats()
    tally.check(statistics[b"cmd_get"] > 0 and statistics[b"curr_items"] > 0, "stats", ("stats", statistics))
    tally.check(b"maxbytes" in client.stats("settings"), "stats settings")
    tally.check(b"items:1:number" in client.stats("items"), "stats items")
    tally.equal(client.flush_all(noreply=False), True, "flush_all")
    tally.equal(client.get("n"), None, "nothing is left behind flush_all")
    client.quit()


def main():
    tally = Tally()
    with servers.tlscached(sys.argv[1]) as path:
        check_client(tally, Client(path, timeout=5), "Unix socket")
    with servers.tlscached_tcp(sys.argv[1]) as port:
        check_client(tally, PooledClient(("127.0.0.1", port), timeout=5, max_pool_size=4), "pool")
        client = Client(("127.0.0.1", port), timeout=5, no_delay=True)
        check_client(tally, client, "TCP")
        check_administration(tally, client)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
