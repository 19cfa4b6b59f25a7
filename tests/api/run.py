#!/usr/bin/python3
"""Runs tests/api/*.test against a real server on a free loopback port.

    run.py HUSHCAST-BINARY [NAME...]

One file is one server with an empty data folder. A file is a list of exchanges:

    # what this shows
    POST /api/stream/start/
    Content-Type: application/json
    > {"name": "alice"}
    = 200
    = Content-Type: application/json
    ~ {"status": "started"}
    ! session = session_id

A method and a target begin a request, then headers, then its body: lines with "> " (joined by CRLF when
there are several). "* 1000 TEXT" repeats TEXT in the body, "raw" instead of a method sends the body's
bytes as they are. "=" is the expected status, then headers (a header's value may be "*": it is there;
"-": it is not). "~" is JSON that the answer must contain: objects may have more, lists must agree, and
"*" fits anything. "^" is text in the body. "!" keeps a field (or "@Header") of the answer for later, as
$name. "? NAME" runs a whole scenario written in Python below.
"""
import contextlib
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 20


@contextlib.contextmanager
def server(binary, *arguments, data=None):
    """Gives (process, port, data folder) of a server that is ready."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [binary, "serve", "--data", data or folder, "--listen", "127.0.0.1:0", "--model", "webrtc-ns",
             *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline()
            port = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
            if not port:
                raise AssertionError(f"no address in {line!r}: {process.stderr.read()}")
            yield process, int(port[1]), pathlib.Path(data or folder)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, f"the server ended with {process.returncode}: {log}"


def exchange(port, raw):
    """Sends bytes, gives (status, headers, body) of the first final answer."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(raw)
        stream = connection.makefile("rb")
        while True:
            first = stream.readline()
            if not first:
                raise AssertionError("the server closed without an answer")
            status = int(first.split()[1])
            headers = {}
            while (line := stream.readline().strip()):
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            if status != 100:
                break
        body = b"" if raw.startswith(b"HEAD ") else stream.read(int(headers.get("content-length", 0)))
        return status, headers, body


def contains(actual, expected):
    if expected == "*":
        return True
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(
            key in actual and contains(actual[key], value) for key, value in expected.items())
    if isinstance(expected, list):
        return (isinstance(actual, list) and len(actual) == len(expected)
                and all(map(contains, actual, expected)))
    return actual == expected and isinstance(actual, bool) == isinstance(expected, bool)


class Exchange:
    def __init__(self, number, first):
        self.number, self.first = number, first
        self.headers, self.body, self.expected = [], [], []

    def bytes(self, kept):
        def fill(text):
            return re.sub(r"\$(\w+)", lambda m: kept[m[1]], text)
        body = "\r\n".join(map(fill, self.body))
        if self.first == "raw":
            return body.encode().replace(b"\\0", b"\0")
        method, target = self.first.split(" ", 1)
        given = {header.split(":")[0].lower() for header in self.headers}
        lines = [f"{method} {fill(target)} HTTP/1.1"]
        lines += [] if "host" in given else ["Host: localhost"]
        lines += map(fill, self.headers)
        if (self.body or method in ("POST", "PATCH")) and "content-length" not in given:
            lines.append(f"Content-Length: {len(body.encode())}")
        return ("\r\n".join([*lines, "", ""]) + body).encode()

    def check(self, port, kept):
        status, headers, body = exchange(port, self.bytes(kept))
        seen = f"{status} {headers} {body[:300]!r}"
        for kind, text in self.expected:
            if kind == "=" and text.isdigit():
                assert status == int(text), f"expected {text}: {seen}"
            elif kind == "=":
                name, _, value = text.partition(": ")
                value = re.sub(r"\$(\w+)", lambda m: kept[m[1]], value)
                actual = headers.get(name.lower())
                fits = actual is None if value == "-" else actual is not None and value in ("*", actual)
                assert fits, f"expected {text}: {seen}"
            elif kind == "~":
                expected = json.loads(re.sub(r"\$(\w+)", lambda m: kept[m[1]], text))
                assert contains(json.loads(body), expected), f"expected {text}: {seen}"
            elif kind == "^":
                assert text.encode() in body, f"expected {text!r}: {seen}"
            elif kind == "!":
                name, field = text.split(" = ")
                kept[name] = headers[field[1:].lower()] if field[0] == "@" else json.loads(body)[field]


def read(path):
    """Gives the exchanges and scenarios of a file, in order."""
    current = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        mark, _, rest = line.partition(" ")
        if mark == "?":
            if current:
                yield current
            current = None
            yield rest
        elif mark in ("=", "~", "^", "!"):
            current.expected.append((mark, rest))
        elif mark == ">":
            current.body.append(rest)
        elif mark == "*":
            count, _, text = rest.partition(" ")
            current.body.append(text * int(count))
        elif mark == "raw" or re.match(r"[A-Z]+ [/$]", line):
            if current:
                yield current
            current = Exchange(number, line)
        else:
            current.headers.append(line)
    if current:
        yield current


def run(binary, path):
    checked = 0
    with server(binary) as (_, port, data):
        kept = {}
        for step in read(path):
            try:
                if isinstance(step, str):
                    SCENARIOS[step](binary, port, data)
                else:
                    assert step.expected, "an exchange that expects nothing"
                    step.check(port, kept)
            except (AssertionError, OSError, ValueError, KeyError) as fault:
                where = step if isinstance(step, str) else f"{step.number}: {step.first}"
                raise AssertionError(f"{path.name}:{where}: {fault}") from None
            checked += 1
    return checked


# Scenarios: what one exchange cannot say.

def second_server(binary, port, data):
    """The same data folder, and the same port, are refused with a sentence."""
    for arguments, sentence in (
            (["--data", data, "--listen", "127.0.0.1:0"], "another server is using the folder"),
            (["--data", data / "other", "--listen", f"127.0.0.1:{port}"], "cannot listen on")):
        ended = subprocess.run([binary, "serve", "--model", "webrtc-ns", *arguments],
                               capture_output=True, text=True, timeout=TIMEOUT_S)
        assert ended.returncode == 1 and sentence in ended.stderr, f"{ended.returncode} {ended.stderr}"
        assert ended.stdout == "", ended.stdout


def slow_senders(_, port, __):
    """Many connections that never finish a request do not keep others from being served."""
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), TIMEOUT_S))
            slow.sendall(b"POST /api/stream/start/ HTTP/1.1\r\nHost: x\r\nX: ")
        began = time.monotonic()
        status, _, _ = exchange(port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status == 200 and time.monotonic() - began < 5


def listener_waits(_, port, __):
    """Whoever listens to a stream that never begins to sound is told so after five seconds."""
    def post(path, body):
        text = json.dumps(body)
        return exchange(port, (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                               f"Content-Length: {len(text)}\r\n\r\n{text}").encode())
    assert post("/api/stream/start/", {"name": "waiting"})[0] == 200
    began = time.monotonic()
    status, _, body = post("/api/webrtc/listen/waiting/", {"sdp": "v=0\r\n", "type": "offer"})
    assert status == 409 and b"begun" in body, (status, body)
    assert 4 < time.monotonic() - began < 15


SCENARIOS = {function.__name__: function for function in (second_server, slow_senders, listener_waits)}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary = pathlib.Path(sys.argv[1]).resolve()
    faults = 0
    for path in sorted(FOLDER.glob("*.test")):
        if sys.argv[2:] and path.stem not in sys.argv[2:]:
            continue
        try:
            print(f"{path.name}: {run(binary, path)} exchanges")
        except AssertionError as fault:
            faults += 1
            print(f"FAILED {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
