"""The program's own log: each mistake with its object, file and line, and what to do. Usage: own_log.py BINARY"""
import json
import pathlib
import socket
import ssl
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from certificates import Certificate, anybody, indented  # noqa: E402
from gateway import free_port, get, main, wait_for  # noqa: E402

ROUTE = "    - backendRefs: [{name: echo, port: 80}]\n"
GATEWAY = """apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec:
  gatewayClassName: tidegate
  listeners:
    - {{name: one, protocol: {protocol}, port: {port}{more}}}
"""


def lines(gateway):
    """The log as JSON objects."""
    return [json.loads(line) for line in gateway.log().splitlines()]


def line_with(gateway, text):
    return wait_for(lambda: next((one for one in lines(gateway) if text in one["message"]), None), f"the log says: {text}")


def as_json(gateway, *more):
    gateway.arguments = ["--log-format", "json", *more]
    gateway.route(ROUTE)


def each_mistake_of_a_file_is_told_with_object_file_and_line(gateway):
    as_json(gateway)
    gateway.write("yaml.yaml", "a: b\nkind: [\n")
    gateway.write("field.yaml", ("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: field}\nspec:\n"
                                 "  parentRefs: [{name: g}]\n  rulez: []\n"))
    gateway.write("kind.yaml", "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TraficPolicy\nmetadata: {name: policy}\n")
    gateway.write("secret.yaml", GATEWAY.format(name="secret", protocol="HTTPS", port=free_port(), more=", tls: {certificateRefs: [{name: gone}]}"))
    gateway.write("bytes.yaml", "kind: \0\n")
    gateway.start()
    told = line_with(gateway, "Service default/echo does not exist")
    assert (told["object"], told["level"], told["component"]) == ("HTTPRoute default/route", "error", "config"), told
    assert told["file"] == str(gateway.config / "route.yaml") and told["line"] == 7, told
    told = line_with(gateway, "Secret default/gone does not exist")
    assert told["object"] == "Gateway default/secret" and told["line"] == 7 and told["file"].endswith("secret.yaml"), told
    told = line_with(gateway, "unknown field spec.rulez, did you mean rules?")
    assert told["object"] == "HTTPRoute default/field" and told["line"] == 6 and told["level"] == "warning", told
    assert line_with(gateway, 'no kind "TraficPolicy"')["line"] == 1
    told = line_with(gateway, "YAML: ")
    assert told["file"].endswith(".yaml") and told["line"] >= 1 and "object" not in told, told
    assert {one["file"].rsplit("/", 1)[1] for one in lines(gateway) if "file" in one} >= {"yaml.yaml", "bytes.yaml"}


def text_has_the_place_in_front(gateway):
    gateway.route(ROUTE)
    gateway.start()
    place = f"error [config] {gateway.config}/route.yaml:7: HTTPRoute default/route: Service default/echo does not exist\n"
    wait_for(lambda: place in gateway.log(), place)


