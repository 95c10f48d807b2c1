"""Stands for Amazon: checks Signature Version 4 itself, from the published description, and gives roles (STS). Standard library only."""
import hashlib
import hmac
import http.server
import json
import threading
import time
import urllib.parse

KEY, SECRET = "AKIDTEST", "s3cr3t/of+mine"
ROLE_KEY, ROLE_SECRET, ROLE_TOKEN = "ASIAROLE", "r0le-s3cr3t", "r0le-t0ken=="
WEB_TOKEN = "eyJ.of-a-service.account"
OWN_ROLE = "arn:aws:iam::123456789012:role/gateway"
ROLE = "arn:aws:iam::123456789012:role/caller"
REGION = "eu-west-1"


def signature(secret, service, head, method, path, body):
    """What Amazon computes: Signature Version 4, from the published description."""
    words = dict(part.strip().split("=", 1) for part in head["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(","))
    names = words["SignedHeaders"].split(";")
    key, day, region, of_service, end = words["Credential"].split("/")
    assert (region, of_service, end) == (REGION, service, "aws4_request"), words
    assert "host" in names and all(name in names for name in head if name.startswith("x-amz-")), names
    canonical = "\n".join([method, urllib.parse.quote(path, safe="/-._~"), "", *(f"{name}:{' '.join(head[name].split())}" for name in names), "",
                           ";".join(names), hashlib.sha256(body).hexdigest()])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", head["x-amz-date"], f"{day}/{region}/{service}/aws4_request",
                         hashlib.sha256(canonical.encode()).hexdigest()])
    signing = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    assert hmac.new(signing, to_sign.encode(), hashlib.sha256).hexdigest() == words["Signature"], (canonical, head)
    return key


class Amazon:
    """STS, and what a subclass serves. `wrong`: what was wrong with requests, of which each was answered with 403."""

    def __init__(self, gateway):
        self.own, self.roles, self.wrong, self.expires, self.pause = 0, 0, [], 3600, None
        amazon = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                head = {name.lower(): value for name, value in self.headers.items()} | {":method": self.command}
                body = self.rfile.read(int(head.get("content-length", 0)))
                try:
                    assert head["host"] == f"127.0.0.1:{amazon.port}", head
                    status, fields, text = amazon.serve(head, self.path, body)
                except AssertionError as wrong:
                    amazon.wrong.append(str(wrong))
                    status, fields, text = 403, {}, "{}"
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text if isinstance(text, bytes) else text.encode())

            do_GET = do_PUT = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # a client that has had enough of an answer
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        gateway.backends.append(self)

    def serve(self, head, path, body):
        """The answer: status, fields, text."""
        if head[":method"] != "POST":
            return self.machine(head, path)
        assert path == "/", path
        form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
        return getattr(self, form["Action"])(head, body, form)

    def signed(self, service, head, path, body):
        """Whoever it is by, ourselves or the role, the signature must be right."""
        role = head.get("x-amz-security-token") == ROLE_TOKEN
        key = signature(ROLE_SECRET if role else SECRET, service, head, "POST", path, body)
        assert key == (ROLE_KEY if role else KEY), key

    def credentials(self):
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.expires))
        return (f"<Credentials><AccessKeyId>{ROLE_KEY}</AccessKeyId><SecretAccessKey>{ROLE_SECRET}</SecretAccessKey>"
                f"<SessionToken>{ROLE_TOKEN}</SessionToken><Expiration>{until}</Expiration></Credentials>")

    def AssumeRole(self, head, body, form):
        self.signed("sts", head, "/", body)
        assert form["RoleArn"] == ROLE, form
        self.roles += 1
        if self.pause:
            self.pause.wait(10)
        return 200, {"Content-Type": "text/xml"}, (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
            f"{self.credentials()}</AssumeRoleResult></AssumeRoleResponse>")

    def AssumeRoleWithWebIdentity(self, head, body, form):
        assert "authorization" not in head and form["RoleArn"] == OWN_ROLE and form["WebIdentityToken"] == WEB_TOKEN, (head, form)
        self.own += 1
        return 200, {}, (f"<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>{self.credentials()}"
                         "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")

    def machine(self, head, path):
        """What containers and instances are told of themselves."""
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.expires))
        found = json.dumps({"AccessKeyId": ROLE_KEY, "SecretAccessKey": ROLE_SECRET, "Token": ROLE_TOKEN, "Expiration": until})
        if path == "/v1/credentials":
            assert head[":method"] == "GET" and head["authorization"] == WEB_TOKEN, head
        elif path == "/latest/api/token":
            assert head[":method"] == "PUT" and int(head["x-aws-ec2-metadata-token-ttl-seconds"]) > 0, head
            return 200, {}, "metadata-token"
        else:
            assert head[":method"] == "GET" and head["x-aws-ec2-metadata-token"] == "metadata-token", head
            roles = "/latest/meta-data/iam/security-credentials/"
            if path == roles:
                return 200, {}, "web-role"
            assert path == roles + "web-role", path
        self.own += 1
        return 200, {}, found

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
