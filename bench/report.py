#!/usr/bin/env python3
"""Measures everything and writes the tables of docs/performance.md between its marks: the side-by-side benchmark, a route
with five policies, TCP connections, changes under load, and the micro-benchmarks. Each is written as soon as it is there. For a quiet machine: half an hour.

    bench/report.py build/release/tidegate [--rounds N] [--seconds S] [--scenarios LIST]"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"


def put(page, mark, text):
    """Replaces what is between <!-- MARK --> and <!-- end -->."""
    changed, found = re.subn(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", lambda m: m[1] + text.strip() + "\n" + m[2], page, flags=re.S)
    assert found == 1, f"docs/performance.md has no mark '{mark}'"
    return changed


def side_by_side(options):
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder) / "table.md"
        command = [ROOT.parent / "shared" / "bench" / "run", "--binary", options.binary, "--rounds", str(options.rounds),
                   "--seconds", str(options.seconds), "--markdown", table]
        if options.scenarios:
            command += ["--scenarios", options.scenarios]
        subprocess.run(command, check=True, stdout=sys.stderr)
        return re.sub(r", Linux \S+(?=;)", "", re.sub(r"^# .*\n", "", table.read_text())).replace("\n## ", "\n### ")


def beside(script):
    """Of a script that takes rounds of seconds."""
    def measured(options):
        return subprocess.run([ROOT / "bench" / script, options.binary, "--rounds", str(options.rounds), "--seconds", str(options.seconds)],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
    return measured


def reloads(options):
    return subprocess.run([ROOT / "bench" / "reloads.py", options.binary, "--rounds", str(options.rounds)],
                          check=True, stdout=subprocess.PIPE, text=True).stdout


def short(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def micro(options):
    lines = ["| what | time |", "|---|---:|"]
    for program in sorted(pathlib.Path(options.binary).parent.glob("bench/bench_*")):
        out = subprocess.run([program, "--benchmark_format=json", "--benchmark_repetitions=3", "--benchmark_report_aggregates_only=true"],
                             check=True, stdout=subprocess.PIPE, text=True).stdout
        for one in json.loads(out)["benchmarks"]:
            if one["aggregate_name"] == "median":
                lines.append(f"| {one['run_name'].replace('_', ' ')} | {short(one['cpu_time'])} {one['time_unit']} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--scenarios", help="of the side-by-side benchmark; default: all")
    options = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    made = (f"Made on {datetime.date.today()} of commit {commit or 'unknown'}, {options.rounds} rounds of {options.seconds:g} s, "
            f"on a machine with {os.cpu_count()} CPUs.")
    parts = {"micro": micro, "policies": beside("policies.py"), "tcp": beside("tcp.py"), "reloads": reloads, "side by side": side_by_side,
             "made": lambda _: made}
    for mark, measure in parts.items():
        PAGE.write_text(put(PAGE.read_text(), mark, measure(options)))
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
