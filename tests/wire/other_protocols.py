"""Peers that speak another protocol are turned away at once: other_protocols.py BINDIR

Closed within a second, no byte that a parser could take for data, a counter each; and it is told in
the log once per kind, not per connection.
"""
import os
import re
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import servers  # noqa: E402
from tally import Tally  # noqa: E402

# A ClientHello's beginning, a binary get, a RESP array, and a browser.
FIRST_BYTES = {
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(40)),
    "binary": b"\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01" + bytes(12) + b"k",
    "resp": b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
TIMES = 3


def statistics(address):
    with servers.connect(address) as sock:
        sock.settimeout(5)
        sock.sendall(b"stats\r\n")
        text = b""
        while not text.endswith(b"END\r\n"):
            text += sock.recv(65536)
    return dict(re.findall(r"STAT (\S+) (.*)\r\n", text.decode()))


def ask(address, first):
    """What came back, and after how many seconds the end did."""
    with servers.connect(address) as sock:
        sock.settimeout(3)
        begin = time.monotonic()
        sock.sendall(first)
        answer = b""
        try:
            while piece := sock.recv(4096):
                answer += piece
        except ConnectionResetError:
            pass
        except socket.timeout:
            answer += b"<no end>"
        return answer, time.monotonic() - begin


def main():
    tally = Tally()
    with tempfile.TemporaryFile() as log, servers.tlscached_tcp(sys.argv[1], log=log) as address:
        before = statistics(address)
        for kind, first in FIRST_BYTES.items():
            # Byte by byte from the second on: the first one decides.
            for sent in [first] * (TIMES - 1) + [first[:1] if kind != "http" else first]:
                answer, seconds = ask(address, sent)
                tally.equal(answer, b"", f"{kind}: nothing is answered")
                tally.check(seconds < 1, f"{kind}: closed within a second", ("seconds", seconds))
        after = statistics(address)
        for kind in FIRST_BYTES:
            name = f"tls_other_protocol_{kind}"
            tally.equal(int(after[name]) - int(before[name]), TIMES, f"{name} counts each")
        log.seek(0)
        said = [line for line in log.read().decode().splitlines() if "warning" in line]
        for kind, word in (("tls", "TLS"), ("binary", "binary"), ("resp", "Redis"), ("http", "HTTP")):
            tally.equal(sum(word in line for line in said), 1, f"{kind}: the log tells it once")
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
