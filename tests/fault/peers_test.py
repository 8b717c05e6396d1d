#!/usr/bin/env python3
"""Peers that speak something else, do not read, stall, or leave. usage: peers_test.py BINDIR"""
import socket
import struct
import sys
import threading
import time

from daemon import Daemon, answers_version, harness, watch_for

CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(32) + b"\x20" + bytes(160)
BINARY_GET = bytes([0x80, 0x00, 0x00, 0x05]) + bytes(4) + struct.pack(">I", 5) + bytes(12) + b"Hello"


def ended_within(client, seconds):
    client.socket.settimeout(seconds)
    begin = time.monotonic()
    data = client.read_all()
    return data, time.monotonic() - begin


def another_protocol_is_turned_away_at_once(t, scratch):
    """closed within a second, counted, told once in the log"""
    daemon = Daemon(scratch)
    for name, data, stat in (("TLS", CLIENT_HELLO, "tls_other_protocol_tls"),
                             ("binary memcached", BINARY_GET, "tls_other_protocol_binary"),
                             ("Redis", b"*1\r\n$4\r\nPING\r\n", "tls_other_protocol_resp")):
        for _ in range(5):
            data_back, seconds = ended_within(daemon.client().send(data), 5)
            t.check(f"{name}: the end within a second", seconds < 1, f"{seconds:.3f}")
            t.check(f"{name}: no reply that is data", b"VALUE" not in data_back and
                    data_back[:1] not in (b"\x81", b"\x15", b"+", b"$"), data_back)
        t.equal(f"{name}: counted", daemon.statistics()[stat], "5")
        said = [line for line in daemon.log().splitlines() if "turned away" in line and
                name.split()[0].lower() in line.lower()]
        t.equal(f"{name}: the log names the likely mistake once", len(said), 1)
    t.check("a proper client is served", answers_version(daemon.client()))


def a_peer_that_does_not_read_is_paused_and_others_are_served(t, scratch):
    daemon = Daemon(scratch)
    other = daemon.client()
    value = b"v" * 16000
    t.equal("stored", other.set("k", value), b"STORED\r\n")
    slow = daemon.client()
    count = 1500  # 24 MB of replies, more than the kernel's buffers hold
    slow.send(b"get k\r\n" * count)
    daemon.wait_until(lambda: int(other.statistics()["tls_paused_peers"]) > 0, what="a pause")
    begin = time.monotonic()
    t.check("others are served meanwhile", all(other.get("k").count(value) for _ in range(200)))
    t.check("and fast", time.monotonic() - begin < 2, f"{time.monotonic() - begin:.2f} s for 200")
    used = int(other.statistics()["tls_buffer_bytes"])
    t.check("what is held for it is bounded", used < 512 * 1024, used)
    expected = len(b"VALUE k 0 16000\r\n" + value + b"\r\nEND\r\n") * count
    slow.socket.settimeout(30)
    got = 0
    tail = b""
    while got < expected:
        part = slow.socket.recv(1 << 20)
        if not part:
            break
        got += len(part)
        tail = (tail + part)[-5:]
    t.equal("once it reads it gets every byte", (got, tail), (expected, b"END\r\n"))


def a_peer_that_stalls_in_a_store_is_closed(t, scratch):
    daemon = Daemon(scratch, "--stall-timeout", "1")
    idle = daemon.client()
    t.check("an idle one is served", answers_version(idle))
    stalled = [daemon.client().send(data) for data in
               (b"set a 0 0 100\r\nhalf", b"se", b"set b 0 0 8000\r\n" + b"x" * 4000)]
    trickling = daemon.client().send(b"set c 0 0 100\r\n")
    begin = time.monotonic()
    gone = []

    def trickle():
        if not gone:
            try:
                trickling.send(b"x")
            except OSError:
                gone.append(time.monotonic() - begin)
    watch_for(2.5, trickle)
    t.check("one that trickles is closed too", bool(gone) and gone[0] < 2.3, gone)
    endings = [ended_within(one, 5)[0] for one in stalled]
    t.equal("all three see the end", [one.replace(b"<reset>", b"") for one in endings], [b""] * 3)
    rows = idle.statistics()
    t.equal("counted", rows["tls_closed_stalled"], "4")
    t.equal("nothing was stored", rows["curr_items"], "0")
    t.check("the idle one lives", answers_version(idle))


