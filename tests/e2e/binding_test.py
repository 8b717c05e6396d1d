#!/usr/bin/env python3
"""A session resumes only where it was made for: name, virtual host, client authentication. Each
refusal has its control, where the same session does resume.

usage: binding_test.py BINDIR
"""
import sys

import cluster
import harness
from clients_test import PATIENT, s_client

VERSIONS = (("TLSv1.2", ("-tls1_2", "-no_ticket")), ("TLSv1.3", ("-tls1_3",)))


def resumed(page):
    return page[2]


def at(scratch, frontend, name, *options, store, offer=True):
    """A connection under a name; -servername given again wins."""
    page, _ = s_client(scratch, frontend, "-servername", name, *options, store=store, offer=offer)
    return page


def names(checks, scratch):
    """a session of a.test is a full handshake at b.test; control: with the binding off it resumes"""
    for binding, options in (("on", ()), ("off", ("--unsafe-no-binding",))):
        with harness.Scratch() as inner:
            made = cluster.Cluster(inner, extra_config=PATIENT, dns_names=("a.test", "b.test"))
            first, second = made.frontend(*options), made.frontend(*options)
            made.warm_up()
            for version, tls in VERSIONS:
                at(inner, first, "a.test", *tls, store=version, offer=False)
                checks.equal(f"binding {binding}, {version}: a.test's session at b.test",
                             resumed(at(inner, second, "b.test", *tls, store=version)),
                             "no" if binding == "on" else "yes")
                at(inner, first, "a.test", *tls, store=version, offer=False)
                checks.equal(f"binding {binding}, {version}: a.test's session at A.TEST",
                             resumed(at(inner, second, "A.TEST", *tls, store=version)), "yes")


def groups(checks, scratch):
    """names of one group share their sessions"""
    config = PATIENT + '[sni_groups]\nshop = ["a.test", "b.test"]\n'
    made = cluster.Cluster(scratch, extra_config=config, dns_names=("a.test", "b.test", "c.test"))
    first, second = made.frontend(), made.frontend()
    made.warm_up()
    for version, tls in VERSIONS:
        for name, expected in (("b.test", "yes"), ("c.test", "no")):
            at(scratch, first, "a.test", *tls, store=version, offer=False)
            checks.equal(f"{version}: a.test's session at {name}",
                         resumed(at(scratch, second, name, *tls, store=version)), expected)


def virtual_hosts(checks, scratch):
    """hosts chosen in the servername callback resume their own sessions and not each other's"""
    made = cluster.Cluster(scratch, extra_config=PATIENT)
    hosts = []
    for name in ("a.test", "b.test"):
        chain, key = cluster.make_certificate(scratch, name, [name])
        hosts += ["--vhost", f"{name}:{chain}:{key}"]
    first, second = made.frontend("--resolver", *hosts), made.frontend("--resolver", *hosts)
    made.warm_up()
    for version, tls in VERSIONS:
        for name in ("a.test", "b.test"):
            pages = [at(scratch, frontend, name, *tls, store=f"{version}-{name}")
                     for frontend in (first, second, first, second)]
            checks.equal(f"{version}: {name} resumes across", [resumed(p) for p in pages],
                         ["no", "yes", "yes", "yes"])
        checks.equal(f"{version}: a.test's session at b.test",
                     resumed(at(scratch, second, "b.test", *tls, store=f"{version}-a.test")), "no")


def learnt_hosts(checks, scratch):
    """without a resolver a host with another policy resumes from its second connection per process on"""
    made = cluster.Cluster(scratch, extra_config=PATIENT)
    chain, key = cluster.make_certificate(scratch, "a.test", ["a.test"])
    first, second = (made.frontend("--vhost", f"a.test:{chain}:{key}") for _ in range(2))
    made.warm_up()
    for frontend in (first, second):
        at(scratch, frontend, "a.test", "-tls1_3", store="learning", offer=False)
    pages = [at(scratch, frontend, "a.test", "-tls1_3", store="learning") for frontend in (first, second, first)]
    checks.equal("resumed once learnt", [resumed(p) for p in pages], ["yes"] * 3)


def client_certificates(checks, scratch):
    """a client that showed its certificate resumes with it; who did not, gets no such session"""
    authority = cluster.make_ca(scratch)
    chain, key = cluster.make_certificate(scratch, "alice", ["alice"], issuer=authority)
    made = cluster.Cluster(scratch, extra_config=PATIENT)
    open_host = made.frontend(name="open")
    first, second = (made.frontend("--ca", authority[0], name=name) for name in ("strict1", "strict2"))
    made.warm_up("--cert", chain, "--key", key)
    show = ("-cert", chain, "-key", key)
    for version, tls in VERSIONS:
        pages = [at(scratch, frontend, "localhost", *tls, *show, store=f"{version}-alice")
                 for frontend in (first, second, first)]
        checks.equal(f"{version}: with a certificate", [resumed(p) for p in pages], ["no", "yes", "yes"])
        checks.check(f"{version}: the resumed connection still knows who it is",
                     all("alice" in page[4] for page in pages), [page[4] for page in pages])
        at(scratch, open_host, "localhost", *tls, store=f"{version}-nobody", offer=False)
        page = at(scratch, first, "localhost", *tls, *show, store=f"{version}-nobody")
        checks.equal(f"{version}: a session made without a certificate at a host that demands one",
                     resumed(page), "no")
        at(scratch, open_host, "localhost", *tls, store=f"{version}-again", offer=False)
        checks.equal(f"{version}: control, the same session at the host that made it",
                     resumed(at(scratch, open_host, "localhost", *tls, store=f"{version}-again")), "yes")


if __name__ == "__main__":
    sys.exit(harness.Checks().run(names, groups, virtual_hosts, learnt_hosts, client_certificates))
