"""A stand-in cache for the generator's self test: with --swap, every 50th value that it answers
is another key's, as a read buffer shared between connections would make it. Without --swap it is
an ordinary, slow cache (the control). Speaks get and set of the classic text protocol."""

import argparse
import asyncio

ITEMS = {}
SWAP_EVERY = 50


class Answers:
    """Looks values up; keeps count, so that the swaps are where they are in every run."""

    def __init__(self, swap):
        self.swap = swap
        self.count = 0
        self.last_key = None

    def value(self, key):
        self.count += 1
        swapped = self.swap and self.count % SWAP_EVERY == 0
        value = ITEMS.get(self.last_key if swapped else key)
        self.last_key = key
        return value


async def serve(answers, reader, writer):
    while line := await reader.readline():
        words = line.split()
        if words[0] == b"set":
            data = await reader.readexactly(int(words[4]) + 2)
            ITEMS[words[1]] = data[:-2]
            writer.write(b"STORED\r\n")
        else:
            for key in words[1:]:
                value = answers.value(key)
                if value is not None:
                    writer.write(b"VALUE %s 0 %d\r\n%s\r\n" % (key, len(value), value))
            writer.write(b"END\r\n")
    writer.close()


async def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port-file", required=True)
    options.add_argument("--swap", action="store_true")
    chosen = options.parse_args()
    answers = Answers(chosen.swap)
    server = await asyncio.start_server(lambda r, w: serve(answers, r, w), "127.0.0.1", 0)
    with open(chosen.port_file, "w", encoding="ascii") as file:
        file.write("tcp 127.0.0.1 %d\n" % server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