def a_wrong_regular_expression_is_told_and_matches_nothing(gateway):
    gateway.backend()
    gateway.route('    - matches: [{path: {type: RegularExpression, value: "/a("}}]\n      backendRefs: [{name: echo, port: 80}]\n'
                  "    - matches: [{path: {value: /b}}]\n      backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()
    gateway.wait_for_route("/b")
    assert get(gateway.port, "/a(")[0] == 404
    assert 'HTTPRoute default/route: the path "/a(" is not a regular expression: missing ): /a(; nothing matches it' in gateway.log()
    conditions = gateway.object("httproutes", "route")["status"]["parents"][0]["conditions"]
    assert gateway.condition(conditions, "PartiallyInvalid")["status"] == "True", conditions


def a_port_in_use_names_gateway_listener_file_and_line(gateway):
    as_json(gateway)
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        gateway.write("taken.yaml", GATEWAY.format(name="taken", protocol="HTTP", port=port, more=""))
        gateway.start()
        told = line_with(gateway, f"cannot listen on 127.0.0.1 port {port}: Address already in use")
        assert told["object"] == "Gateway default/taken listener one" and told["line"] == 7, told
        assert told["file"] == str(gateway.config / "taken.yaml"), told
        assert "trying again each second" in told["message"] and f"ss -ltnp 'sport = :{port}'" in told["message"], told
    line_with(gateway, f"listening on 127.0.0.1 port {port} now")


def nothing_served_is_no_silence(gateway):
    gateway.arguments = ["--gateway", "default/nobody"]
    gateway.start()
    wait_for(lambda: "nothing is served: there is no Gateway default/nobody, which --gateway asks for" in gateway.log(), "it is told")
    gateway.terminate()
    gateway.arguments = []
    (gateway.config / "gateway.yaml").unlink()
    gateway.start()
    wait_for(lambda: "nothing is served: there is no Gateway;" in gateway.log(), "it is told")


def a_backend_that_refuses_is_told_once_in_a_while(gateway):
    as_json(gateway)
    port = free_port()
    gateway.service("echo", port)
    gateway.start()
    for _ in range(20):
        assert get(gateway.port, "/")[0] == 502
    told = [one for one in lines(gateway) if f"the connection to 127.0.0.1:{port}" in one["message"]]
    assert len(told) == 1, told
    assert told[0]["object"] == "Service default/echo" and told[0]["file"].endswith("service-echo.yaml") and told[0]["line"] == 1, told
    assert "Connection refused" in told[0]["message"] and "502" in told[0]["message"] and told[0]["level"] == "warning", told


def https(gateway, port, folder, name="one.example.com", expires=None):
    """A listener with a certificate for `name`; `expires`: openssl's -days."""
    own = Certificate(folder, name)
    if expires is not None:
        subprocess.run(["openssl", "req", "-new", "-key", own.key, "-subj", f"/CN={name}", "-out", folder / "request"], check=True, capture_output=True)
        subprocess.run(["openssl", "x509", "-req", "-in", folder / "request", "-signkey", own.key, "-days", str(expires), "-out", own.chain],
                       check=True, capture_output=True)
    own.secret(gateway, "one")
    gateway.write("https.yaml", GATEWAY.format(name="https", protocol="HTTPS", port=port, more=f", hostname: {name}, tls: {{certificateRefs: [{{name: one}}]}}"))
    return own


def a_failed_handshake_is_told_once_in_a_while(gateway):
    as_json(gateway)
    port = free_port()
    https(gateway, port, pathlib.Path(gateway.folder.name))
    gateway.start()
    for _ in range(10):
        try:
            with socket.create_connection(("127.0.0.1", port)) as peer:
                anybody().wrap_socket(peer, server_hostname="other.example.com").close()
            raise AssertionError("a name that no listener has was served")
        except (ssl.SSLError, ConnectionError):
            pass
    told = [one for one in lines(gateway) if "TLS handshake with 127.0.0.1" in one["message"]]
    assert len(told) == 1, told
    assert told[0]["object"] == "Gateway default/https listener one" and told[0]["line"] == 7 and f"port {port}" in told[0]["message"], told


def a_probe_that_says_nothing_is_no_message(gateway):
    as_json(gateway)
    port = free_port()
    https(gateway, port, pathlib.Path(gateway.folder.name))
    gateway.start()
    for _ in range(5):
        socket.create_connection(("127.0.0.1", port)).close()
    assert not [one for one in lines(gateway) if "handshake" in one["message"]], gateway.log()


def certificates_that_have_expired_or_soon_will_are_told(gateway):
    as_json(gateway)
    folder = pathlib.Path(gateway.folder.name)
    https(gateway, free_port(), folder, expires=-1)
    gateway.start()
    told = line_with(gateway, "the certificate expired at ")
    assert told["object"] == "Secret default/one" and told["file"].endswith("secret-one.yaml") and told["line"] == 1, told
    assert told["level"] == "warning" and "put a new one" in told["message"], told
    https(gateway, free_port(), folder, expires=3)
    line_with(gateway, "the certificate expires at ")
    before = len(lines(gateway))
    https(gateway, free_port(), folder, expires=300)
    wait_for(lambda: len(lines(gateway)) > before, "the change is seen")
    assert not [one for one in lines(gateway)[before:] if "certificate" in one["message"]], gateway.log()


def a_backend_whose_certificate_is_not_believed_is_told(gateway):
    as_json(gateway)
    folder = pathlib.Path(gateway.folder.name)
    right, wrong = Certificate(folder, "right.example.com"), Certificate(folder, "wrong.example.com")
    port = free_port()
    gateway.service("echo", port)
    gateway.write("policy.yaml", "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: tls}\nspec:\n"
                  "  targetRefs: [{group: '', kind: Service, name: echo}]\n"
                  "  validation: {hostname: right.example.com, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}\n"
                  f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ca}}\ndata:\n  ca.crt: |\n{indented(right.chain)}\n")
    server = subprocess.Popen(["openssl", "s_server", "-quiet", "-accept", str(port), "-cert", wrong.chain, "-key", wrong.key, "-www"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.PIPE)
    try:
        def listens():
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False
        wait_for(listens, "the backend listens")
        gateway.start()
        assert get(gateway.port, "/")[0] in (502, 503)
        told = line_with(gateway, f"TLS with 127.0.0.1:{port}")
        assert told["object"] == "Service default/echo" and "certificate" in told["message"], told
    finally:
        server.kill()
        server.wait()


def what_ends_the_start_is_one_line_of_the_format(gateway):
    with socket.create_server(("127.0.0.1", gateway.metrics)):
        gateway.arguments = ["--log-format", "json"]
        gateway.start(wait=False)
        assert gateway.process.wait(10) == 1
        last = lines(gateway)[-1]
        assert last["level"] == "critical" and f"cannot listen on 127.0.0.1:{gateway.metrics}, the metrics port: Address already in use" in last["message"], last
        assert "--metrics-address" in last["message"], last
    for words, says in ((["--admin-address", "127.0.0.1"], "--admin-address must be IP:PORT, not 127.0.0.1"),
                        (["--address-pool", "300.1.1.1/8"], "--address-pool must be a range of IPv4 addresses"),
                        (["--address-pool", "::1/64"], "--address-pool must be a range of IPv4 addresses"),
                        (["--log-level", "loud"], "--log-level: no level is called loud"),
                        (["--gateway", "http"], "--gateway must be NAMESPACE/NAME")):
        done = subprocess.run([gateway.binary, "run", "--config", str(gateway.config), *words], capture_output=True, text=True, timeout=10)
        assert done.returncode == 2 and says in done.stderr, done


TESTS = [each_mistake_of_a_file_is_told_with_object_file_and_line, text_has_the_place_in_front, a_wrong_regular_expression_is_told_and_matches_nothing,
         a_port_in_use_names_gateway_listener_file_and_line, nothing_served_is_no_silence, a_backend_that_refuses_is_told_once_in_a_while,
         a_failed_handshake_is_told_once_in_a_while, a_probe_that_says_nothing_is_no_message, certificates_that_have_expired_or_soon_will_are_told,
         a_backend_whose_certificate_is_not_believed_is_told, what_ends_the_start_is_one_line_of_the_format]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
