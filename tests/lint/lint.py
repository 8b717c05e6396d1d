#!/usr/bin/env python3
"""Holds the tree against the rules of this folder. First every rule is shown to fail where it has
to (fixtures.py), then the tracked files are looked at. Last line: "N passed, N failed"; a case is a
fixture, or one rule over the tree.

usage: lint.py [--list-includes]   the second prints the table of includes
"""
import pathlib
import subprocess
import sys

import fixtures
import include_table
import rules

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tracked_tree():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    tree = {}
    for name in names.decode().split("\0"):
        if name and (ROOT / name).is_file():
            tree[name] = (ROOT / name).read_text(errors="replace")
    return tree


def check_fixtures():
    """The number of fixtures that hold, and of those that do not."""
    wrong = 0
    for rule, shows, files, expected in fixtures.CASES:
        findings = list(rules.ALL[rule](files))
        if len(findings) != expected:
            wrong += 1
            print(f"fixture of {rule}, '{shows}': {len(findings)} findings, not {expected}: {findings}")
    unproven = set(rules.ALL) - {rule for rule, _, _, expected in fixtures.CASES if expected > 0}
    for rule in sorted(unproven):
        wrong += 1
        print(f"no fixture shows that the rule {rule} can fail")
    return len(fixtures.CASES) - wrong, wrong


def main():
    if "--list-includes" in sys.argv[1:]:
        for owner, allowed in include_table.PROJECT.items():
            print(f"{owner}: {', '.join(allowed) or 'nothing but itself'}")
        return 0
    passed, failed = check_fixtures()
    tree = tracked_tree()
    for name, rule in rules.ALL.items():
        findings = list(rule(tree))
        print(f"{name}: {len(findings)} findings in {len(tree)} files")
        for finding in findings:
            print(f"  {finding}")
        passed, failed = (passed, failed + 1) if findings else (passed + 1, failed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
