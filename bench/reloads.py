#!/usr/bin/env python3
"""What requests feel of changes: one of 5 000 HTTPRoutes changes again and again under load, Tidegate beside those of the others
that are there. The same load with and without changes, in turn; no request may fail, and the slowest of a hundred is held against
the one without changes.

    bench/reloads.py build/release/tidegate [--rounds N] [--changes N] [--peers envoy,haproxy]

Needs ../shared/bench with what it needs (its topology, load generator and upstream are used)."""
import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "..", "shared", "bench"))
sys.dont_write_bytecode = True
from tidebench import processes, scenarios, topology as t  # noqa: E402
from tidebench.bench import Bench, build_tools, make_certificate  # noqa: E402
from tidebench.contestants import PEERS, Tidegate  # noqa: E402
from tidebench.contestants.base import Context, Unable  # noqa: E402

EVERY = 0.2  # seconds from change to change, where it takes less
RATE = 2000  # requests a second on connections that are kept; a tenth of it on new ones


def stretch(bench, instance, changer, changes):
    """One stretch of load, with changes or just as long without."""
    requests = t.spread_requests(instance.topology, 512)
    closing = [r.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") for r in requests]
    loads = [bench.start_load(bench.load_command(instance.port, requests, "--rate", RATE, "--connections", 32, seconds=600)),
             bench.start_load(bench.load_command(instance.port, closing, "--rate", RATE // 10, "--connections", 16, "--close", seconds=600))]
    time.sleep(0.5)
    before, took = sum(instance.process.cpu()), []
    for _ in range(changes):
        began = time.monotonic()
        if changer:
            took.append(changer())
        time.sleep(max(0.02, EVERY - (time.monotonic() - began)))
    cpu = sum(instance.process.cpu()) - before
    time.sleep(0.5)
    results = []
    for process in loads:
        process.popen.terminate()
        results.append(bench.finish_load(process))
    return {"failed": sum(sum(r["errors"].values()) for r in results), "answered": sum(r["requests"] for r in results),
            "p99_us": results[0]["p99_us"], "cpu": cpu, "took": took}


def measure(bench, instance, rounds, changes):
    changer = scenarios.Changer(bench, instance)
    time.sleep(3)  # a file that was just written may be written again: its time proves nothing
    changer()
    quiet, busy = [], []
    for _ in range(rounds):
        quiet.append(stretch(bench, instance, None, changes))
        busy.append(stretch(bench, instance, changer, changes))
    before, during = (statistics.median(s["p99_us"] for s in all) for all in (quiet, busy))
    return [f"{sum(s['failed'] for s in busy)} of {sum(s['answered'] for s in busy):,}".replace(",", " "), f"{before:,.0f}".replace(",", " "),
            f"{during:,.0f}".replace(",", " "), f"{during / before:.2f}", f"{statistics.median(ms for s in busy for ms in s['took']):.0f}"]


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("binary")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--changes", type=int, default=50, help="a round")
    p.add_argument("--peers", default="envoy,haproxy", help="beside which; those that are not installed are left out")
    a = p.parse_args()
    work = tempfile.mkdtemp(prefix="tidegate-reloads-")
    os.sched_setaffinity(0, {processes.LOAD_CPU})
    failed = False
    try:
        tools = build_tools()
        certificate, key = make_certificate(work)
        context = Context(work, certificate, key, tools, os.path.abspath(a.binary))
        bench = Bench(work, tools, 0, 0, 0, a.changes)
        topology = scenarios.many_routes(bench)
        print("| changes of one of 5 000 routes | failed requests | p99 without, µs | p99 during, µs | ratio | change to new answer, ms |\n"
              "|---|---|---|---|---|---|", flush=True)
        for kind in [Tidegate] + [PEERS[name] for name in a.peers.split(",") if name in PEERS]:
            if not kind.find(context):
                continue
            instance = kind(context, topology)
            try:
                instance.start()
                row = measure(bench, instance, a.rounds, a.changes)
            except Unable as why:
                if kind is Tidegate:
                    raise
                print(f"{kind.name} is left out: {why}", file=sys.stderr)
                continue
            finally:
                instance.stop()
            failed = failed or (kind is Tidegate and not row[0].startswith("0 "))
            print(f"| {kind.name} | " + " | ".join(row) + " |", flush=True)
    finally:
        processes.stop_all()
        shutil.rmtree(work, ignore_errors=True)
    if failed:
        raise SystemExit("a request failed")


if __name__ == "__main__":
    main()
