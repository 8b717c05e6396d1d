#!/usr/bin/env python3
"""Are values that are gone also gone from memory? 2,000 values for each way out of the cache, read
back through /proc/PID/mem. Controls: live values must be found by the same search, and memcached's
figures are printed beside ours.

usage: secrets_test.py BINDIR
"""
import os
import shutil
import socket
import struct
import sys

import harness
import memory_scan

COUNT = 2000
MEGABYTES = 16


class Client:
    """The text protocol, pipelined, over a Unix socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.reader = self.socket.makefile("rb")

    def close(self):
        self.reader.close()
        self.socket.close()

    def ask(self, requests):
        """Sends in batches and reads one line for each request."""
        lines = []
        for begin in range(0, len(requests), 100):
            batch = requests[begin:begin + 100]
            self.socket.sendall(b"".join(batch))
            lines += [self.reader.readline() for _ in batch]
        return lines

    def present(self, keys):
        """Which of the keys are still there; without fetching a value."""
        lines = self.ask([f"mg {key} s\r\n".encode() for key in keys])
        return {key for key, line in zip(keys, lines) if line.startswith(b"HD")}

    def statistics(self):
        self.socket.sendall(b"stats\r\n")
        rows = {}
        while (line := self.reader.readline()) != b"END\r\n":
            _, name, value = line.decode().split(maxsplit=2)
            rows[name] = value.strip()
        return rows


class Server:
    """One server of either kind with the values of one way out."""

    def __init__(self, scratch, name, program):
        self.path = str(scratch.file(f"{name}.sock"))
        user = ("-u", "root") if os.getuid() == 0 and program.name == "memcached" else ()
        tcp = ("-p", "0") if program.name == "tlscached" else ()
        self.process = scratch.start(name, program, "-s", self.path, "-m", str(MEGABYTES), *tcp, *user)
        self.process.wait_until(self.listens, what="listening")
        self.client = Client(self.path)
        self.marker = memory_scan.Marker()

    def listens(self):
        try:
            Client(self.path).close()
            return True
        except OSError:
            return False

    def store(self, first=0, verb="set", exptime=0):
        numbers = range(first, first + COUNT)
        lines = self.client.ask([self.command(verb, n - first, n, exptime) for n in numbers])
        return sum(line == b"STORED\r\n" for line in lines)

    def command(self, verb, key, number, exptime=0):
        head = f"{verb} secret{key} 0 {exptime} {memory_scan.VALUE_BYTES}\r\n".encode()
        return head + self.marker.value(number) + b"\r\n"

    def readable(self):
        """The values that are still readable, if only in part, and where."""
        places = self.marker.places_in(self.process.pid)
        return {number: where for number, where in places.items() if number < COUNT}


KEYS = [f"secret{i}" for i in range(COUNT)]


def live(server):
    server.store()
    return 0


def expired(server):
    server.store(exptime=1)
    # No key is asked for: the daemon has to act by itself. memcached only notices at a request, so
    # the control is asked, as its clients would.
    if server.process.name.startswith("memcached"):
        server.process.wait_until(lambda: not server.client.present(KEYS), what="expiry")
    else:
        server.process.wait_until(lambda: server.client.statistics()["curr_items"] == "0", what="expiry")
    return 0


def deleted(server):
    server.store()
    server.client.ask([f"delete {key}\r\n".encode() for key in KEYS])
    return 0


def overwritten(server):
    server.store()
    server.store(first=COUNT)
    return 0


def resized(server):
    server.store()
    server.client.ask([f"append {key} 0 0 300\r\n".encode() + b"x" * 300 + b"\r\n" for key in KEYS])
    server.client.ask([f"set {key} 0 0 3\r\nnew\r\n".encode() for key in KEYS])
    return 0


def refused(server):
    server.client.ask([f"set {key} 0 0 3\r\nold\r\n".encode() for key in KEYS])
    server.store(verb="add")
    return 0


def evicted(server):
    server.store()
    filler = b" 0 0 %d\r\n" % memory_scan.VALUE_BYTES + b"y" * memory_scan.VALUE_BYTES + b"\r\n"
    for number in range(0, 400_000, 1000):
        server.client.ask([b"set filler%d" % i + filler for i in range(number, number + 1000)])
        if int(server.client.statistics()["evictions"]) > 3 * COUNT:
            break
    return len(server.client.present(KEYS))


def flushed(server):
    server.store()
    server.client.ask([b"flush_all\r\n"])
    server.process.wait_until(lambda: not server.client.present(KEYS), what="flush")
    return 0


def cut_off(server):
    """Connections that close in the middle of a store: the last bytes of the value never come."""
    for number in range(COUNT):
        writer = Client(server.path)
        writer.socket.sendall(server.command("set", number, number)[:-20])
        writer.close()
    await_closed(server)
    return 0


def unread(server):
    """Values on their way out to clients that close without reading; then deleted."""
    server.store()
    for begin in range(0, COUNT, 100):
        reader = Client(server.path)
        reader.socket.sendall(b"".join(f"get {key}\r\n".encode() for key in KEYS[begin:begin + 100]) * 5)
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reader.close()
    await_closed(server)
    server.client.ask([f"delete {key}\r\n".encode() for key in KEYS])
    return 0


def fetched(server):
    """Values that went out to clients, whole; then deleted."""
    server.store()
    for key in KEYS:
        server.client.socket.sendall(f"get {key}\r\n".encode())
        while server.client.reader.readline() != b"END\r\n":
            pass
    server.client.ask([f"delete {key}\r\n".encode() for key in KEYS])
    return 0


def await_closed(server):
    server.process.wait_until(lambda: int(server.client.statistics()["curr_connections"]) <= 2, what="closing")


WAYS_OUT = [expired, deleted, overwritten, resized, refused, evicted, flushed, cut_off, unread, fetched]


def measure(scratch, kind, program, way):
    """(values that are left readable, of those that should be gone, where some of them are)"""
    server = Server(scratch, f"{kind}-{way.__name__}", program)
    still_there = way(server)
    readable = server.readable()
    server.client.close()
    server.process.stop()
    return len(readable) - still_there, COUNT - still_there, places_of(readable)


def places_of(readable, shown=6):
    return [f"value {number} chunk {chunk} in {name} at {address:x}"
            for number, where in readable.items() for name, address, chunk in where][:shown]


def scan(checks, scratch):
    """dead values are nowhere in the daemon's memory, live ones are found"""
    ours = harness.bindir() / "tlscached"
    theirs = harness.pathlib.Path(shutil.which("memcached") or "/usr/bin/memcached")
    found, _, _ = measure(scratch, "tlscached", ours, live)
    checks.equal("control: live values are found in tlscached", found, COUNT)
    found, _, _ = measure(scratch, "memcached", theirs, live)
    checks.equal("control: live values are found in memcached", found, COUNT)
    for way in WAYS_OUT:
        left, dead, places = measure(scratch, "tlscached", ours, way)
        left_there, dead_there, _ = measure(scratch, "memcached", theirs, way)
        figures = f"tlscached {left} of {dead}, memcached {left_there} of {dead_there} readable"
        erased = left == 0 and dead > COUNT // 2
        checks.check(f"{way.__name__} values are erased", erased, figures if erased else (figures, places))


def scan_without_rights(checks):
    checks.check("memory of another process can be read (root, or CAP_SYS_PTRACE)", os.getuid() == 0)


if __name__ == "__main__":
    all_checks = harness.Checks()
    if os.getuid() != 0:
        scan_without_rights(all_checks)
    sys.exit(all_checks.run(*([scan] if os.getuid() == 0 else [])))
