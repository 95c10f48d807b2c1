"""Mixed traffic, edits and faults against one running gateway, for minutes: nothing is lost, doubled or left behind.
Usage: soak.py BINARY [--minutes N]. Prints PASS or FAIL for each promise, then "N passed, N failed"."""
import argparse
import collections
import os
import pathlib
import random
import sys
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from backends import BAD, Bad, Calls, Counting, Full  # noqa: E402
from changes import BROKEN, Changes, route  # noqa: E402
from clients import KINDS  # noqa: E402
from gateway import Gateway, free_port, get, wait_for  # noqa: E402
from ledger import Ledger  # noqa: E402

MEGA = 1 << 20
GROWTH = 24 * MEGA  # of resident memory, from the warm-up to the end: what allocators keep back, no more
GAUGES = ("http.downstream_cx_active", "http.downstream_rq_active", "downstream_cx_upgrades_active", "downstream_pre_cx_active",
          "upstream_rq_active", "upstream_rq_pending_active", "upstream_cx_active")
# Of each fault: what its client may see (502 for half a body, where head and end were read together), and the response flags that docs/troubleshooting.md gives it.
FAULTS = {
    "refused": ({502}, {"UF"}), "full": ({504}, {"UT", "UF"}), "silent": ({504}, {"UT"}), "slow-head": ({504}, {"UT"}),
    "reset": ({502}, {"UC"}), "closed": ({502}, {"UC"}), "reset-in-head": ({502}, {"UC"}), "closed-in-head": ({502}, {"UC"}),
    "reset-in-body": ({502, "broken off"}, {"UC"}), "closed-in-body": ({502, "broken off"}, {"UC"}), "cut-chunks": ({502, "broken off"}, {"UC"}),
    "bad-chunks": ({502, "broken off"}, {"UPE"}), "garbage": ({502}, {"UPE"}), "two-lengths": ({502}, {"UPE"}),
    "killed": ({200, 502, "broken off"}, {"-", "UF", "UC"}), "ends": ({200, 503}, {"-", "UH"}), "gone": ({200, 404}, {"-", "NR"}),
}
TIMED = ("full", "silent", "slow-head")  # these would wait; their rules have a time


