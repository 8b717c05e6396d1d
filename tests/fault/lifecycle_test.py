#!/usr/bin/env python3
"""Start, settings that change, and the end. usage: lifecycle_test.py BINDIR"""
import os
import pwd
import signal
import socket
import stat
import sys
import threading
import time

from daemon import Daemon, answers_version, harness


def end_under_load_loses_no_answer(t, scratch):
    """SIGTERM with 20 busy connections"""
    daemon = Daemon(scratch)
    torn, answered, go_on = [], [0] * 20, threading.Event()

    def load(n):
        one = daemon.client()
        request = b"".join(b"set t%d.%d 0 60 200\r\n%s\r\n" % (n, m, b"t" * 200) for m in range(30))
        try:
            while not go_on.is_set():
                one.send(request)
                one.read_exactly(30 * len(b"STORED\r\n"))
                answered[n] += 30
        except EOFError as error:
            if "b''" not in str(error):
                torn.append(str(error))
        except OSError:
            pass  # the connection ended between two batches
    threads = [threading.Thread(target=load, args=(n,), daemon=True) for n in range(20)]
    for one in threads:
        one.start()
    daemon.wait_until(lambda: min(answered) > 100, what="load")
    idle, unread = daemon.client(), daemon.client()
    unread.send(b"set last 0 0 4\r\nlast\r\nget last\r\n")
    t.check("an idle peer is there too", answers_version(idle))
    begin = time.monotonic()
    daemon.process.signal(signal.SIGTERM)
    code = daemon.process.wait(5)
    seconds = time.monotonic() - begin
    t.equal("exit code", code, 0)
    t.check("ended within two seconds", seconds < 2, f"{seconds:.2f}")
    for one in threads:
        one.join(5)
    t.equal("no batch was answered in part", torn, [])
    t.equal("what was received before is answered, then the end", unread.read_all(),
            b"STORED\r\nVALUE last 0 4\r\nlast\r\nEND\r\n")
    t.equal("the idle peer sees the end", idle.read_all(), b"")
    t.check("socket and port file are gone",
            not os.path.exists(daemon.socket_path) and not daemon.ports.exists())


def end_does_not_wait_for_a_peer_that_does_not_read(t, scratch):
    daemon = Daemon(scratch)
    slow = daemon.client()
    slow.set("k", b"v" * 16000)
    slow.send(b"get k\r\n" * 1500)
    daemon.wait_until(lambda: int(daemon.statistics()["tls_paused_peers"]) > 0, what="a pause")
    begin = time.monotonic()
    daemon.process.signal(signal.SIGINT)
    t.equal("exit code", daemon.process.wait(5), 0)
    t.check("ended within two seconds", time.monotonic() - begin < 2, f"{time.monotonic() - begin:.2f}")


def shutdown_ends_it_only_with_A(t, scratch):
    daemon = Daemon(scratch, name="without")
    one = daemon.client()
    t.check("refused without -A", one.ask(b"shutdown\r\n").startswith(b"ERROR"))
    t.check("and it lives", answers_version(one))
    for command in (b"shutdown\r\n", b"shutdown graceful\r\n"):
        daemon = Daemon(scratch, "-A", name=f"with{len(command)}")
        daemon.client().send(command)
        t.equal(f"{command} ends it", daemon.process.wait(3), 0)


def hangup_reads_the_file_again(t, scratch):
    """SIGHUP"""
    config = scratch.write("c.toml", "conn-limit = 10\nthreads = 2\nstall-timeout = 7\n")
    daemon = Daemon(scratch, "--config", config, "-m", "32")
    rows = daemon.unix_client().statistics("settings")
    t.equal("the file counts", (rows["maxconns"], rows["num_threads"], rows["stall_timeout"]), ("10", "2", "7"))

    def reload(text, expected):
        config.write_text(text)
        daemon.process.signal(signal.SIGHUP)
        daemon.wait_until(lambda: expected in daemon.log(), what=expected)
        return daemon.unix_client().statistics("settings")
    rows = reload("conn-limit = 20\nthreads = 3\nidle-timeout = 60\nverbose = 1\nmemory-limit = 99\n",
                  "needs a restart: threads")
    t.equal("limits changed", (rows["maxconns"], rows["idle_timeout"], rows["stall_timeout"], rows["verbosity"]),
            ("20", "60", "10", "1"))
    t.equal("threads did not", rows["num_threads"], "2")
    t.check("the command line still wins", "memory-limit" not in daemon.log())
    rows = reload("conn-limit = 5\nconn-limitt = 5\n", "nothing changed: ")
    t.equal("a file with a mistake changes nothing", rows["maxconns"], "20")
    t.check("and is told with its line", "c.toml:2: key 'conn-limitt'" in daemon.log(), daemon.log())


