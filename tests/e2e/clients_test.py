#!/usr/bin/env python3
"""Do other people's TLS clients resume on a frontend that never saw them? Each connection goes to
another of two frontends than the one before and offers the last session.

usage: clients_test.py BINDIR
"""
import re
import socket
import ssl
import sys

import cluster
import harness

ROUNDS = 6
# The usual deadline of 3 ms is for servers that are not tested beside compilers.
PATIENT = "deadline_ms = 500\n"
PAGE = re.compile(r"frontend=(\S+) protocol=(\S+) resumed=(\S+) sni=(\S+) client=(\S+)")


def two_frontends(scratch, *options):
    made = cluster.Cluster(scratch, extra_config=PATIENT)
    for _ in range(2):
        made.frontend(*options)
    made.warm_up()
    return made


def expect(checks, who, pages):
    """The first page says full, all others resumed, and neighbours come from different frontends."""
    resumed = [page[2] for page in pages]
    checks.equal(f"{who}: one full handshake, then {len(pages) - 1} resumed", resumed,
                 ["no"] + ["yes"] * (len(pages) - 1))
    names = [page[0] for page in pages]
    checks.check(f"{who}: each on another frontend", all(a != b for a, b in zip(names, names[1:])), names)


def s_client(scratch, frontend, *options, store="session.pem", offer=True):
    """One connection of openssl s_client; what the page said, and all that s_client said."""
    saved = scratch.file(store)
    session = ("-sess_in", saved) if offer and saved.exists() else ()
    _, text = harness.run("openssl", "s_client", "-connect", frontend.address, "-sess_out", saved, "-ign_eof",
                          "-servername", "localhost", *session, *options, input_text="GET / HTTP/1.0\r\n\r\n")
    page = PAGE.search(text)
    if not page:
        raise RuntimeError(text)
    return page.groups(), text


def openssl_client(checks, scratch):
    """openssl s_client, sessions kept in a file"""
    made = two_frontends(scratch)
    for version, options in (("TLSv1.2", ("-tls1_2", "-no_ticket")), ("TLSv1.3", ("-tls1_3",))):
        pages, texts = [], []
        for i in range(ROUNDS):
            page, text = s_client(scratch, made.frontends[i % 2], *options, store=version)
            pages.append(page)
            texts.append(text)
        expect(checks, f"s_client {version}", pages)
        checks.equal(f"s_client {version}: it says Reused itself", sum("Reused, " in t for t in texts), ROUNDS - 1)
        checks.equal(f"s_client {version}: the version is what was asked for", {p[1] for p in pages}, {version})


def hello_retry(checks, scratch):
    """a TLS 1.3 client whose first key share is refused (RFC 8446 4.1.4) resumes too"""
    # The server's groups by configuration: the client's first group is none of them.
    conf = scratch.write("openssl.cnf", "openssl_conf = top\n[top]\nssl_conf = ssl\n[ssl]\nsystem_default = all\n"
                         "[all]\nGroups = P-256\n")
    made = cluster.Cluster(scratch, extra_config=PATIENT)
    for _ in range(2):
        made.frontend(env={"OPENSSL_CONF": str(conf)})
    made.warm_up()
    pages, texts = [], []
    for i in range(ROUNDS):
        page, text = s_client(scratch, made.frontends[i % 2], "-tls1_3", "-groups", "X25519:P-256", "-msg")
        pages.append(page)
        texts.append(text)
    expect(checks, "s_client after a HelloRetryRequest", pages)
    checks.equal("each handshake had two ClientHellos", [t.count(", ClientHello") for t in texts], [2] * ROUNDS)


def curl(checks, scratch):
    """curl, one run over several addresses"""
    made = two_frontends(scratch)
    # curl keeps sessions by host name and port: one name and port, led to each frontend in turn by a
    # relay that only copies bytes.
    relay = scratch.start("relay", sys.executable, cluster.HERE / "relay.py", scratch.file("relay.port"),
                          *(f.port for f in made.frontends))
    relay.wait_until(scratch.file("relay.port").exists, what="listening")
    port = scratch.file("relay.port").read_text()
    for version, options in (("TLSv1.2", ("--tlsv1.2", "--tls-max", "1.2")), ("TLSv1.3", ("--tlsv1.3",))):
        _, text = harness.run("curl", "-sk", "-H", "Connection: close", *options,
                              *[f"https://localhost:{port}/"] * ROUNDS)
        pages = PAGE.findall(text)
        checks.equal(f"curl {version}: all pages came", len(pages), ROUNDS)
        expect(checks, f"curl {version}", pages)


def python(checks, scratch):
    """Python's ssl, sessions handed on by the program"""
    made = two_frontends(scratch)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=str(made.certificate[0]))
        context.minimum_version = context.maximum_version = version
        context.options |= ssl.OP_NO_TICKET if version == ssl.TLSVersion.TLSv1_2 else 0
        pages, reused, session = [], [], None
        for i in range(ROUNDS):
            with socket.create_connection(("127.0.0.1", made.frontends[i % 2].port), timeout=20) as plain, \
                    context.wrap_socket(plain, server_hostname="localhost", session=session) as peer:
                peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
                text = b""
                while part := peer.recv(4096):
                    text += part
                pages.append(PAGE.search(text.decode()).groups())
                reused.append(peer.session_reused)
                session = peer.session
        expect(checks, f"Python {version.name}", pages)
        checks.equal(f"Python {version.name}: it says so itself", reused, [False] + [True] * (ROUNDS - 1))


def threads_in_c(checks, scratch):
    """the C example, a thread per connection that waits inside SSL_accept"""
    made = cluster.Cluster(scratch, extra_config=PATIENT)
    for name in ("a", "b"):
        made.frontends.append(cluster.CFrontend(made, name))
    made.warm_up()
    for version, options in (("TLSv1.2", ("-tls1_2", "-no_ticket")), ("TLSv1.3", ("-tls1_3",))):
        pages = [s_client(scratch, made.frontends[i % 2], *options, store=version)[0] for i in range(ROUNDS)]
        expect(checks, f"C frontend, s_client {version}", pages)


def without_cache(checks, scratch):
    """control: the same frontends without the library never resume each other's sessions"""
    made = cluster.Cluster(scratch)
    for _ in range(2):
        made.frontend(config=False)
    for version in ("-tls1_2", "-tls1_3"):
        pages = [s_client(scratch, made.frontends[i % 2], version, store=version)[0] for i in range(ROUNDS)]
        checks.equal(f"control, s_client {version}: nothing resumed", {p[2] for p in pages}, {"no"})


if __name__ == "__main__":
    sys.exit(harness.Checks().run(openssl_client, hello_retry, curl, python, threads_in_c, without_cache))
