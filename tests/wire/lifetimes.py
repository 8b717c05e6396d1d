"""By the clock of the machine, a life of a second is a second at least, two at most: lifetimes.py BINDIR

Entries are stored at 100 random phases of the second, in four ways, while all of them are asked for
again and again; so each has a moment at which it was last seen and one at which it was first missed.
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import servers  # noqa: E402
from tally import Tally  # noqa: E402

PHASES = 100
SPREAD_SECONDS = 1.5
EARLY, LATE = 1.0, 2.0
GIVE_UP_SECONDS = 20

WAYS = {
    "set": lambda key: [b"set %s 0 1 1\r\nx\r\n" % key],
    "touch": lambda key: [b"set %s 0 0 1\r\nx\r\n" % key, b"touch %s 1\r\n" % key],
    "ms": lambda key: [b"ms %s 1 T1\r\nx\r\n" % key],
    "gat": lambda key: [b"set %s 0 0 1\r\nx\r\n" % key, b"gat 1 %s\r\n" % key],
}


class Connection:
    def __init__(self, address):
        self.sock = servers.connect(address)
        self.sock.settimeout(5)

    def ask(self, request):
        self.sock.sendall(request + b"mn\r\n")
        answer = b""
        while not answer.endswith(b"MN\r\n"):
            answer += self.sock.recv(1 << 20)
        return answer


def main():
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    tally = Tally()
    plan = sorted((rng.random() * SPREAD_SECONDS, way, b"%s%d" % (way.encode(), i)) for i in range(PHASES) for way in WAYS)
    stored, gone = {}, {}
    with servers.tlscached(sys.argv[1]) as address:
        connection = Connection(address)
        begin = time.monotonic()
        while (plan or len(gone) < len(stored)) and time.monotonic() - begin < GIVE_UP_SECONDS:
            while plan and time.monotonic() - begin >= plan[0][0]:
                _, way, key = plan.pop(0)
                for request in WAYS[way](key):
                    before = time.monotonic()
                    connection.ask(request)
                # What lives a second from then on was asked for between these two moments.
                stored[key] = (before, time.monotonic())
                if way in ("set", "ms"):
                    shown = connection.ask(b"mg %s t\r\n" % key)
                    tally.equal(shown, b"HD t1\r\nMN\r\n", f"{way}: t says what was asked")
            alive = [key for key in stored if key not in gone]
            asked = time.monotonic()
            answer = connection.ask(b"get " + b" ".join(alive) + b"\r\n") if alive else b""
            answered = time.monotonic()
            for key in alive:
                if b"VALUE %s " % key not in answer:
                    gone[key] = (asked, answered)
    tally.equal(len(gone), PHASES * len(WAYS), "all are gone in the end")
    for key, (asked, answered) in gone.items():
        first, last = stored[key]
        tally.check(answered - first >= EARLY, f"{key.decode()} did not end early", ("lived at most", answered - first))
        # A pause of this program between two rounds is not the server's.
        tally.check(asked - last <= LATE or answered - asked > 0.2, f"{key.decode()} ended in time", ("lived at least", asked - last))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
