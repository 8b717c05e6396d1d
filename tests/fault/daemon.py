"""A tlscached under test, and a client that says what it expects."""
import pathlib
import resource
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import harness  # noqa: E402  (the harness of the end-to-end tests serves here too)

TURNED_AWAY = b"ERROR Too many open connections\r\n"


class Daemon:
    """Ports are chosen by the kernel and read from --port-file."""

    def __init__(self, scratch, *options, name="tlscached", listen="127.0.0.1:0", wrap=()):
        self.ports = scratch.file(f"{name}.ports")
        self.socket_path = str(scratch.file(f"{name}.sock"))
        listening = ["-l", listen] if listen else []
        self.process = scratch.start(
            name, *wrap, harness.bindir() / "tlscached", *listening, "-s", self.socket_path,
            "--port-file", self.ports, "--lock-memory", "off", *options)
        self.process.wait_until(self.ports.exists, what="port file")
        self.lines = [line.split() for line in self.ports.read_text().splitlines()]
        self.addresses = [(line[1], int(line[2])) for line in self.lines if line[0] == "tcp"]
        self.metrics = [(line[1], int(line[2])) for line in self.lines if line[0] == "metrics"]

    @property
    def pid(self):
        return self.process.pid

    def client(self, address=None, seconds=10):
        return Client(socket.create_connection(address or self.addresses[0], seconds))

    def unix_client(self):
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(10)
        plain.connect(self.socket_path)
        return Client(plain)

    def statistics(self, client=None):
        own = client or self.unix_client()
        rows = own.statistics()
        if client is None:
            own.close()
        return rows

    def wait_until(self, condition, seconds=10, what="condition"):
        return self.process.wait_until(condition, seconds, what)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def descriptors(self):
        return len(list(pathlib.Path(f"/proc/{self.pid}/fd").iterdir()))

    def limit_descriptors(self, soft):
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (soft, hard))

    def log(self):
        return self.process.log.read_text(errors="replace")


class Client:
    def __init__(self, plain):
        self.socket = plain

    def send(self, data):
        self.socket.sendall(data)
        return self

    def read_all(self):
        """To the end of what the daemon sends; a reset is an end too."""
        parts = []
        try:
            while part := self.socket.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            parts.append(b"<reset>")
        return b"".join(parts)

    def read_exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError(f"end after {data[:80]!r}")
            data += part
        return data

    def read_until(self, end):
        data = b""
        while not data.endswith(end):
            part = self.socket.recv(65536)
            if not part:
                raise EOFError(f"end after {data[:80]!r}")
            data += part
        return data

    def ask(self, request, end=b"\r\n"):
        return self.send(request).read_until(end)

    def set(self, key, value, seconds=0):
        return self.ask(f"set {key} 0 {seconds} {len(value)}\r\n".encode() + value + b"\r\n")

    def get(self, key):
        return self.ask(f"get {key}\r\n".encode(), b"END\r\n")

    def statistics(self, which=""):
        text = self.ask(f"stats {which}".strip().encode() + b"\r\n", b"END\r\n").decode()
        return dict(line.split(" ", 2)[1:] for line in text.splitlines() if line.startswith("STAT "))

    def close(self):
        self.socket.close()


def answers_version(client):
    try:
        return client.ask(b"version\r\n").startswith(b"VERSION 1.6.18-tlscached-")
    except (OSError, EOFError):
        return False


def watch_for(seconds, look):
    """Calls look() until the time is over, waiting on a socket that never becomes readable."""
    quiet, _keep = socket.socketpair()
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        look()
        quiet.settimeout(min(left, 0.05))
        try:
            quiet.recv(1)
        except (TimeoutError, socket.timeout):
            continue
