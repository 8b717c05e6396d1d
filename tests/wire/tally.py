"""Counts what passed and what failed, and says so on the last line."""


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, title, *details):
        """`details`: (name, value) pairs, shown if it is not good."""
        if good:
            self.passed += 1
            return
        self.failed += 1
        print("FAILED", title)
        for name, value in details:
            print(f"    {name:10} {shorten(value)}")

    def equal(self, found, expected, title):
        self.check(found == expected, title, ("expected", expected), ("found", found))

    def finish(self):
        """Exit status; a run that checked nothing has failed."""
        if not self.passed and not self.failed:
            self.check(False, "nothing was checked")
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


def shorten(value):
    text = repr(value)
    return text if len(text) < 400 else text[:200] + " ... " + text[-150:]
