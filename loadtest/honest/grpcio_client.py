"""gRPC's C core against `examples/grpc_echo`: every call must end well, however fast it goes.

Usage: grpcio_client.py HOST:PORT SECONDS
"""

import struct
import sys
import threading
import time

import grpc

METHODS = "/lanner.Echo/"


def unary(channel, until, count):
    call = channel.unary_unary(METHODS + "Unary")
    while time.monotonic() < until:
        message = b"u" * (count["unary"] % 3000)
        assert call(message, timeout=60) == message
        count["unary"] += 1


def download(channel, until, count):
    """One stream for the whole time: its DATA makes the bandwidth estimator send PINGs."""
    call = channel.unary_stream(METHODS + "Download")
    while time.monotonic() < until:
        for message in call(struct.pack(">II", 2000, 20000), timeout=600):
            assert len(message) == 20000
            count["download"] += 1
            if time.monotonic() > until:
                break


def upload(channel, until, count):
    """Messages of eight bytes, as fast as they go."""
    call = channel.stream_unary(METHODS + "Upload")
    while time.monotonic() < until:
        sent = 0

        def messages():
            nonlocal sent
            while sent < 100000 and time.monotonic() < until:
                sent += 1
                yield b"8 bytes."

        answer = struct.unpack(">QQ", call(messages(), timeout=600))
        assert answer == (sent, 8 * sent), (answer, sent)
        count["upload"] += sent


def chat(channel, until, count):
    """A message each way in turn, in one stream, with a pause now and then."""
    call = channel.stream_stream(METHODS + "Chat")
    turn = threading.Semaphore(1)

    def messages():
        number = 0
        while time.monotonic() < until:
            turn.acquire()
            number += 1
            if number % 5000 == 0:
                time.sleep(8)
            yield struct.pack(">Q", number)

    for message in call(messages(), timeout=3600):
        count["chat"] += 1
        assert struct.unpack(">Q", message) == (count["chat"],)
        turn.release()


def cancel(channel, until, count):
    """What a user interface does that is flipped through: most calls are given up."""
    call = channel.unary_stream(METHODS + "Download")
    kept = channel.unary_unary(METHODS + "Unary")
    while time.monotonic() < until:
        calls = [call(struct.pack(">II", 50, 2000)) for _ in range(20)]
        time.sleep(0.01)
        for one in calls:
            one.cancel()
        assert kept(b"kept", timeout=60) == b"kept"
        count["cancelled"] += 20


def main():
    address, seconds = sys.argv[1], float(sys.argv[2])
    until = time.monotonic() + seconds
    count = dict.fromkeys(["unary", "download", "upload", "chat", "cancelled"], 0)
    failures = []
    # All in one connection: what one does must not end the others.
    options = [("grpc.http2.bdp_probe", 1)]
    with grpc.insecure_channel(address, options=options) as channel:

        def contained(work):
            try:
                work(channel, until, count)
            except Exception as error:  # noqa: BLE001: each failure is the result
                failures.append(f"{work.__name__} after {seconds - until + time.monotonic():.1f} s: {error!r}")

        threads = [
            threading.Thread(target=contained, args=(work,))
            for work in (unary, download, upload, chat, cancel)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print("grpcio", ", ".join(f"{name} {number}" for name, number in count.items()))
    for failure in failures:
        print("FAILED", failure)
    sys.exit(1 if failures or not all(count.values()) else 0)


main()
