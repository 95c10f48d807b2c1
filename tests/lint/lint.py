"""The rules of the house, read from the CMake lines: who may include what, and a few more. Exit status 1 on any breach."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOUSES = ["base", "config", "controlloop", "proxy"]
LINES_MAX = 600
# Outside headers that only the named library gives: a room that includes them must have it in LIBS.
LIBRARIES = {r"yaml-cpp/": "yaml-cpp", r"nghttp2/": "nghttp2", r"prometheus/": "prometheus", r"spdlog/": "spdlog", r"ares\.h": "cares",
             r"re2/": "re2", r"openssl/": "openssl", r"boost/asio": "asio", r"boost/beast": "beast", r"gperftools/": "gperftools",
             r"CLI/": "cli11", r"zlib\.h": "zlib", r"brotli/": "brotli", r"zstd\.h": "zstd"}


def rooms():
    """name -> (folder, may use, libraries)"""
    out = {}
    for house in HOUSES:
        text = (ROOT / house / "CMakeLists.txt").read_text()
        for call in re.finditer(r"tidegate_room\(([^)]*)\)", text):
            words = call.group(1).split()
            parts = {"IN": [], "USES": [], "LIBS": []}
            key = None
            for word in words[1:]:
                if word in parts:
                    key = word
                elif key:
                    parts[key].append(word)
            folder = pathlib.Path(house) / (parts["IN"][0] if parts["IN"] else words[0])
            out[words[0]] = (pathlib.Path(*folder.parts), set(parts["USES"]), set(parts["LIBS"]))
    return out


def room_of(path, all_rooms):
    """The room whose folder is the deepest above the file."""
    best = None
    for name, (folder, _, _) in all_rooms.items():
        if path.parent == folder or folder in path.parents:
            if best is None or len(folder.parts) > len(all_rooms[best][0].parts):
                best = name
    return best


def cycle(all_rooms):
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name):] + [name]
        if name in done or name not in all_rooms:
            return None
        path.append(name)
        for used in sorted(all_rooms[name][1]):
            if found := visit(used):
                return found
        path.pop()
        done.add(name)
        return None

    for name in all_rooms:
        if found := visit(name):
            return found
    return None


def untested(text):
    """Rows of SECURITY.md whose tests are not there."""
    out = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("| ") or cells[-1] in ("tests", "must not be able to") or not re.search(r"CVE-|GHSA-|`[^`]+: ", line):
            continue
        named = re.findall(r"`([^`]+?): ([^`]+)`", cells[-1])
        if not named:
            out.append(f"SECURITY.md:{number}: no test: {cells[0]}")
        for place, test in named:
            if place.startswith("unit/"):
                files, wanted = sorted((ROOT / "tests" / place).glob("*.cc")), f'"{test}"'
            else:
                files, wanted = [ROOT / "tests/blackbox" / place], f"def {test}("
            texts = [file.read_text() for file in files if file.exists()]
            run = place.startswith("unit/") or any(
                "globals()" in one or len(re.findall(rf"\b{re.escape(test)}\b", one)) > 1 for one in texts)
            if not any(wanted in one for one in texts) or not run:
                out.append(f"SECURITY.md:{number}: there is no test {place}: {test}")
    return out


def main():
    problems = untested((ROOT / "SECURITY.md").read_text())
    all_rooms = rooms()
    if found := cycle(all_rooms):
        problems.append("rooms in a circle: " + " -> ".join(found))
    banned = [line.split(" | ", 1) for line in (ROOT / "tests/lint/banned.txt").read_text().splitlines() if line and line[0] != "#"]
    included, headers = set(), set()
    files = [path for house in HOUSES for path in sorted((ROOT / house).rglob("*")) if path.suffix in (".h", ".cc")]
    for path in files + [ROOT / "main.cc"]:
        relative = path.relative_to(ROOT)
        text = path.read_text()
        lines = text.splitlines()
        if len(lines) > LINES_MAX:
            problems.append(f"{relative}: {len(lines)} lines: split it by behaviour")
        if path.suffix == ".h":
            headers.add(str(relative))
            if "#pragma once" not in text:
                problems.append(f"{relative}: no #pragma once")
        if re.search(r"(^|_)(util|utils|helper|helpers|common|misc)\.", path.name):
            problems.append(f"{relative}: a name that says nothing")
        for word, reason in banned:
            for number, line in enumerate(lines, 1):
                if word in line:
                    problems.append(f"{relative}:{number}: {word}: {reason}")
        room = room_of(relative, all_rooms)
        for number, line in enumerate(lines, 1):
            found = re.match(r'#include ([<"])([^>"]+)[>"]', line)
            if not found:
                continue
            target = found.group(2)
            if found.group(1) == '"':
                included.add(target)
                if room is None:
                    continue  # main.cc sees all
                other = room_of(pathlib.PurePosixPath(target), all_rooms)
                if other not in (room, "base") and other not in all_rooms[room][1]:
                    problems.append(f"{relative}:{number}: room {room} may not include {target}: it is not in its USES")
            elif room is not None:
                for pattern, library in LIBRARIES.items():
                    if re.match(pattern, target) and library not in all_rooms[room][2]:
                        problems.append(f"{relative}:{number}: room {room} may not include <{target}>: {library} is not in its LIBS")
    for path in (ROOT / "tests").rglob("*"):
        if path.suffix in (".h", ".cc"):
            included.update(re.findall(r'#include "([^"]+)"', path.read_text()))
    for header in sorted(headers - included):
        problems.append(f"{header}: nobody includes it")
    print("\n".join(problems) if problems else f"{len(files)} files, {len(all_rooms)} rooms: all well")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