def all_kinds_of_sockets_serve(t, scratch):
    daemon = Daemon(scratch, "-l", "[::1]:0", "-a", "0770")
    t.equal("three listeners told", sorted(line[0] for line in daemon.lines), ["tcp", "tcp", "unix"])
    for address in daemon.addresses:
        t.check(f"{address[0]} serves", answers_version(daemon.client(address)))
    t.check("the Unix socket serves", answers_version(daemon.unix_client()))
    t.equal("its access mask", oct(stat.S_IMODE(os.stat(daemon.socket_path).st_mode)), "0o770")
    conns = daemon.client().statistics("conns")
    t.check("stats conns shows the peer", any(value.startswith("tcp:127.0.0.1:") for value in conns.values()), conns)
    only = Daemon(scratch, "-p", "0", listen=None, name="only")
    t.equal("-p 0 leaves the Unix socket", [line[0] for line in only.lines], ["unix"])
    t.check("which serves", answers_version(only.unix_client()))
    free = Daemon(scratch, "-p", "-1", listen=None, name="free")
    t.equal("-p -1 listens on both loopback addresses", sorted(a for a, _ in free.addresses),
            ["127.0.0.1", "::1"] if has_ipv6() else ["127.0.0.1"])
    t.check("all serve", all(answers_version(free.client(a)) for a in free.addresses))


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def a_stale_socket_file_is_replaced_a_live_one_is_not(t, scratch):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(scratch.file("tlscached.sock")))
    stale.close()
    daemon = Daemon(scratch)
    t.check("a stale one is replaced", answers_version(daemon.unix_client()))
    program = harness.bindir() / "tlscached"
    code, text = harness.run(program, "-p", "0", "-s", daemon.socket_path)
    t.equal("a live one is refused, exit code 1", code, 1)
    t.check("in one line", text.strip().endswith("another process listens there") and
            len(text.strip().splitlines()) == 1, text)
    t.check("the first goes on", answers_version(daemon.unix_client()))
    plain = scratch.write("plain", "not a socket")
    code, text = harness.run(program, "-p", "0", "-s", plain)
    t.equal("another file is refused", (code, plain.read_text()), (1, "not a socket"))
    host, port = daemon.addresses[0]
    code, text = harness.run(program, "-l", f"{host}:{port}")
    t.equal("an address in use: exit code 1", code, 1)
    t.check("told in one line", "Address already in use" in text and len(text.splitlines()) == 1, text)
    code, text = harness.run(program, "-p", "0")
    t.equal("nothing to listen on: exit code 2", code, 2)


def mistakes_are_told_in_one_line(t, scratch):
    program = harness.bindir() / "tlscached"
    config = scratch.write("bad.toml", "threads = 2\nport = 'x'\n")
    for words, part in ((("-t", "0"), "option -t/--threads: '0'"), (("--nothing",), "--nothing"),
                        (("-U", "11211"), "only 0 (off)"), (("--config", config), "bad.toml:2: key 'port'"),
                        (("-l", "0.0.0.0"), "--insecure-plaintext")):
        code, text = harness.run(program, *words)
        t.check(f"{words[0]}: exit code 2, one line", code == 2 and text.count("\n") == 1 and part in text,
                f"{code} {text}")
    code, text = harness.run(program, "-h")
    t.check("-h: exit code 0, names the danger", code == 0 and "DANGER" in text)
    code, text = harness.run(program, "-V")
    t.check("-V: exit code 0", code == 0 and text.startswith("tlscached "), text)


def the_background_and_the_other_user(t, scratch):
    """-d, -P, -u"""
    pid_file, ports = scratch.file("pid"), scratch.file("ports")
    scratch.path.chmod(0o777)  # the other user writes and removes its files there
    command = [harness.bindir() / "tlscached", "-d", "-P", pid_file, "--port-file", ports, "-l", "127.0.0.1:0"]
    root = os.geteuid() == 0
    code, text = harness.run(*command, *(["-u", "nobody"] if root else []))
    t.equal("the parent ends well", code, 0)
    t.check("the daemon listens by then", pid_file.exists() and ports.exists(), text)
    pid = int(pid_file.read_text())
    try:
        status = dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines())
        if root:
            t.equal("runs as the user", status["Uid"].split()[0], str(pwd.getpwnam("nobody").pw_uid))
            t.equal("without capabilities", status["CapEff"], "0" * 16)
        t.equal("a session of its own", os.getsid(pid), pid)
        limits = open(f"/proc/{pid}/limits").read()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        t.equal("no core dumps", core.split()[4:6], ["0", "0"])
        t.equal("not dumpable: its files belong to root", os.stat(f"/proc/{pid}/mem").st_uid, 0)
    finally:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while os.path.exists(f"/proc/{pid}/exe") and time.monotonic() < deadline:
            os.sched_yield()
    t.check("it ended", time.monotonic() < deadline)
    t.check("its files are gone", not pid_file.exists() and not ports.exists())


def closed_standard_streams_are_not_taken_by_sockets(t, scratch):
    daemon = Daemon(scratch, "-vv", wrap=("bash", "-c", 'exec "$0" "$@" <&- >&- 2>&-'))
    t.check("it serves", answers_version(daemon.client()))
    streams = [os.readlink(f"/proc/{daemon.pid}/fd/{n}") for n in range(3)]
    t.equal("standard streams lead nowhere", streams, ["/dev/null"] * 3)


if __name__ == "__main__":
    sys.exit(harness.Checks().run(
        end_under_load_loses_no_answer,
        end_does_not_wait_for_a_peer_that_does_not_read,
        shutdown_ends_it_only_with_A,
        hangup_reads_the_file_again,
        all_kinds_of_sockets_serve,
        a_stale_socket_file_is_replaced_a_live_one_is_not,
        mistakes_are_told_in_one_line,
        the_background_and_the_other_user,
        closed_standard_streams_are_not_taken_by_sockets,
    ))
