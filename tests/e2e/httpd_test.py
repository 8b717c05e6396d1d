#!/usr/bin/env python3
"""Two unmodified Apache httpd that share their sessions through tlscached as they would through
memcached: SSLSessionCache memcache:. Control: without it nothing resumes across.

usage: httpd_test.py BINDIR
"""
import re
import shutil
import socket
import sys

import cluster
import harness

PAIRS = 20
MODULES = "/usr/lib/apache2/modules"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Httpd:
    """Debian's apache2 with a configuration of its own; the page says whether it resumed."""

    def __init__(self, scratch, name, certificate, cache):
        self.root = scratch.file(name)
        (self.root / "htdocs").mkdir(parents=True)
        (self.root / "htdocs" / "index.html").write_text("hello\n")
        self.port = free_port()
        wanted = ("mpm_event", "authz_core", "ssl", "socache_memcache", "headers", "dir")
        modules = "\n".join(f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in wanted)
        config = scratch.write(f"{name}.conf", f"""
ServerRoot {self.root}
PidFile {self.root}/pid
DefaultRuntimeDir {self.root}
{modules}
Listen 127.0.0.1:{self.port}
User www-data
Group www-data
ErrorLog {self.root}/error.log
{f"SSLSessionCache {cache}" if cache else "SSLSessionCache none"}
<VirtualHost *:{self.port}>
    ServerName localhost:443
    DocumentRoot {self.root}/htdocs
    SSLEngine on
    SSLCertificateFile {certificate[0]}
    SSLCertificateKeyFile {certificate[1]}
    SSLSessionTickets off
    Header always set X-Resumed "%{{SSL_SESSION_RESUMED}}s"
    Header always set X-Frontend "{name}"
    Header always set X-Protocol "%{{SSL_PROTOCOL}}s"
    Header always set Connection close
</VirtualHost>
""")
        self.readable(scratch.path)
        self.process = scratch.start(f"httpd-{name}", shutil.which("apache2") or "/usr/sbin/apache2", "-X", "-f", config)
        self.process.wait_until(self.listens, seconds=20, what="listening")

    def readable(self, top):
        for path in (top, self.root, self.root / "htdocs"):
            path.chmod(0o755)
        (self.root / "htdocs" / "index.html").chmod(0o644)

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def get(self, scratch, store, *options):
        saved = scratch.file(store)
        session = ("-sess_in", saved) if saved.exists() else ()
        _, text = harness.run("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-sess_out", saved,
                              "-ign_eof", "-servername", "localhost", *session, *options,
                              input_text="GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        found = re.search(r"X-Resumed: (\S+)", text)
        if not found:
            raise RuntimeError(text + self.process.log_text() + (self.root / "error.log").read_text()[-2000:])
        return found[1]


def resumed_across(scratch, instances, name, *options):
    """Of PAIRS connections, each at the other instance than the one before, how many resumed."""
    instances[0].get(scratch, name, *options)
    answers = [instances[(i + 1) % 2].get(scratch, name, *options) for i in range(PAIRS)]
    return answers.count("Resumed")


def shared(checks, scratch):
    """two instances over one tlscached resume each other's sessions"""
    daemon = cluster.Daemon(scratch, tcp=True)
    certificate = cluster.make_certificate(scratch, "server", ["localhost"])
    instances = [Httpd(scratch, name, certificate, f"memcache:127.0.0.1:{daemon.port}") for name in ("h1", "h2")]
    for version in ("-tls1_2", "-tls1_3"):
        checks.equal(f"httpd {version}: resumed across, of {PAIRS}",
                     resumed_across(scratch, instances, version, version), PAIRS)
    numbers = daemon.statistics()
    checks.check("the sessions are in the daemon", numbers["curr_items"] > 0, numbers["curr_items"])


def apart(checks, scratch):
    """control: with no common cache nothing resumes across"""
    certificate = cluster.make_certificate(scratch, "server", ["localhost"])
    instances = [Httpd(scratch, name, certificate, None) for name in ("h1", "h2")]
    for version in ("-tls1_2", "-tls1_3"):
        checks.equal(f"control, httpd {version} without a cache", resumed_across(scratch, instances, version, version), 0)


if __name__ == "__main__":
    sys.exit(harness.Checks().run(shared, apart))
