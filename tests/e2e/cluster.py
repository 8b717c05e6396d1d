"""A cluster of real parts for one test: certificates, keys, daemon, frontends."""
import json
import os
import pathlib

import harness

BINDIR = harness.bindir()
HERE = pathlib.Path(__file__).resolve().parent


def program(name):
    return BINDIR / name


def make_ca(scratch, name="ca"):
    return make_certificate(scratch, name, [name], ca=True)


def make_certificate(scratch, name, dns_names, issuer=None, ca=False):
    """Returns (certificate, key); self-signed without an issuer (certificate, key)."""
    key, certificate = scratch.file(f"{name}.key"), scratch.file(f"{name}.pem")
    request = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-subj", f"/CN={dns_names[0]}", "-keyout", key]
    extensions = ["subjectAltName=" + ",".join(f"DNS:{dns}" for dns in dns_names)]
    if ca:
        extensions.append("basicConstraints=critical,CA:TRUE")
    if issuer is None:
        words = [word for extension in extensions for word in ("-addext", extension)]
        code, text = harness.run(*request, "-x509", "-days", "2", "-out", certificate, *words)
    else:
        signing = scratch.file(f"{name}.csr")
        code, text = harness.run(*request, "-out", signing)
        if code == 0:
            listed = scratch.write(f"{name}.ext", "\n".join(extensions))
            code, text = harness.run("openssl", "x509", "-req", "-in", signing, "-CA", issuer[0], "-CAkey",
                                     issuer[1], "-CAcreateserial", "-days", "2", "-extfile", listed,
                                     "-out", certificate)
    if code != 0:
        raise RuntimeError(text)
    return certificate, key


class Daemon:
    """tlscached on a Unix socket, and on a TCP port of the kernel's choice if asked for."""

    def __init__(self, scratch, name="node", tcp=False, options=()):
        self.scratch = scratch
        self.name = name
        self.socket = scratch.file(f"{name}.sock")
        self.listens = scratch.file(f"{name}.listens")
        self.options = options
        self.port_options = ("-p", "-1", "-l", "127.0.0.1") if tcp else ("-p", "0")
        self.process = None
        self.start()

    def start(self):
        self.listens.unlink(missing_ok=True)
        self.process = self.scratch.start(self.name, program("tlscached"), *self.port_options, "-s", self.socket,
                                          "--port-file", self.listens, *self.options)
        self.process.wait_until(self.listens.exists, what="listening")
        for line in self.listens.read_text().split():
            if line.rpartition(":")[2].isdigit():
                # The next start takes the same port: its clients know this one.
                self.port_options = ("-p", line.rpartition(":")[2], "-l", "127.0.0.1")

    @property
    def address(self):
        return f"unix:{self.socket}"

    @property
    def port(self):
        return int(self.port_options[1])

    def ctl(self, *words, seconds=30):
        return harness.run(program("tlscachectl"), "--server", self.address, *words, seconds=seconds)

    def statistics(self):
        code, text = self.ctl("--json", "stats")
        if code != 0:
            raise RuntimeError(text)
        return json.loads(text)


class Cluster:
    """Keys, one certificate, a ring of daemons, and frontends that share their sessions."""

    def __init__(self, scratch, daemons=1, extra_config="", dns_names=("localhost",)):
        self.scratch = scratch
        self.certificate = make_certificate(scratch, "frontend", list(dns_names))
        code, text = harness.run(program("tlscachectl"), "keygen", "--cluster", scratch.file("cluster.key"),
                                 "--node", scratch.file("node.key"))
        if code != 0:
            raise RuntimeError(text)
        self.daemons = [Daemon(scratch, f"node{i}") for i in range(daemons)]
        ring = scratch.write("ring", "".join(f"{d.name} {d.address}\n" for d in self.daemons))
        self.config = scratch.write("client.toml", f'namespace = "e2e"\nring = "{ring}"\n'
                                    f'key_file = "{scratch.file("cluster.key")}"\n{extra_config}')
        self.frontends = []

    def frontend(self, *options, name=None, config=True, env=None):
        frontend = Frontend(self, name or "abcdefgh"[len(self.frontends)], options, config, env)
        self.frontends.append(frontend)
        return frontend

    def warm_up(self, *options):
        """A frontend connects to the nodes at its first handshake: one each, that offers nothing."""
        harness.run(program("tls_probe"), *self.addresses(), "--tls", "1.3", "--no-offer", "--count",
                    len(self.frontends), *options)
        for daemon in self.daemons:
            daemon.process.wait_until(
                lambda node=daemon: node.statistics()["curr_connections"] > len(self.frontends),
                what="connections of all frontends")

    def addresses(self):
        return [frontend.address for frontend in self.frontends]

    def probe(self, *options, seconds=120):
        """tls_probe over all frontends; its exit code and what it counted, by version."""
        code, text = harness.run(program("tls_probe"), *self.addresses(), "--json", *options, seconds=seconds)
        try:
            return code, json.loads(text[text.index("{"):])
        except ValueError:
            raise RuntimeError(f"tls_probe ended with {code}: {text}") from None


class Frontend:
    """tls_frontend, listening."""

    def __init__(self, cluster, name, options, config, env):
        port_file = cluster.scratch.file(f"{name}.port")
        self.name = name
        self.process = cluster.scratch.start(name, *self.command(cluster, name, port_file, options, config),
                                             env={"TLSCACHE_CONFIG": os.devnull, **(env or {})})
        self.process.wait_until(port_file.exists, what="listening")
        self.port = int(port_file.read_text())

    def command(self, cluster, name, port_file, options, config):
        chain, key = cluster.certificate
        how = ("--config", cluster.config) if config else ("--no-cache",)
        return (program("tls_frontend"), "--name", name, "--cert", chain, "--key", key, "--port-file", port_file,
                *how, *options)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


class CFrontend(Frontend):
    """threads_frontend, the example in C."""

    def __init__(self, cluster, name):
        super().__init__(cluster, name, (), True, None)

    def command(self, cluster, name, port_file, options, config):
        return (program("threads_frontend"), *cluster.certificate, cluster.config, port_file, name)
