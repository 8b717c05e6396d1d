#!/usr/bin/env python3
"""-m bounds the process, and entries go by themselves. usage: memory_test.py BINDIR"""
import random
import selectors
import socket
import sys
import time

from daemon import Daemon, harness

MEBIBYTE = 1 << 20
ROOM = 16 * MEBIBYTE


def pump(client, request, replies_end, most):
    """Sends without waiting, reading whatever comes."""
    for begin in range(0, len(request), 65536):
        client.send(request[begin:begin + 65536])
    got = 0
    while got < most:
        part = client.socket.recv(1 << 20)
        if not part:
            raise EOFError("end")
        got += part.count(replies_end)


def a_flood_of_stores_stays_inside_m(t, scratch):
    for megabytes in (32, 64):
        daemon = Daemon(scratch, "-m", str(megabytes), name=f"m{megabytes}")
        limit = megabytes * MEBIBYTE + ROOM
        one = daemon.client()
        seed = 20240601
        chance = random.Random(seed)
        worst, stored = 0, 0
        sizes = (60, 200, 600, 3000, 16000)
        for n in range(100):
            size = sizes[n % len(sizes)]
            count = max(20, 600_000 // size)
            request = b"".join(b"set f%d.%d 0 0 %d\r\n%s\r\n" %
                               (chance.randrange(1 << 40), m, size, b"z" * size) for m in range(count))
            pump(one, request, b"STORED\r\n", count)
            stored += count
            worst = max(worst, daemon.rss_bytes())
        rows = one.statistics()
        t.check(f"-m {megabytes}: resident at most -m + 16 MiB", worst <= limit,
                f"{worst / MEBIBYTE:.1f} MiB after {stored} stores, seed {seed}")
        t.check("it was a flood", int(rows["evictions"]) > 1000, rows["evictions"])
        one.close()


def a_flood_of_connections_stays_inside_m(t, scratch):
    """big pipelined requests, replies that nobody reads, unfinished stores"""
    daemon = Daemon(scratch, "-m", "32", "-c", "1000", "-I", "1m")
    limit = 32 * MEBIBYTE + ROOM
    first = daemon.client()
    t.equal("a big value is stored", first.set("big", b"b" * 1_000_000), b"STORED\r\n")
    selector = selectors.DefaultSelector()
    requests = [b"get big\r\n" * 2000, b"set u 0 0 1000000\r\n" + b"u" * 900_000,
                b"set p 0 0 100000\r\n%s\r\n" % (b"p" * 100_000) * 20, b"get a " * 5000]
    clients = []
    for n in range(300):
        plain = socket.create_connection(daemon.addresses[0])
        plain.setblocking(False)
        selector.register(plain, selectors.EVENT_WRITE, memoryview(requests[n % len(requests)]))
        clients.append(plain)
    worst, until = 0, time.monotonic() + 4
    while time.monotonic() < until and selector.get_map():
        for key, _ in selector.select(0.05):
            try:
                rest = key.data[key.fileobj.send(key.data[:65536]):]
            except OSError:
                rest = b""
            if len(rest) == 0:
                selector.unregister(key.fileobj)
            else:
                selector.modify(key.fileobj, selectors.EVENT_WRITE, rest)
        worst = max(worst, daemon.rss_bytes())
    rows = daemon.statistics()
    t.check("resident at most -m + 16 MiB", worst <= limit, f"{worst / MEBIBYTE:.1f} MiB")
    t.check("buffers at most their share", int(rows["tls_buffer_bytes"]) <= int(rows["tls_buffer_bytes_max"]),
            rows["tls_buffer_bytes"])
    refused = int(rows["tls_refused_read_buffer"]) + int(rows["tls_refused_unsent"])
    t.check("what did not fit is counted", refused > 0, refused)
    for one in clients:
        one.close()
    t.check("all is given back", daemon.wait_until(
        lambda: int(daemon.statistics()["tls_buffer_bytes"]) < 16384, what="buffers back"))
    t.equal("the value is still served", len(first.get("big")), len(b"VALUE big 0 1000000\r\n") + 1_000_007)


def entries_go_with_no_request(t, scratch):
    """expiry is proactive; the metrics page asks nothing of the store's entries"""
    daemon = Daemon(scratch)
    one = daemon.client()
    pump(one, b"".join(b"set e%d 0 2 100\r\n%s\r\n" % (n, b"e" * 100) for n in range(50000)),
         b"STORED\r\n", 50000)
    done = time.monotonic()
    held = int(one.statistics()["curr_items"])
    t.equal("held before", held, 50000)
    daemon.wait_until(lambda: one.statistics()["curr_items"] == "0", seconds=6, what="expiry")
    late = time.monotonic() - done
    t.check("all gone within a second of their expiry", late < 3.2, f"{late:.2f} s after the last store, TTL 2 s")
    t.equal("counted as expired", one.statistics()["tls_expired"], "50000")


if __name__ == "__main__":
    sys.exit(harness.Checks().run(a_flood_of_stores_stays_inside_m, a_flood_of_connections_stays_inside_m,
                                  entries_go_with_no_request))
