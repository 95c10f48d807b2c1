"""A small OpenID provider and key server, for tests and examples. Keys and signatures are the openssl program's.
Usage: openid_provider.py PORT [ISSUER]    (ISSUER: default http://127.0.0.1:PORT)

/.well-known/openid-configuration, /authorize (logs everybody in as alice, at once), /token (code with PKCE, refresh), /keys, /end."""
import base64
import hashlib
import http.server
import json
import pathlib
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SigningKey:
    """An RSA key and the tokens that it signs."""

    def __init__(self, kid="k1"):
        self.kid = kid
        self.folder = tempfile.TemporaryDirectory(prefix="tidegate-test-")
        self.path = pathlib.Path(self.folder.name) / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.path],
                       check=True, stderr=subprocess.DEVNULL)
        modulus = subprocess.run(["openssl", "rsa", "-in", self.path, "-noout", "-modulus"], check=True, capture_output=True).stdout
        self.n = bytes.fromhex(modulus.decode().strip().removeprefix("Modulus="))

    def jwk(self):
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": encode(self.n), "e": "AQAB"}

    def key_set(self):
        return json.dumps({"keys": [self.jwk()]})

    def public_pem(self):
        return subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout"], check=True, capture_output=True).stdout.decode()

    def token(self, seconds=3600, **claims):
        claims.setdefault("exp", int(time.time()) + seconds)
        head = {"alg": "RS256", "typ": "JWT", "kid": self.kid}
        part = encode(json.dumps(head).encode()) + "." + encode(json.dumps(claims).encode())
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.path], input=part.encode(), check=True,
                                   capture_output=True).stdout
        return part + "." + encode(signature)


class Provider:
    """Runs in a thread. What it saw is in `requests`; `down` makes it answer 503, `life` is that of access tokens, in seconds."""

    def __init__(self, port=0, issuer=None, client_id="client", client_secret="hush"):
        self.client_id, self.client_secret = client_id, client_secret
        self.key, self.codes, self.refresh_tokens = SigningKey(), {}, {}
        self.requests, self.down, self.life, self.garbage = [], False, 3600, False
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body=b"", **fields):
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def json(self, value, status=200):
                self.answer(status, json.dumps(value).encode(), Content_Type="application/json")

            def serve(self, form):
                url = urllib.parse.urlsplit(self.path)
                provider.requests.append((self.command, self.path, form))
                if provider.down:
                    return self.answer(503)
                if provider.garbage:
                    return self.answer(200, b"\xff<html>", Content_Type="application/json")
                serve = {"/.well-known/openid-configuration": provider.metadata, "/keys": lambda: json.loads(provider.key.key_set())}
                if url.path in serve:
                    return self.json(serve[url.path]())
                if url.path == "/authorize":
                    return self.answer(302, Location=provider.authorize(dict(urllib.parse.parse_qsl(url.query))))
                if url.path == "/token":
                    status, value = provider.tokens(form)
                    return self.json(value, status)
                return self.answer(404)

            def do_GET(self):
                self.serve({})

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.serve(dict(urllib.parse.parse_qsl(body.decode())))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.issuer = issuer or f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def metadata(self):
        return {"issuer": self.issuer, "authorization_endpoint": self.issuer + "/authorize", "token_endpoint": self.issuer + "/token",
                "jwks_uri": self.issuer + "/keys", "end_session_endpoint": self.issuer + "/end"}

    def authorize(self, query):
        assert query["response_type"] == "code" and query["client_id"] == self.client_id, query
        assert query["code_challenge_method"] == "S256", query
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = urllib.parse.urlencode({"code": code, "state": query["state"]})
        return query["redirect_uri"] + "?" + back

    def tokens(self, form):
        if form.get("client_id") != self.client_id or form.get("client_secret") != self.client_secret:
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") == "authorization_code":
            asked = self.codes.pop(form.get("code"), None)
            challenge = encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
            if not asked or asked["redirect_uri"] != form.get("redirect_uri") or asked["code_challenge"] != challenge:
                return 400, {"error": "invalid_grant"}
        elif not self.refresh_tokens.pop(form.get("refresh_token"), None):
            return 400, {"error": "invalid_grant"}
        refresh = secrets.token_urlsafe(16)
        self.refresh_tokens[refresh] = True
        return 200, {"token_type": "Bearer", "expires_in": self.life, "refresh_token": refresh,
                     "access_token": self.key.token(self.life, iss=self.issuer, sub="alice", aud=self.client_id, jti=secrets.token_hex(4)),
                     "id_token": self.key.token(self.life, iss=self.issuer, sub="alice", aud=self.client_id, email="alice@example.com")}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.key.folder.cleanup()


if __name__ == "__main__":
    here = Provider(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
    threading.Event().wait()
