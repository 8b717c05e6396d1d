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

    def numbers_in(self, pid):
        """Number of a value -> how many of its chunks are readable in the process, wherever."""
        found = {}
        for memory in readable_memory(pid):
            for hit in re.finditer(re.escape(self.mark), memory):
                tail = memory[hit.end():hit.end() + 8]
                if len(tail) == 8:
                    number, chunk = struct.unpack("<II", tail)
                    if chunk < CHUNKS:
                        found.setdefault(number, set()).add(chunk)
        return {number: len(chunks) for number, chunks in found.items()}


def readable_memory(pid):
    """Each readable mapping as bytes; needs the right to trace the process."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            fields = line.split()
            if "r" not in fields[1] or fields[-1] in ("[vvar]", "[vsyscall]", "[vdso]"):
                continue
            begin, end = (int(address, 16) for address in fields[0].split("-"))
            yield read_mapping(memory, begin, end)


def read_mapping(memory, begin, end):
    parts = []
    while begin < end:
        size = min(end - begin, 64 << 20)
        try:
            part = os.pread(memory.fileno(), size, begin)
        except OSError:  # a guard page, or a page beyond the end of its file
            part = b""
        if not part:
            begin = (begin // 4096 + 1) * 4096
            continue
        parts.append(part)
        begin += len(part)
    return b"".join(parts)