class World:
    """The gateway and all that is around it."""

    def __init__(self, binary, minutes):
        self.ledger = Ledger()
        self.gateway = Gateway(binary, start=False)
        self.port, self.tls_port = self.gateway.port, free_port()
        self.end = time.monotonic() + minutes * 60
        self.faults = {name: outcomes for name, (outcomes, _) in FAULTS.items()}
        self.good = [Counting(self.ledger), Counting(self.ledger)]
        self.ends = [Counting(self.ledger), Counting(self.ledger)]
        self.killed = Counting(self.ledger)
        self.all = {"calls": Calls(self.ledger), "killed": self.killed, "full": Full(), **{way: Bad(self.ledger, way) for way in BAD}}
        self.changes = Changes(self)
        self.log = pathlib.Path(self.gateway.folder.name) / "access.log"
        self.gateway.arguments = ["--access-log", str(self.log), "--access-log-format", "%REQ(X-SOAK-KIND)% %RESPONSE_CODE% %RESPONSE_FLAGS%\n"]

    def over(self):
        return time.monotonic() > self.end

    def begin(self):
        for name, one in self.all.items():
            self.gateway.service(name, one.port, "kubernetes.io/h2c" if name == "calls" else "")
            route(self.gateway, name, name, "timeouts: {request: 400ms}, " if name in TIMED else "")
        self.gateway.service("refused", free_port())
        route(self.gateway, "refused", "refused")
        self.gateway.service("good", self.good[0].port)
        self.gateway.backend("socket", "kubernetes.io/ws")
        route(self.gateway, "socket", "socket")
        route(self.gateway, "ends", "ends")
        self.changes.begin()
        self.changes.slice(3)
        self.gateway.start()

    def gauges(self, name):
        """Those that are not zero, of all that end so."""
        lines = get(self.gateway.admin, f"/stats?filter={name}")[2].decode().splitlines()
        return [line for line in lines if line.rpartition(": ")[0].endswith(name) and not line.endswith(": 0")]

    def resident(self):
        fields = pathlib.Path(f"/proc/{self.gateway.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def files(self):
        out = collections.Counter()
        for one in pathlib.Path(f"/proc/{self.gateway.process.pid}/fd").iterdir():
            try:
                out[os.readlink(one).split(":")[0]] += 1
            except OSError:
                pass
        return out

    def stop(self):
        for one in [*self.good, *self.ends, *self.all.values()]:
            one.kill()


def client(world, kind):
    while not world.over():
        try:
            kind(world)
        except Exception as error:  # any end but the good one is a failure: of the gateway, or of the soak itself
            if world.gateway.process.poll() is not None:
                return
            if kind.__name__ == "aborted" and isinstance(error, OSError):
                continue
            place = traceback.extract_tb(error.__traceback__)[-1]
            world.ledger.fail(kind.__name__, f"{type(error).__name__} {error} ({pathlib.Path(place.filename).name}:{place.lineno})")


def editor(world):
    while not world.over():
        try:
            world.changes.once()
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            world.ledger.fail("edit", f"{type(error).__name__} {error} (line {place.lineno})")
        time.sleep(random.uniform(0.02, 0.3))


def checks(world, before, warm):
    """(promise, what is wrong) each; the traffic is over."""
    gateway, ledger = world.gateway, world.ledger
    yield "the process lives", None if gateway.process.poll() is None else f"it has ended: {gateway.process.poll()}"
    if gateway.process.poll() is not None:
        return
    wrong = [f"{count} times: {what} {ledger.examples[what]}" for what, count in ledger.wrong.most_common(20)]
    yield "no request failed, was lost or doubled beyond what its fault explains", "\n    ".join(wrong)
    kinds = {kind.__name__ for kind in KINDS} - {"faulty", "http2", "http2_tls"} | {"h2", "h2-tls"} | set(FAULTS)
    idle = kinds - {kind for kind, _ in ledger.ended}
    yield "every kind of traffic has had its turn", f"never: {sorted(idle)}" if idle else None
    yield "each failure has the status and flag of the documentation", flags(world)
    world.changes.restore()
    for one in [*world.good, *world.ends, *world.all.values()]:
        one.kill()  # the gateway's idle connections end with them
    for echo in gateway.backends:
        echo.stop()
    for gauge in GAUGES:
        yield f"{gauge} returns to zero", until(lambda: not world.gauges(gauge), lambda: world.gauges(gauge))
    # One less may be a connection that was open at the start.
    yield "no file descriptor is left", until(lambda: not world.files() - before, lambda: f"{world.files() - before} more")
    after = world.resident()
    print(f"     resident memory: {warm // MEGA} MiB after the warm-up, {after // MEGA} MiB at the end", flush=True)
    yield "memory is flat", f"{(after - warm) / MEGA:.1f} MiB more" if after - warm > GROWTH else None
    errors = [line for line in gateway.log().splitlines() if (" error [" in line or " critical [" in line) and not any(name in line for name in BROKEN)]
    yield "the log has no error that was not made", f"{len(errors)}:\n    " + "\n    ".join(errors[:10]) if errors else None
    yield "it stops when it is told to", None if gateway.terminate(40) == 0 else "exit status"


def until(fact, value):
    try:
        wait_for(fact, "", 30)
        return None
    except AssertionError:
        return f"{value()} after 30 s"


def flags(world):
    """Of the access log: kinds and flags that do not go together."""
    wrong = collections.Counter()
    with open(world.log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            kind, status, flag = line.split()
            allowed = FAULTS[kind][1] if kind in FAULTS else {"-", "DC", "DPE", "DR", "UR"} if kind in ("aborted", "-") else {"-"}
            if kind == "websocket":  # its client leaves without a word
                allowed = {"-", "DC"}
            if flag not in allowed:
                wrong[kind, status, flag] += 1
    return "\n    ".join(f"{count} times {kind}: {status} {flag}" for (kind, status, flag), count in wrong.most_common(30))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("--minutes", type=float, default=2)
    arguments.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = arguments.parse_args()
    print(f"soak: {options.minutes:g} minutes, --seed {options.seed}", flush=True)
    random.seed(options.seed)
    world, passed, failed = World(options.binary, options.minutes), 0, 0
    try:
        world.begin()
        before = world.files()
        threads = [threading.Thread(target=client, args=(world, kind), daemon=True) for kind, count in KINDS.items() for _ in range(count)]
        threads.append(threading.Thread(target=editor, args=(world,), daemon=True))
        for one in threads:
            one.start()
        warm_at, warm, told = time.monotonic() + min(options.minutes * 15, 120), None, 0
        while not world.over() and world.gateway.process.poll() is None:
            time.sleep(0.2)
            if warm is None and time.monotonic() > warm_at:
                warm = world.resident()
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"     {max(0, world.end - told) / 60:.1f} minutes left: {world.ledger.total()} requests, {world.changes.count} edits, "
                      f"{world.resident() // MEGA} MiB, {sum(world.files().values())} files, {sum(world.ledger.wrong.values())} wrong", flush=True)
        for one in threads:
            one.join(30)
        hung = sum(one.is_alive() for one in threads)
        if hung:
            world.ledger.fail("the end", f"{hung} clients hang")
        for promise, wrong in checks(world, before, warm or 0):
            passed, failed = passed + (not wrong), failed + bool(wrong)
            print(f"FAIL {promise}: {wrong}" if wrong else f"PASS {promise}", flush=True)
        if failed:
            print("\n".join("     " + line for line in world.gateway.log().splitlines()[-20:]))
        outcomes = ", ".join(f"{kind} {outcome}: {count}" for (kind, outcome), count in sorted(world.ledger.ended.items(), key=str))
        print(f"     {world.ledger.total()} requests, {world.changes.count} edits: {outcomes}")
        print(f"{passed} passed, {failed} failed")
    finally:
        world.gateway.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
