"""Values that can be recognised in the memory of another process, and the search for them.

A value is 160 bytes of ten chunks. Each chunk is 16 bytes: a random mark of 8 bytes, chosen anew
for every run, then the number of the value and of the chunk; so one surviving chunk tells which
value was left behind. The mark is never part of a key.
"""
import os
import re
import struct

CHUNKS = 10
CHUNK_BYTES = 16
VALUE_BYTES = CHUNKS * CHUNK_BYTES


class Marker:
    def __init__(self):
        self.mark = os.urandom(8)

    def value(self, number):
        return b"".join(self.mark + struct.pack("<II", number, chunk) for chunk in range(CHUNKS))

    def places_in(self, pid):
        """Number of a value -> where its chunks are readable in the process: (mapping, address, chunk)."""
        found = {}
        for name, begin, memory in readable_memory(pid):
            for hit in re.finditer(re.escape(self.mark), memory):
                tail = memory[hit.end():hit.end() + 8]
                if len(tail) == 8:
                    number, chunk = struct.unpack("<II", tail)
                    if chunk < CHUNKS:
                        found.setdefault(number, []).append((name, begin + hit.start(), chunk))
        return found


def readable_memory(pid):
    """Readable memory as (name of the mapping, address, bytes); needs the right to trace."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            fields = line.split(maxsplit=5)
            name = fields[5].strip() if len(fields) > 5 else f"anonymous {fields[0]}"
            if "r" in fields[1] and name not in ("[vvar]", "[vsyscall]", "[vdso]"):
                begin, end = (int(address, 16) for address in fields[0].split("-"))
                yield from read_mapping(memory, name, begin, end)


def read_mapping(memory, name, begin, end):
    """Runs of it; a page that can't be read (a guard, or beyond the end of a file) ends a run."""
    parts, first = [], begin
    while begin < end:
        try:
            part = os.pread(memory.fileno(), min(end - begin, 64 << 20), begin)
        except OSError:
            part = b""
        if part:
            parts.append(part)
            begin += len(part)
            continue
        if parts:
            yield name, first, b"".join(parts)
        begin = (begin // 4096 + 1) * 4096
        parts, first = [], begin
    if parts:
        yield name, first, b"".join(parts)
