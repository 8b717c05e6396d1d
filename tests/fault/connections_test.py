#!/usr/bin/env python3
"""Running out of connections and of descriptors. usage: connections_test.py BINDIR"""
import resource
import sys

from daemon import TURNED_AWAY, Daemon, answers_version, harness, watch_for


def exactly_c_connections_are_served(t, scratch):
    """-c 30, 40 clients"""
    daemon = Daemon(scratch, "-c", "30")
    clients = [daemon.client() for _ in range(40)]
    served = [one for one in clients[:30] if answers_version(one)]
    t.equal("the first 30 of 40 are served", len(served), 30)
    endings = [one.read_all() for one in clients[30:]]
    t.equal("the other 10 read the reason and the end", endings.count(TURNED_AWAY), 10)
    rows = clients[0].statistics()
    t.equal("curr_connections agrees", rows["curr_connections"], "30")
    t.equal("rejected_connections agrees", rows["rejected_connections"], "10")
    t.equal("max_connections agrees", rows["max_connections"], "30")
    for one in clients[:5]:
        one.close()
    daemon.wait_until(lambda: clients[6].statistics()["curr_connections"] == "25", what="5 gone")
    again = [daemon.client() for _ in range(6)]
    t.equal("5 closed, 5 new ones are served", [answers_version(one) for one in again[:5]], [True] * 5)
    t.equal("the sixth is not", again[5].read_all(), TURNED_AWAY)


def the_reason_arrives_although_the_client_wrote_first(t, scratch):
    daemon = Daemon(scratch, "-c", "1")
    first = daemon.client()
    t.check("one is served", answers_version(first))
    late = []
    for _ in range(20):
        one = daemon.client()
        one.send(b"get a\r\n")
        late.append(one.read_all())
    t.equal("20 others that wrote at once read the reason", late.count(TURNED_AWAY), 20)


def a_low_descriptor_limit_lowers_c_and_says_so(t, scratch):
    """ulimit -n 64, -c 1024"""
    daemon = Daemon(scratch, "-c", "1024", wrap=("bash", "-c", 'ulimit -n 64; exec "$0" "$@"'))
    most = int(daemon.statistics()["max_connections"])
    t.check("conn-limit is lowered", 0 < most < 64, most)
    t.check("the log says so", f"conn-limit is lowered to {most}" in daemon.log(), daemon.log())
    daemon.wait_until(lambda: daemon.statistics()["curr_connections"] == "1", what="quiet")
    daemon.wait_until(lambda: daemon.descriptors() < 64 - most, what="descriptors back")
    clients = [daemon.client() for _ in range(most + 5)]
    t.equal("that many are served", sum(answers_version(one) for one in clients[:most]), most)
    told = [one.read_all() for one in clients[most:]]
    t.equal("the rest is told", told.count(TURNED_AWAY), 5)


def a_low_memory_limit_lowers_c_and_says_so(t, scratch):
    daemon = Daemon(scratch, "-m", "8", "-c", "2000")
    most = int(daemon.statistics()["max_connections"])
    t.check("conn-limit is lowered", 1000 < most < 2000, most)
    t.check("the log says so", f"memory-limit is enough for {most} connections" in daemon.log(), daemon.log())


def peers_that_do_not_read_keep_nobody_out(t, scratch):
    """300 peers that ask for 8 MB each and take nothing"""
    daemon = Daemon(scratch, "-m", "8")
    watcher = daemon.client()
    watcher.set("big", b"x" * 16000, 0)
    peers = [daemon.client() for _ in range(300)]
    for one in peers:
        one.send(b"get big\r\n" * 500)
    daemon.wait_until(lambda: int(watcher.statistics()["tls_refused_unsent"]) > 0, what="no memory left")
    late = [daemon.client() for _ in range(50)]
    t.equal("50 that come late are served", sum(answers_version(one) for one in late), 50)
    t.equal("none was refused", watcher.statistics()["tls_refused_connections"], "0")
    for one in peers:
        one.close()


def a_soft_descriptor_limit_is_raised(t, scratch):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1200:
        t.check("the hard limit leaves room to test this", False, hard)
        return
    daemon = Daemon(scratch, "-c", "1024", wrap=("bash", "-c", 'ulimit -Sn 64; exec "$0" "$@"'))
    t.equal("conn-limit is kept", daemon.statistics()["max_connections"], "1024")


def exhausted_descriptors_neither_spin_nor_stay(t, scratch):
    """descriptors really exhausted, ten times over"""
    daemon = Daemon(scratch, "-c", "1000")
    held = [daemon.client() for _ in range(10)]
    t.check("ten are served", all(answers_version(one) for one in held))
    watcher = held[0]
    worst = 0.0
    for n in range(10):
        daemon.limit_descriptors(daemon.descriptors())  # not one more can be opened
        before, cpu = watcher.statistics(), daemon.cpu_seconds()
        more = [daemon.client() for _ in range(5)]
        told = [one.read_all() for one in more]
        seconds = 1.0 if n == 0 else 0.2
        waiting = []
        watch_for(seconds, lambda: waiting or waiting.append(daemon.client()))
        worst = max(worst, (daemon.cpu_seconds() - cpu - 0.01) / seconds)
        after = watcher.statistics()
        t.equal("those above read the reason", told.count(TURNED_AWAY), 5)
        t.check("held connections are served", all(answers_version(one) for one in held))
        t.check("accepting paused, counted",
                int(after["listen_disabled_num"]) > int(before["listen_disabled_num"]))
        for one in held[5:]:
            one.close()
        held = held[:5]

        def accepted():
            one = daemon.client()
            if answers_version(one):
                held.append(one)
                return True
            one.close()
            return False

        for _ in range(5):
            daemon.wait_until(accepted, seconds=1, what="new connections within a second")
        for one in more + waiting:
            one.close()
        daemon.limit_descriptors(1024)
    t.check("processor time below 5 % while exhausted", worst < 0.05, f"{worst:.3f}")
    t.check("accepting again", daemon.wait_until(
        lambda: watcher.statistics()["accepting_conns"] == "1", seconds=2, what="accepting"))


if __name__ == "__main__":
    sys.exit(harness.Checks().run(
        exactly_c_connections_are_served,
        the_reason_arrives_although_the_client_wrote_first,
        a_low_descriptor_limit_lowers_c_and_says_so,
        a_low_memory_limit_lowers_c_and_says_so,
        peers_that_do_not_read_keep_nobody_out,
        a_soft_descriptor_limit_is_raised,
        exhausted_descriptors_neither_spin_nor_stay,
    ))
