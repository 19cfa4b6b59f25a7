#!/usr/bin/python3
"""`hushcast model`: list, verify, and fetch from directories and from a web server that misbehaves."""
import http.server
import io
import os
import random
import signal
import subprocess
import tarfile
import threading
import time
import unittest

from program import PROGRAM, SHARED_MODELS, ProgramTest

ARCHIVE = "DeepFilterNet2_onnx.tar.gz"
FILES = ("enc.onnx", "erb_dec.onnx", "df_dec.onnx", "config.ini")
HAVE_MODELS = all((SHARED_MODELS / "deepfilternet2" / name).is_file() for name in FILES)
needs_models = unittest.skipUnless(HAVE_MODELS, "the official models are not beside the source tree")


def tar_gz(members):
    """An archive of (name, content) pairs, or of ready-made (TarInfo, content) pairs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def official_archive(folder="tmp/export/"):
    source = SHARED_MODELS / "deepfilternet2"
    return tar_gz([(folder + name, (source / name).read_bytes()) for name in FILES])


class Server:
    """Answers each request with the next of `answers` (the last one for ever), a function that takes
    the handler. `requests` keeps path and headers of each."""

    def __init__(self, *answers):
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append((self.path, dict(self.headers)))
                self.close_connection = True
                try:
                    answers[min(len(outer.requests), len(answers)) - 1](self)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client has heard enough

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/models"


def whole(content, tag='"v1"', cut_at=None, honours_ranges=True):
    """Serves `content`; with cut_at the connection ends after so many bytes."""

    def answer(handler):
        start = 0
        wanted = handler.headers.get("Range")
        if honours_ranges and wanted and handler.headers.get("If-Range") == tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                handler.send_response(416)
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) - start))
        if tag:
            handler.send_header("ETag", tag)
        handler.end_headers()
        handler.wfile.write(content[start:cut_at])

    return answer


def status(code, **headers):
    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


class Model(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.work / "data"
        self.models = self.data / "models"

    def fetch(self, source, *more):
        return self.run_program("model", "fetch", "--from", source, "--data", self.data, *more)

    def assert_fetched(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("fetched into", result.stdout)
        self.assertEqual(sorted(os.listdir(self.models)), ["deepfilternet2"])
        self.assertEqual(sorted(os.listdir(self.models / "deepfilternet2")), sorted(FILES))
        self.succeed("model", "verify", "deepfilternet2", "--data", self.data)

    def assert_refused(self, result, sentence, keeps_part=False):
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(sentence, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        left = os.listdir(self.models) if self.models.exists() else []
        allowed = {ARCHIVE + ".part", ARCHIVE + ".part.tag"} if keeps_part else set()
        self.assertLessEqual(set(left), allowed)

    # What is there.

    def test_list_names_every_model(self):
        lines = self.succeed("model", "list").stdout.splitlines()
        for name, delay in (("deepfilternet2 *", "30 ms"), ("deepfilternet2-full", "50 ms"),
                            ("deepfilternet2-ll", "10 ms"), ("deepfilternet3", "30 ms")):
            row, = [line for line in lines if line.startswith(name + " ")]
            self.assertIn(delay, row)
            self.assertTrue(row.endswith("missing"), row)
        self.assertTrue(any(line.startswith("webrtc-ns") for line in lines))

    @needs_models
    def test_places_are_searched_in_order(self):
        self.assert_fetched(self.fetch(SHARED_MODELS))
        default = self.home / ".local/share/hushcast"
        default.parent.mkdir(parents=True)
        os.symlink(self.data, default)
        xdg = self.home / "xdg"
        xdg.mkdir()
        os.symlink(self.data, xdg / "hushcast")
        for expected, arguments, environment in (
                (default / "models", (), {}),
                (xdg / "hushcast/models", (), {"XDG_DATA_HOME": str(xdg)}),
                (self.models, ("--data", self.data), {"XDG_DATA_HOME": str(xdg)}),
                (SHARED_MODELS, ("--data", self.data), {"HUSHCAST_MODEL_DIR": str(SHARED_MODELS)}),
                (self.models, ("--model-dir", self.models), {"HUSHCAST_MODEL_DIR": str(SHARED_MODELS)})):
            with self.subTest(expected=expected):
                out = self.succeed("model", "list", *arguments, environment=environment).stdout
                self.assertIn(f"{expected / 'deepfilternet2'}\n", out)

    def test_verify_wants_the_default_model(self):
        result = self.run_program("model", "verify")
        self.assertEqual(result.returncode, 1)
        self.assertIn("deepfilternet2: missing", result.stdout)

    @needs_models
    def test_verify_finds_a_changed_byte(self):
        self.assert_fetched(self.fetch(SHARED_MODELS))
        path = self.models / "deepfilternet2/enc.onnx"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        result = self.run_program("model", "verify", "deepfilternet2", "--data", self.data)
        self.assertEqual(result.returncode, 1)
        self.assertIn("enc.onnx is not the published file", result.stderr)
        # Fetching again repairs it.
        self.assert_fetched(self.fetch(SHARED_MODELS))

    def test_unknown_model(self):
        for command in ("verify", "fetch"):
            self.fail_with("there is no model 'dfn9'", "model", command, "dfn9")

    # From a directory.

    @needs_models
    def test_fetch_from_a_mirror_directory(self):
        self.assert_fetched(self.fetch(SHARED_MODELS))
        self.assertIn("already in", self.fetch(SHARED_MODELS).stdout)

    @needs_models
    def test_fetch_from_a_directory_with_the_archive(self):
        (self.work / ARCHIVE).write_bytes(official_archive())
        self.assert_fetched(self.fetch(self.work))

    def test_fetch_from_a_directory_without_it(self):
        self.assert_refused(self.fetch(self.work / "nowhere"), "there is neither")

    def test_wrong_files_in_a_directory_are_refused(self):
        folder = self.work / "mirror/deepfilternet2"
        folder.mkdir(parents=True)
        for name in FILES:
            (folder / name).write_bytes(b"not a network")
        self.assert_refused(self.fetch(self.work / "mirror"), "is not the published file")

    # From a web server.

    @needs_models
    def test_fetch(self):
        with Server(whole(official_archive())) as server:
            self.assert_fetched(self.fetch(server.url))
            self.assertEqual([path for path, _ in server.requests], ["/models/" + ARCHIVE])

    @needs_models
    def test_address_from_the_environment(self):
        with Server(whole(official_archive(folder=""))) as server:
            self.assert_fetched(self.run_program("model", "fetch", "--data", self.data,
                                                 environment={"HUSHCAST_MODEL_URL": server.url + "/"}))

    @needs_models
    def test_models_that_share_files_are_fetched_once(self):
        with Server(whole(official_archive())) as server:
            self.assert_fetched(self.fetch(server.url, "deepfilternet2", "deepfilternet2-full"))
            self.assertEqual(len(server.requests), 1)

    @needs_models
    def test_cut_off_is_resumed(self):
        content = official_archive()
        with Server(whole(content, cut_at=1_000_000), whole(content)) as server:
            self.assert_fetched(self.fetch(server.url))
            self.assertEqual(server.requests[1][1]["Range"], "bytes=1000000-")
            self.assertEqual(server.requests[1][1]["If-Range"], '"v1"')

    @needs_models
    def test_a_later_run_goes_on_where_an_earlier_one_was_cut_off(self):
        content = official_archive()
        with Server(whole(content, cut_at=1_000_000), status(404)) as server:
            self.assert_refused(self.fetch(server.url), "HTTP status 404", keeps_part=True)
        with Server(whole(content)) as server:
            self.assert_fetched(self.fetch(server.url))
            self.assertEqual(server.requests[0][1]["Range"], "bytes=1000000-")

    @needs_models
    def test_another_version_meanwhile_begins_anew(self):
        content = official_archive()
        with Server(whole(b"x" * 2_000_000, cut_at=1_000_000), whole(content, tag='"v2"')) as server:
            self.assert_fetched(self.fetch(server.url))

    @needs_models
    def test_server_without_ranges_or_tags_begins_anew(self):
        content = official_archive()
        answers = whole(content, tag=None, cut_at=1_000_000), whole(content, honours_ranges=False)
        with Server(*answers) as server:
            self.assert_fetched(self.fetch(server.url))
            self.assertNotIn("Range", server.requests[1][1])

    @needs_models
    def test_server_errors_are_tried_again(self):
        with Server(status(500), status(503), whole(official_archive())) as server:
            self.assert_fetched(self.fetch(server.url))

    @needs_models
    def test_redirect_is_followed(self):
        with Server(status(302, Location="/elsewhere"), whole(official_archive())) as server:
            self.assert_fetched(self.fetch(server.url))
            self.assertEqual(server.requests[1][0], "/elsewhere")

    @needs_models
    def test_interrupted_download_goes_on_later(self):
        content = official_archive()
        hold = threading.Event()

        def stuck(handler):
            whole(content, cut_at=1_000_000)(handler)
            handler.wfile.flush()
            hold.wait(60)

        with Server(stuck) as server:
            child = subprocess.Popen([PROGRAM, "model", "fetch", "--from", server.url, "--data",
                                      self.data], env=self.environment())
            part = self.models / (ARCHIVE + ".part")
            deadline = time.monotonic() + 60
            while not (part.exists() and part.stat().st_size > 100_000):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.wait(timeout=60), 130)
            hold.set()
        with Server(whole(content)) as server:
            self.assert_fetched(self.fetch(server.url))
            self.assertIn("Range", server.requests[0][1])

    def test_wrong_bytes_are_refused(self):
        noise = random.Random(1).randbytes(100_000)  # does not compress, so a cut hits the last file
        archive = tar_gz([(name, noise) for name in FILES])
        for content, sentence in ((archive, "is not the published file"),
                                  (tar_gz([("enc.onnx", b"alone")]), "lacks files"),
                                  (archive[:-50_000], "damaged"),
                                  (b"<html>Not found</html>" * 100, "is not an archive"),
                                  (b"", "is empty")):
            with self.subTest(sentence=sentence), Server(whole(content)) as server:
                self.assert_refused(self.fetch(server.url), sentence)

    def test_archive_writes_nowhere_else(self):
        link = tarfile.TarInfo("enc.onnx")
        link.type, link.linkname = tarfile.SYMTYPE, str(self.work / "victim")
        archive = tar_gz([(link, b""), ("../../../../escaped", b"x"), (str(self.work / "abs"), b"x"),
                          ("../../enc.onnx", b"x"), ("erb_dec.onnx", b"x")])
        with Server(whole(archive)) as server:
            self.assert_refused(self.fetch(server.url), "lacks files")
        self.assertEqual(sorted(p.name for p in self.work.rglob("*")), ["data", "models"])

    def test_missing_archive(self):
        with Server(status(404)) as server:
            self.assert_refused(self.fetch(server.url), "HTTP status 404")
            self.assertEqual(len(server.requests), 1)

    def test_server_that_only_fails(self):
        with Server(status(500)) as server:
            self.assert_refused(self.fetch(server.url), "HTTP status 500")
            self.assertEqual(len(server.requests), 4)

    def test_redirect_without_end(self):
        with Server(status(302, Location="/again")) as server:
            self.assert_refused(self.fetch(server.url), "redirects without end")
            self.assertLess(len(server.requests), 10)

    def test_redirect_to_a_file_is_refused(self):
        with Server(status(302, Location="file:///etc/passwd")) as server:
            self.assert_refused(self.fetch(server.url), "is no http or https address")

    def test_body_without_end(self):
        def endless(handler):
            handler.send_response(200)
            handler.end_headers()
            while True:
                handler.wfile.write(bytes(1 << 20))

        with Server(endless) as server:
            self.assert_refused(self.fetch(server.url), "is larger than")

    def test_length_beyond_any_archive(self):
        def huge(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(1 << 40))
            handler.end_headers()
            handler.wfile.write(bytes(1000))

        with Server(huge) as server:
            self.assert_refused(self.fetch(server.url), "is larger than")

    def test_server_that_falls_silent(self):
        hold = threading.Event()

        def silent(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", "1000000")
            handler.end_headers()
            handler.wfile.write(bytes(10))
            hold.wait(60)

        with Server(silent) as server:
            self.assert_refused(self.fetch(server.url, "--timeout", "1"), "could not be fetched",
                                keeps_part=True)
            hold.set()

    def test_nobody_listens(self):
        with Server(status(200)) as server:
            url = server.url
        self.assert_refused(self.fetch(url), "could not be fetched")

    def test_no_address(self):
        self.assert_refused(self.fetch("ftp://127.0.0.1/models"), "is no http or https address")
        self.assert_refused(self.fetch("file:///models"), "is no http or https address")


if __name__ == "__main__":
    unittest.main()
