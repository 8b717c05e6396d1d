#!/usr/bin/env python3
"""Runs ctest on one label and adds up what the programs counted themselves.

A doctest program says "[doctest] test cases: N | N passed | N failed | N skipped"; others say
"N passed, N failed"; a fuzz target says "N inputs replayed". A program that says none counts as one; one that fails without counting a
failure (a crash, a time-out) adds a failure. Last line: "N passed, N failed".

usage: ctest_counts.py BUILD_DIR LABEL [JOBS]
"""
import re
import subprocess
import sys

DOCTEST = re.compile(r"\[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed$")
REPLAYED = re.compile(r"^(\d+) inputs replayed$")
OUTPUT = re.compile(r"^(\d+): (.*)$")
VERDICT = re.compile(r"^\s*\d+/\d+ Test\s+#(\d+): (\S+) \.*\s*(.*)$")


def summarize(lines):
    """Lines of `ctest -V` to (passed, failed)."""
    counted = {}  # number of the test -> [passed, failed]
    passed = failed = 0
    for line in lines:
        output = OUTPUT.match(line)
        if output:
            counts = DOCTEST.search(output[2]) or PLAIN.match(output[2])
            replayed = REPLAYED.match(output[2])
            if counts or replayed:
                sums = counted.setdefault(output[1], [0, 0])
                sums[0] += int((counts or replayed)[1])
                sums[1] += int(counts[2]) if counts else 0
            continue
        verdict = VERDICT.match(line)
        if not verdict:
            continue
        sums = counted.get(verdict[1])
        good = verdict[3].startswith("Passed")
        if sums is None:
            sums = [1, 0] if good else [0, 1]
        elif not good and sums[1] == 0:
            sums[1] = 1
        elif good and sums == [0, 0]:
            sums[1] = 1  # a program that ran no test case proves nothing
        passed += sums[0]
        failed += sums[1]
    return passed, failed


def main():
    build_dir, label = sys.argv[1:3]
    jobs = sys.argv[3] if len(sys.argv) > 3 else "2"
    command = ["ctest", "--test-dir", build_dir, "-V", "-L", f"^{label}$", "-j", jobs, "--timeout", "900"]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as process:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            print(lines[-1], flush=True)
    passed, failed = summarize(lines)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
