"""Every case of h2spec (generic, http2, hpack) against the binary, in clear text and over TLS. Usage: h2spec.py BINARY

Needs Go, and once its module proxy: h2spec is built from the versions in tests/support/h2spec/go.mod. Where it cannot be had the
script says SKIP and counts nothing.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from certificates import Certificate  # noqa: E402
from gateway import free_port, get, main  # noqa: E402

PROGRAM = ROOT / "build/h2spec/h2spec"
GROUPS = ["generic", "http2", "hpack"]
CASES = 146  # in the pinned version, --strict included


def built():
    """Whether h2spec is there; it is built once."""
    if PROGRAM.exists():
        return True
    go = shutil.which("go") or (shutil.which("/usr/local/go/bin/go"))
    if not go:
        print("SKIP h2spec: Go is not on this machine", flush=True)
        return False
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([go, "build", "-mod=readonly", "-o", PROGRAM, "github.com/summerwind/h2spec/cmd/h2spec"],
                          cwd=ROOT / "tests/support/h2spec", capture_output=True, text=True, timeout=300, check=False,
                          env={**os.environ, "GOFLAGS": ""})
    if done.returncode != 0:
        print("SKIP h2spec: it cannot be built here: " + done.stderr.strip().splitlines()[-1], flush=True)
        return False
    return True


def all_cases_pass(gateway, port, *more):
    report = gateway.config.with_name("report.xml")
    done = subprocess.run([PROGRAM, *GROUPS, "--strict", "--host", "127.0.0.1", "--port", str(port), "--timeout", "3",
                           "--junit-report", report, *more], capture_output=True, text=True, timeout=500, check=False)
    cases = list(xml.etree.ElementTree.parse(report).getroot().iter("testcase"))
    bad = [f"{case.get('package')} {case.get('classname')}: " + " ".join("".join(case.itertext()).split())
           for case in cases if case.find("failure") is not None or case.find("error") is not None or case.find("skipped") is not None]
    assert not bad, f"{len(bad)} of {len(cases)}:\n" + "\n".join(bad)
    assert len(cases) == CASES and done.returncode == 0, (len(cases), done.returncode, done.stdout[-2000:])
    assert get(gateway.port, "/")[0] == 200, "the gateway serves afterwards"


def h2spec_passes_in_clear_text(gateway):
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    all_cases_pass(gateway, gateway.port)


def h2spec_passes_over_tls(gateway):
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    port = free_port()
    Certificate(gateway.config.parent, "localhost").secret(gateway, "cert")
    gateway.write("gateway.yaml", gateway.gateway_yaml(
        f"    - {{name: tls, protocol: HTTPS, port: {port}, tls: {{certificateRefs: [{{name: cert}}]}}}}\n"))
    gateway.start()
    all_cases_pass(gateway, port, "--tls", "--insecure")


TESTS = [h2spec_passes_in_clear_text, h2spec_passes_over_tls]

if __name__ == "__main__":
    sys.exit((1 if main(TESTS, sys.argv[1]) else 0) if built() else 0)
