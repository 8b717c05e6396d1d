#!/usr/bin/env python3
"""Copies bytes between a client and one of several local ports, in turn: connection N goes to port
N modulo their number. usage: relay.py PORT_FILE PORT...
"""
import os
import socket
import sys
import threading


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass  # one side is gone; the other learns it by the end of its stream
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client, port):
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        back = threading.Thread(target=copy, args=(server, client), daemon=True)
        back.start()
        copy(client, server)
        back.join()


def main():
    ports = [int(word) for word in sys.argv[2:]]
    listener = socket.create_server(("127.0.0.1", 0))
    with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
        file.write(str(listener.getsockname()[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    number = 0
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, ports[number % len(ports)]), daemon=True).start()
        number += 1


if __name__ == "__main__":
    main()