def an_idle_connection_lives(t, scratch):
    daemon = Daemon(scratch, "--stall-timeout", "1")
    idle = daemon.client()
    t.check("served", answers_version(idle))
    watch_for(3, lambda: None)
    t.check("served after three seconds, with a stall timeout of one", answers_version(idle))


def answers_arrive_after_a_half_close(t, scratch):
    daemon = Daemon(scratch)
    for make in (daemon.client, daemon.unix_client):
        for count in (1, 3, 1000):
            one = make()
            one.send(b"".join(b"set h%d 0 0 5\r\nhello\r\n" % n for n in range(count)))
            one.send(b"get h0\r\nset unfinished 0 0 50\r\nxx")
            one.socket.shutdown(socket.SHUT_WR)
            got = one.read_all()
            t.check(f"{count} stores and a get answered, then the end",
                    got == b"STORED\r\n" * count + b"VALUE h0 0 5\r\nhello\r\nEND\r\n", got[-60:])
    t.equal("the unfinished one is not stored", daemon.client().get("unfinished"), b"END\r\n")


def a_peer_that_stores_and_leaves_is_heard(t, scratch):
    """1,000 connections that write and close without reading"""
    daemon = Daemon(scratch)
    for n in range(1000):
        one = daemon.client()
        one.send(b"set k%d 0 60 1 noreply\r\nx\r\n" % n)
        one.close()
    t.check("1,000 stored", daemon.wait_until(
        lambda: daemon.statistics()["curr_items"] == "1000", what="1,000 items"))
    for n in range(200):
        one = daemon.client()
        one.send(b"".join(b"set r%d.%d 0 60 1\r\nx\r\n" % (n, m) for m in range(20)))
        one.close()
    t.check("with replies that nobody reads: 4,000 more", daemon.wait_until(
        lambda: daemon.statistics()["curr_items"] == "5000", what="5,000 items"))
    t.check("no error in the log", " error:" not in daemon.log())


def every_split_of_a_pipeline_is_answered_alike(t, scratch):
    """sizes around the private and the batch memory"""
    daemon = Daemon(scratch)
    values = {f"s{size}": bytes([65 + size % 26]) * size
              for size in (0, 1, 900, 1000, 1010, 1024, 2048, 4096, 8000, 16000, 16384)}
    requests = b"".join(b"set %s 0 0 %d\r\n%s\r\n" % (key.encode(), len(value), value)
                        for key, value in values.items())
    requests += b"".join(b"get %s\r\n" % key.encode() for key in values)
    expected = b"STORED\r\n" * len(values) + b"".join(
        b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key.encode(), len(value), value)
        for key, value in values.items())
    wrong = []
    for step in (1 << 20, 40000, 32768, 4097, 1025, 1024, 1023, 333):
        one = daemon.client()
        for begin in range(0, len(requests), step):
            one.send(requests[begin:begin + step])
        if one.read_exactly(len(expected)) != expected:
            wrong.append(step)
        one.close()
    t.equal("no split differs", wrong, [])
    t.check("buffers are given back", daemon.wait_until(
        lambda: int(daemon.statistics()["tls_buffer_bytes"]) < 4096, what="buffers"))


def no_connection_gets_anothers_value(t, scratch):
    """saturated, every value verified: memory that connections share would show here"""
    daemon = Daemon(scratch, "-t", "2")
    first = daemon.client()
    for n in range(64):
        first.set(f"own{n}", (b"%03d" % n) * 70)
    wrong = []

    def ask(n):
        own = daemon.client()
        expected = b"VALUE own%d 0 210\r\n%s\r\nEND\r\n" % (n, (b"%03d" % n) * 70)
        for _ in range(400):
            if own.ask(b"get own%d\r\n" % n, b"END\r\n") != expected:
                wrong.append(n)
        own.close()
    threads = [threading.Thread(target=ask, args=(n,), daemon=True) for n in range(64)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    t.equal("25,600 fetches over 64 connections, none wrong", wrong, [])


if __name__ == "__main__":
    sys.exit(harness.Checks().run(
        another_protocol_is_turned_away_at_once,
        a_peer_that_does_not_read_is_paused_and_others_are_served,
        a_peer_that_stalls_in_a_store_is_closed,
        an_idle_connection_lives,
        answers_arrive_after_a_half_close,
        a_peer_that_stores_and_leaves_is_heard,
        every_split_of_a_pipeline_is_answered_alike,
        no_connection_gets_anothers_value,
    ))
