"""libmemcached against tlscached: libmemcached_client.py BINDIR

The program wire_libmemcached does the asking (tests/wire/libmemcached_client.c); libmemcached's own
tools store and fetch a file.
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import servers  # noqa: E402
from tally import Tally  # noqa: E402


def run(*command):
    return subprocess.run(command, capture_output=True, timeout=60)


def main():
    bindir = sys.argv[1]
    tally = Tally()
    with servers.tlscached_tcp(bindir) as port, tempfile.TemporaryDirectory() as folder:
        asked = run(os.path.join(bindir, "wire_libmemcached"), str(port))
        for line in asked.stdout.decode().splitlines():
            tally.check(line.startswith("ok "), line)
        tally.equal(asked.returncode, 0, "wire_libmemcached ends well")

        server = f"--servers=127.0.0.1:{port}"
        path = os.path.join(folder, "stored")
        with open(path, "wb") as file:
            file.write(bytes(range(256)) * 40)
        tally.equal(run("memccp", server, path).returncode, 0, "memccp")
        fetched = run("memccat", server, "stored", "--file=" + path + ".back")
        with open(path, "rb") as sent, open(path + ".back", "rb") as back:
            tally.check(sent.read() == back.read(), "memccat gives back what memccp stored", ("memccat", fetched))
        tally.equal(run("memcexist", server, "stored").returncode, 0, "memcexist")
        tally.equal(run("memctouch", server, "--expire=100", "stored").returncode, 0, "memctouch")
        tally.equal(run("memcrm", server, "stored").returncode, 0, "memcrm")
        tally.check(run("memcexist", server, "stored").returncode != 0, "memcexist of nothing")
        tally.check(b"curr_items" in run("memcstat", server).stdout, "memcstat")
        tally.equal(run("memcping", server).returncode, 0, "memcping")
        tally.equal(run("memcflush", server).returncode, 0, "memcflush")
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
