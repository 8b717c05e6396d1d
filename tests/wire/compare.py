"""Says the same to memcached and to tlscached and compares the answers byte for byte.

    compare.py BINDIR        BINDIR holds tlscached; memcached is the system's

Three passes over transcript.py (each step in one piece, byte by byte, all steps of a case at once),
then the written list of differences in client_lib/wire/PROTOCOL.md, where both must answer as it
stands there. Ends with "N passed, N failed"; exit status 1 if any failed.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import servers  # noqa: E402
import transcript  # noqa: E402
from tally import Tally  # noqa: E402

# Nothing else answers like it, so it tells where the answer to a step ends.
SENTINEL = b"mg the-end-of-a-step k\r\n"
SENTINEL_REPLY = b"EN kthe-end-of-a-step\r\n"
WAIT_SECONDS = 10
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../client_lib/wire/PROTOCOL.md")


class Peer:
    """One connection to one server, and the CAS values that it told."""

    def __init__(self, address):
        self.address = address
        self.connect()

    def connect(self):
        self.sock = servers.connect(self.address)
        self.sock.settimeout(WAIT_SECONDS)
        self.closed = False
        self.cas = [b"0", b"0"]

    def say(self, step, bytewise=False):
        """The answer to `step`, up to the sentinel behind it or the end of the connection."""
        if self.closed:
            self.connect()
        step = step.replace(b"$CAS", self.cas[0]).replace(b"$OLD", self.cas[1])
        step = step.replace(b"$SOON", b"%d" % (time.time() + 100))
        try:
            self.send(step + SENTINEL, bytewise)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused in the middle: what was answered is read below
        answer = self.listen()
        for told in re.findall(rb"^VALUE \S+ \d+ \d+ (\d+)\r\n| c(\d+)", answer, re.M):
            self.cas = [told[0] or told[1], self.cas[0]]
        return answer

    def send(self, data, bytewise):
        if not bytewise:
            self.sock.sendall(data)
            return
        for i in range(len(data)):
            self.sock.sendall(data[i:i + 1])

    def listen(self):
        answer = b""
        while not answer.endswith(SENTINEL_REPLY):
            try:
                piece = self.sock.recv(65536)
            except ConnectionResetError:
                piece = b""
            except TimeoutError:
                return answer + b"<no end>"
            if not piece:
                self.closed = True
                self.sock.close()
                return answer + b"<closed>"
            answer += piece
        return answer[:-len(SENTINEL_REPLY)]


def normal(answer):
    """Without what two servers can't have in common: CAS values, sizes of items, and a second."""
    answer = re.sub(rb"^(VALUE \S+ \d+ \d+) \d+\r\n", rb"\1 CAS\r\n", answer, flags=re.M)
    answer = re.sub(rb"^((?:VA|HD|EX|NF|NS)\b[^\r]*) c([1-9]\d*)", rb"\1 cCAS", answer, flags=re.M)
    answer = re.sub(rb" la=\d+ cas=\d+ ", b" la=N cas=N ", answer)
    return re.sub(rb" cls=\d+ size=\d+", b" cls=N size=N", answer)


def same(theirs, ours):
    """Equal; a time to live may differ by the second that passed."""
    theirs, ours = normal(theirs), normal(ours)
    if theirs == ours:
        return True
    ttl = rb"((?:^| )(?:t|exp=-))(\d+)"
    if re.sub(ttl, rb"\1N", theirs) != re.sub(ttl, rb"\1N", ours):
        return False
    pairs = zip(re.findall(ttl, theirs), re.findall(ttl, ours))
    return all(abs(int(mine[1]) - int(other[1])) <= 1 for other, mine in pairs)


def compare_cases(tally, addresses, how, steps_of, bytewise=False, leave_out=()):
    for title, steps in transcript.CASES:
        if title in leave_out:
            continue
        theirs, ours = (Peer(address) for address in addresses)
        # Each pass finds the keys of the one before gone.
        for peer in (theirs, ours):
            peer.say(b"flush_all\r\n")
        for step in steps_of(steps):
            said, answered = theirs.say(step, bytewise), ours.say(step, bytewise)
            tally.check(same(said, answered), f"{title} ({how})", ("sent", step), ("memcached", said), ("tlscached", answered))


def needs_told_cas(steps):
    return any(b"$CAS" in step or b"$OLD" in step for step in steps)


def unescape(text):
    text = re.sub(r"\\\{(\d+)(.)\}", lambda match: match[2] * int(match[1]), text)
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def deviations():
    """The blocks of PROTOCOL.md: (name, [(mark, bytes)])."""
    blocks, lines = [], None
    with open(PAGE, encoding="utf-8") as page:
        for line in page.read().split("\n"):
            if line.startswith("```"):
                name = re.match(r"```deviation (\S+)", line)
                lines = [] if name else None
                if name:
                    blocks.append((name[1], lines))
            elif lines is not None and line and not line.startswith("# "):
                lines.append((line[0], unescape(line[2:])))
    return blocks


def check_deviations(tally, addresses):
    for name, lines in deviations():
        sent = b"".join(text for mark, text in lines if mark == ">")
        # `m` is what memcached answers, `t` what we do; T says that we end the connection.
        for who, address, mark in (("memcached", addresses[0], "m"), ("tlscached", addresses[1], "t")):
            if who == "memcached" and not any(line_mark == mark for line_mark, _ in lines):
                continue
            peer = Peer(address)
            if not sent.startswith((b"*", b"\x16", b"\x80")):  # those count on a fresh connection only
                peer.say(b"flush_all\r\n")
            expected = b"".join(text for line_mark, text in lines if line_mark == mark)
            if any(line_mark == "T" == mark.upper() for line_mark, _ in lines):
                expected += b"<closed>"
            answer = peer.say(sent)
            tally.check(normal(answer) == normal(expected), f"listed difference {name}: {who}", ("sent", sent), ("expected", expected), ("answered", answer))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: compare.py BINDIR")
    tally = Tally()
    with servers.memcached() as theirs, servers.tlscached(sys.argv[1]) as ours:
        addresses = (theirs, ours)
        compare_cases(tally, addresses, "one piece", lambda steps: steps)
        compare_cases(tally, addresses, "byte by byte", lambda steps: [s for s in steps if len(s) < 1000], bytewise=True)
        compare_cases(tally, addresses, "all at once", lambda steps: steps if needs_told_cas(steps) else [b"".join(steps)],
                      leave_out=transcript.ONE_BY_ONE)
        check_deviations(tally, addresses)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
