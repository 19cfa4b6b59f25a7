"""Runs the program for the tests in this folder, in a home of its own."""
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("HUSHCAST_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
PROGRAM = os.environ.get("HUSHCAST", str(SOURCE / "build/release/hushcast"))
SHARED_MODELS = pathlib.Path(os.environ.get("HUSHCAST_SHARED", SOURCE.parent / "shared")) / "models"
PATIENCE_S = 300  # a loaded machine under a sanitizer


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name) / "home"
        self.work = pathlib.Path(folder.name) / "work"
        self.home.mkdir()
        self.work.mkdir()

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "ASAN_OPTIONS", "TSAN_OPTIONS")}
        return {**kept, "HOME": str(self.home), "LC_ALL": "C", **more}

    def run_program(self, *arguments, environment=None, **options):
        return subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.work, text=True,
                              capture_output=True, timeout=PATIENCE_S,
                              env=self.environment(**(environment or {})), **options)

    def succeed(self, *arguments, **options):
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def fail_with(self, sentence, *arguments, code=1, **options):
        """It ends with `code` and one line on standard error in which `sentence` stands."""
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(sentence, result.stderr)
        if code == 1:
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
            self.assertTrue(result.stderr.startswith("hushcast: "), result.stderr)
        return result
