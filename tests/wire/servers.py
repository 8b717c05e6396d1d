"""Starts memcached and tlscached for the wire tests, each on a Unix socket or a free port, and ends them."""
import contextlib
import os
import select
import socket
import subprocess
import tempfile
import time

START_SECONDS = 20


def connect(address):
    """`address`: a path of a Unix socket, or a port of 127.0.0.1."""
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(address)
        return sock
    sock = socket.create_connection(("127.0.0.1", address))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until_it_listens(process, address):
    ended = os.pidfd_open(process.pid)
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                connect(address).close()
                return
            except OSError:
                # Waits for the process's end, 20 ms at most.
                if select.select([ended], [], [], 0.02)[0]:
                    break
    finally:
        os.close(ended)
    raise RuntimeError(f"{process.args[0]} does not listen at {address}")


@contextlib.contextmanager
def running(command, address, log=None):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until_it_listens(process, address)
        yield address
    finally:
        process.terminate()
        process.wait()


def memcached(*options):
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    return running(["memcached", "-U", "0", "-l", "127.0.0.1", "-p", str(port), *user, *options], port)


@contextlib.contextmanager
def tlscached(bindir, *options, log=subprocess.DEVNULL):
    """On a Unix socket of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        with running([os.path.join(bindir, "tlscached"), "-p", "0", "-s", path, *options], path, log) as address:
            yield address


def tlscached_tcp(bindir, *options, log=subprocess.DEVNULL):
    port = free_port()
    return running([os.path.join(bindir, "tlscached"), "-l", "127.0.0.1", "-p", str(port), *options], port, log)
