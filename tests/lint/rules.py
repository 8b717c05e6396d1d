"""The rules. Each takes a tree (path -> text) and yields findings "path:line: what is wrong"."""
import posixpath
import re

import include_table

LINES_MAX = 500

SOURCE = (".cpp", ".hpp", ".c", ".h")
CODE = SOURCE + (".py", ".sh", ".txt", ".cmake", ".json", ".toml", ".md", "")

TOP_FILES = {"CMakeLists.txt", "CMakePresets.json", "README.md"}
TOP_FOLDERS = {"cache_server", "client_lib", "plugins", "tests", "bench"}

# Data, not code: a README would become one of the inputs, or the folder is a tool's.
README_EXEMPT = {"fixtures", "corpus", "golden"}

# Written so that this file does not break the rule itself.
OPEN_ENDS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}>~-])/(" + "|".join(["work", "farm", "home", "root", "Users"]) + r")/")

SLEEPS = {
    SOURCE: re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|clock_nanosleep|sleep)\s*\("),
    (".py",): re.compile(r"\b(time|asyncio)\.sleep\b|\bfrom time import .*\bsleep\b"
                         r"|\bselect\(\s*\[\]\s*,\s*\[\]\s*,\s*\[\]"),
    (".sh", ""): re.compile(r"(^|[;&|({]|\bdo\b|\bthen\b|\belse\b)\s*sleep\s+[\"$0-9.]"),
}


def suffix(path):
    return posixpath.splitext(path)[1]


def lines_of(tree, *suffixes):
    for path, text in tree.items():
        if suffix(path) in suffixes:
            for number, line in enumerate(text.split("\n"), 1):
                yield path, number, line


def includes(tree):
    for path, number, line in lines_of(tree, *SOURCE):
        found = include_table.INCLUDE.match(line)
        if not found:
            continue
        check = (include_table.project_violation if include_table.root_of(found[1])
                 else include_table.foreign_violation)
        problem = check(path, found[1])
        if problem:
            yield f"{path}:{number}: {problem}"


def file_length(tree):
    for path, text in tree.items():
        length = text.count("\n")
        if suffix(path) in SOURCE + (".py", ".sh", ".cmake") and length > LINES_MAX:
            yield f"{path}:{LINES_MAX}: {length} lines; split it by job"


def no_sleep(tree):
    for suffixes, pattern in SLEEPS.items():
        for path, number, line in lines_of(tree, *suffixes):
            if path.startswith("tests/") and not path.startswith("tests/lint/") and pattern.search(line):
                yield f"{path}:{number}: a sleep; wait for the condition, with a deadline"


def readme(tree):
    for folder in sorted({posixpath.dirname(path) for path in tree}):
        parts = folder.split("/")
        if README_EXEMPT.intersection(parts) or parts[0].startswith("."):
            continue
        if posixpath.join(folder, "README.md") not in tree:
            yield f"{folder or '.'}:1: no README.md"


def readme_lines(tree):
    """A line per file: the README names each file beside it (its extension may be left out, or a star),
    or the README above does; and what the first column of its tables names is there."""
    stems = {posixpath.splitext(path)[0] for path in tree}
    for path, text in tree.items():
        folder = posixpath.dirname(path)
        if posixpath.basename(path) != "README.md" or not folder:
            continue
        above = tree.get(posixpath.join(posixpath.dirname(folder), "README.md"), "")
        for beside in sorted(tree):
            name = posixpath.basename(beside)
            if posixpath.dirname(beside) != folder or name in ("README.md", "CMakeLists.txt"):
                continue
            said = re.escape(posixpath.splitext(name)[0]) + r"(?:\.\*|" + re.escape(suffix(name)) + ")?"
            if not re.search(rf"[`\[]{said}[`\]]", text) and \
                    not re.search(rf"`{re.escape(posixpath.basename(folder))}/{said}`", above):
                yield f"{path}:1: no line for {name}"
        for number, line in enumerate(text.split("\n"), 1):
            cell = re.match(r"\|([^|]*)\|", line)
            for named in re.findall(r"`([\w./-]+\.(?:cpp|hpp|[ch]|py|sh|txt|md|in|cmake|\*))`", cell[1] if cell else ""):
                here = posixpath.normpath(posixpath.join(folder, named))
                if not {here, named} & tree.keys() and not (named.endswith(".*") and here[:-2] in stems):
                    yield f"{path}:{number}: there is no {named}"


def open_ends(tree):
    for path, number, line in lines_of(tree, *CODE):
        if OPEN_ENDS.search(line):
            yield f"{path}:{number}: left open; build it, or leave it out"


def machine_paths(tree):
    for path, number, line in lines_of(tree, *CODE):
        if MACHINE_PATH.search(line):
            yield f"{path}:{number}: a path of one machine"


def top_level(tree):
    for path in tree:
        head, _, rest = path.partition("/")
        if not head.startswith(".") and head not in (TOP_FOLDERS if rest else TOP_FILES):
            yield f"{path}:1: nothing else belongs at the top level"


def names(text, path):
    return re.search(r"(?<![\w.-])" + re.escape(path) + r"(?![\w-])", text)


def listed_sources(tree):
    """Sources are listed, never globbed: a file that no CMakeLists.txt names is never compiled. It is
    named as seen from the list's folder, or by its path in the tree."""
    lists = {posixpath.dirname(path): text for path, text in tree.items()
             if posixpath.basename(path) == "CMakeLists.txt"}
    for folder, text in lists.items():
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(r"\bfile\s*\(\s*GLOB", line):
                yield f"{posixpath.join(folder, 'CMakeLists.txt')}:{number}: sources are listed, not globbed"
    for path in tree:
        if suffix(path) not in (".cpp", ".c"):
            continue
        if not any(names(text, posixpath.relpath(path, folder or ".")) or names(text, path)
                   for folder, text in lists.items()):
            yield f"{path}:1: no CMakeLists.txt names it"


ALL = {
    "includes": includes,
    "file_length": file_length,
    "no_sleep": no_sleep,
    "readme": readme,
    "readme_lines": readme_lines,
    "open_ends": open_ends,
    "machine_paths": machine_paths,
    "top_level": top_level,
    "listed_sources": listed_sources,
}
