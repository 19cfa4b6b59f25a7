#!/usr/bin/python3
"""Holds every #include of src/, tests/, fuzz/ and bench/ against the table of docs/architecture.md."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAY = {
    "base": set(),
    "dsp": set(),
    "denoise": {"dsp"},
    "rtc": set(),
    "media": {"dsp"},
    "broadcast": {"rtc", "media", "denoise"},
    "people": set(),
    "recordings": {"media", "broadcast"},
    "net": set(),
    "api": {"net", "people", "recordings", "broadcast"},
}
# Libraries that one folder alone may see: what is dangerous or heavy has one door.
ONLY = {
    r"^openssl/": {"rtc", "denoise", "main", "net"},
    r"^boost/(asio|beast)": {"net"},
    r"^opus": {"media"},
    r"^(sndfile|soxr)": {"media"},
    r"^spdlog/": {"base"},
    r"^(sys/socket|netinet|arpa)": {"base", "net"},
    r"^curl/": {"main"},
    r"^webrtc/": {"denoise"},
}


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if m := re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line):
            yield number, m[1], m[2]


def faults():
    folders = {p.name for p in (ROOT / "src").iterdir() if p.is_dir()}
    for unknown in sorted(folders - MAY.keys() - {"main"}):
        yield f"src/{unknown}: a folder without a rule"
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in {".hpp", ".cpp", ".inc"}:
            continue
        module = path.relative_to(ROOT / "src").parts[0]
        test = path.name.endswith("_test.cpp")
        for number, kind, target in includes(path):
            where = f"{path.relative_to(ROOT)}:{number}"
            used = target.split("/")[0]
            if kind == '"':
                if "/" not in target or used not in folders:
                    yield f'{where}: "{target}" is not a path below src/'
                elif used == "main" and module != "main":
                    yield f"{where}: nothing includes main"
                elif module != "main" and used not in MAY[module] | {module, "base"}:
                    yield f"{where}: {module} may not use {used}"
            elif not test:
                for pattern, allowed in ONLY.items():
                    if re.match(pattern, target) and module not in allowed:
                        yield f"{where}: {module} may not use <{target}>"


found = list(faults())
print("\n".join(found) or "include rules hold")
sys.exit(bool(found))
