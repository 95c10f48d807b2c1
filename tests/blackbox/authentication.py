"""Who may come in: TrafficPolicy's acl, csrf, basicAuth, apiKeyAuth, jwtAuth and oauth2. Usage: authentication.py BINARY"""
import http.client
import json
import pathlib
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import get, main, wait_for  # noqa: E402
from openid_provider import Provider, SigningKey  # noqa: E402


def policy(gateway, spec, name="p", target="{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}"):
    gateway.write(f"policy-{name}.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{target}]
{spec}""")


def extension(gateway, spec, name="e"):
    gateway.write(f"extension-{name}.yaml", f"""apiVersion: gateway.kgateway.dev/v1alpha1
kind: GatewayExtension
metadata: {{name: {name}}}
spec:
{spec}""")


def secret(gateway, name, **data):
    gateway.write(f"secret-{name}.yaml", f"""apiVersion: v1
kind: Secret
metadata: {{name: {name}, labels: {{app: keys}}}}
stringData: {json.dumps(data)}
""")


def start(gateway):
    gateway.workers = 1  # a status that was seen once holds
    gateway.backend()
    gateway.route("    - backendRefs: [{name: echo, port: 80}]\n")
    gateway.start()


def seen(gateway, path="/", **headers):
    """The status, and what the backend saw or what was answered in its place."""
    status, fields, body = get(gateway.port, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return status, json.loads(body) if status == 200 else (fields, body.decode())


def accepted(gateway, name="p"):
    found = gateway.object("trafficpolicies", name, "apis/gateway.kgateway.dev/v1alpha1")
    ancestors = (found or {}).get("status", {}).get("ancestors", [])
    return [gateway.condition(one["conditions"], "Accepted") for one in ancestors]


def wait_for_status(gateway, status, path="/", **headers):
    wait_for(lambda: seen(gateway, path, **headers)[0] == status, f"{path} is answered with {status}")


def addresses_are_let_in_and_kept_out(gateway):
    policy(gateway, "  acl:\n    defaultAction: allow\n    denyResponse: {blockedByHeaderName: X-Blocked-By, statusCode: 451}\n"
           "    rules: [{name: local, cidrs: [127.0.0.0/8], action: deny}]\n")
    start(gateway)
    status, (fields, _) = seen(gateway)
    assert status == 451 and fields["x-blocked-by"] == "local", (status, fields)
    policy(gateway, "  acl:\n    defaultAction: deny\n    rules: [{cidrs: [127.0.0.1], action: allow}]\n")
    wait_for_status(gateway, 200)
    policy(gateway, "  acl:\n    defaultAction: deny\n    rules: [{cidrs: [172.18.0.0/12], action: allow}]\n")
    wait_for_status(gateway, 500)
    wait_for(lambda: any(one["status"] == "False" for one in accepted(gateway)), "the policy is not accepted")
    assert "172.16.0.0/12 was meant" in gateway.log() and "policy-p.yaml:" in gateway.log(), gateway.log()


def a_page_of_another_site_changes_nothing(gateway):
    policy(gateway, "  csrf:\n    percentageEnabled: 100\n    additionalOrigins: [{exact: allowThisOne.example.com}]\n")
    start(gateway)

    def post(**headers):
        return get(gateway.port, "/", "www.example.com", "POST", b"", headers)
    status, _, body = post()
    assert status == 403 and body == b"Invalid origin", (status, body)
    assert post(origin="http://evil.example")[0] == 403
    assert post(origin="http://www.example.com")[0] == 200
    assert post(origin="allowThisOne.example.com")[0] == 200
    assert get(gateway.port, "/", "www.example.com")[0] == 200
    stats = get(gateway.admin, "/stats")[2].decode()
    assert "http.http.csrf.missing_source_origin: 1\n" in stats and "csrf.request_valid: 2\n" in stats, stats


def user_and_password(gateway):
    secret(gateway, "users", **{".htpasswd": "admin:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n# none\n", "bad": "admin:$apr1$x$y"})
    policy(gateway, '  basicAuth: {users: ["user:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="]}\n')
    start(gateway)
    status, (fields, body) = seen(gateway)
    assert status == 401 and body == "User authentication failed. Missing username and password.", (status, body)
    assert fields["www-authenticate"] == f'Basic realm="http://127.0.0.1:{gateway.port}/"', fields
    assert seen(gateway, Authorization="Basic dXNlcjpwYXNzd29yZA==")[0] == 200
    assert seen(gateway, Authorization="Basic dXNlcjpwYXNzd29yZB==")[0] == 401
    policy(gateway, "  basicAuth: {secretRef: {name: users}}\n")
    wait_for_status(gateway, 200, Authorization="Basic YWRtaW46cGFzc3dvcmQ=")
    policy(gateway, "  basicAuth: {secretRef: {name: users, key: bad}}\n")
    wait_for_status(gateway, 500, Authorization="Basic YWRtaW46cGFzc3dvcmQ=")
    assert "$apr1$" not in gateway.log() and "admin" in gateway.log(), gateway.log()
    policy(gateway, "  basicAuth: {secretRef: {name: missing}}\n")
    wait_for(lambda: any("missing" in one.get("message", "") for one in accepted(gateway)), "the missing Secret is told")
    assert seen(gateway)[0] == 500
    dump = get(gateway.admin, "/config_dump")[2].decode()
    assert "W6ph5" not in dump and "password" not in dump


def keys_of_clients(gateway):
    secret(gateway, "one", alice="k-123")
    policy(gateway, "  apiKeyAuth: {secretRef: {name: one}, clientIdHeader: x-client-id}\n")
    start(gateway)
    status, (_, body) = seen(gateway)
    assert status == 401 and body == "Client authentication failed.", (status, body)
    status, request = seen(gateway, api_key="Bearer k-123")
    assert status == 200 and request["headers"]["x-client-id"] == ["alice"] and "api-key" not in request["headers"], request
    secret(gateway, "two", bob="k-456")
    policy(gateway, "  apiKeyAuth: {secretSelector: {matchLabels: {app: keys}}, keySources: [{query: key}, {cookie: key}]}\n")
    wait_for_status(gateway, 200, "/?key=k-456&x=1")
    assert seen(gateway, "/?key=k-456&x=1")[1]["query"] == "x=1"
    assert seen(gateway, Cookie="a=b; key=k-123")[1]["headers"]["cookie"] == ["a=b"]
    secret(gateway, "two", bob="k-123")  # whose it is cannot be told
    wait_for_status(gateway, 500, "/?key=k-123")
    assert "k-123" not in gateway.log(), gateway.log()


def tokens_with_keys_at_hand(gateway):
    key = SigningKey()
    inline = json.dumps(key.key_set())
    extension(gateway, f"""  jwt:
    providers:
      - name: one
        issuer: kgateway.dev
        audiences: [us]
        claimsToHeaders: [{{name: team, header: x-team}}]
        jwks: {{local: {{inline: {inline}}}}}
""")
    policy(gateway, "  jwtAuth: {extensionRef: {name: e}}\n")
    start(gateway)
    status, (fields, body) = seen(gateway, "/headers")
    assert status == 401 and body == "Jwt is missing", (status, body)
    assert fields["www-authenticate"] == f'Bearer realm="http://127.0.0.1:{gateway.port}/headers"', fields
    good = key.token(iss="kgateway.dev", aud="us", team="dev")
    status, request = seen(gateway, Authorization="Bearer " + good, X_Team="forged")
    assert status == 200 and request["headers"]["x-team"] == ["dev"] and "authorization" not in request["headers"], request
    assert seen(gateway, Authorization="Bearer " + key.token(iss="kgateway.dev", aud="them"))[0] == 403
    status, (_, body) = seen(gateway, Authorization="Bearer " + key.token(-100, iss="kgateway.dev", aud="us"))
    assert status == 401 and body == "Jwt is expired", (status, body)
    status, (_, body) = seen(gateway, Authorization="Bearer " + good[:-8] + "AAAAAAAA")
    assert status == 401 and body == "Jwt verification fails", (status, body)
    gateway.write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: keys}\ndata: {jwks: " +
                  json.dumps(key.public_pem()) + "}\n")
    extension(gateway, "  jwt:\n    validationMode: AllowMissing\n    providers:\n"
              "      - {name: one, forwardToken: true, tokenSource: {header: {header: X-Token}}, jwks: {local: {configMapRef: {name: keys}}}}\n")
    wait_for_status(gateway, 200)
    assert seen(gateway, X_Token=good)[1]["headers"]["x-token"] == [good]
    assert seen(gateway, X_Token="a.b.c")[0] == 401
    extension(gateway, "  jwt: {providers: [{name: one, jwks: {local: {inline: '{\"keys\":[]}'}}}]}\n")
    wait_for_status(gateway, 500, X_Token=good)
    assert "extension-e.yaml:" in gateway.log(), gateway.log()


def tokens_with_keys_elsewhere(gateway):
    provider = Provider()
    gateway.backends.append(provider)
    gateway.service("idp", provider.port)
    extension(gateway, """  jwt:
    providers:
      - name: one
        jwks: {remote: {url: "https://idp.example/keys", backendRef: {name: idp, port: 80}, cacheDuration: 2s}}
""")
    policy(gateway, "  jwtAuth: {extensionRef: {name: e}}\n")
    start(gateway)
    provider.garbage = True

    def token():
        return "Bearer " + provider.key.token(sub="alice")
    status, (_, body) = seen(gateway, Authorization=token())
    assert status == 401 and body == "Jwks remote fetch is failed", (status, body)
    provider.garbage = False
    wait_for_status(gateway, 200, Authorization=token())
    fetched = len(provider.requests)
    for _ in range(5):
        assert seen(gateway, Authorization=token())[0] == 200
    assert len(provider.requests) <= fetched + 1, provider.requests  # at most the other worker's refresh
    old = provider.key
    provider.key = SigningKey("k2")  # rotated
    wait_for_status(gateway, 200, Authorization=token())
    wait_for_status(gateway, 401, Authorization="Bearer " + old.token(sub="alice"))
    provider.down = True
    wait_for_status(gateway, 401, Authorization=token())  # what has expired is not used
    assert "was not fetched: status 503" in gateway.log(), gateway.log()
    old.folder.cleanup()


class Browser:
    """Keeps cookies and follows what the test tells it to."""

    def __init__(self, gateway):
        self.gateway, self.cookies, self.set = gateway, {}, []

    def get(self, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=10)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        self.set = answer.headers.get_all("Set-Cookie") or []
        for one in self.set:
            name, value = one.split(";")[0].split("=", 1)
            if value == "deleted":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer.status, answer.getheader("Location"), body

    def log_in(self, provider, path):
        status, location, _ = self.get(path)
        assert status == 302 and location.startswith("https://idp.example/authorize?"), (status, location)
        back = provider.authorize(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query)))
        parts = urllib.parse.urlsplit(back)
        assert parts.netloc == f"127.0.0.1:{self.gateway.port}" and parts.path == "/oauth2/redirect", back
        return parts.path + "?" + parts.query


def the_way_back_may_be_made_of_the_request(gateway):
    provider = Provider(issuer="https://idp.example")
    gateway.backends.append(provider)
    gateway.service("idp", provider.port)
    secret(gateway, "client", **{"client-secret": "hush"})
    extension(gateway, """  oauth2:
    backendRef: {name: idp, port: 80}
    issuerURI: https://idp.example
    redirectURI: "http://%REQ(x-login-host?:authority)%/back/here"
    credentials: {clientID: client, clientSecretRef: {name: client}}
""")
    policy(gateway, "  oauth2: {extensionRef: {name: e}}\n")
    start(gateway)
    browser = Browser(gateway)

    def asked(**more):
        status, location, _ = browser.get("/page", **more)
        assert status == 302, status
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))
    assert asked(X_Login_Host="login.example.com")["redirect_uri"] == "http://login.example.com/back/here"
    back = urllib.parse.urlsplit(provider.authorize(asked()))
    assert back.path == "/back/here" and back.netloc == f"127.0.0.1:{gateway.port}", back
    assert browser.get("/back/here/?" + back.query)[0] == 302  # another path: not logged in yet
    status, location, _ = browser.get("/back/here?" + back.query)
    assert status == 302 and location == f"http://127.0.0.1:{gateway.port}/page", (status, location)
    assert browser.get("/page")[0] == 200


def logging_in_at_a_provider(gateway):
    provider = Provider(issuer="https://idp.example")
    gateway.backends.append(provider)
    gateway.service("idp", provider.port)
    secret(gateway, "client", **{"client-secret": "hush"})
    extension(gateway, """  oauth2:
    backendRef: {name: idp, port: 80}
    issuerURI: https://idp.example
    scopes: [openid, email]
    forwardAccessToken: true
    credentials: {clientID: client, clientSecretRef: {name: client}}
    cookies: {names: {accessToken: access, idToken: id}, sameSite: Lax}
    jwt: {idToken: {audiences: [client], claimsToHeaders: [{name: email, header: x-email}]}}
    denyRedirect: {headers: [{name: x-requested-with, value: XMLHttpRequest}]}
""")
    policy(gateway, "  oauth2: {extensionRef: {name: e}}\n")
    start(gateway)
    browser = Browser(gateway)
    status, _, body = browser.get("/page", X_Requested_With="XMLHttpRequest")
    assert status == 401 and body == b"OAuth flow failed.", (status, body)
    callback = browser.log_in(provider, "/page?x=1")
    stranger = Browser(gateway)
    assert stranger.get(callback)[0] == 401  # has not begun this
    status, location, _ = browser.get(callback)
    assert status == 302 and location == f"http://127.0.0.1:{gateway.port}/page?x=1", (status, location)
    assert all("secure;HttpOnly;SameSite=Lax" in one or "=deleted" in one for one in browser.set), browser.set
    assert all("." not in name for name in browser.cookies), browser.cookies  # those of the flow are gone
    status, _, body = browser.get("/page?x=1")
    headers = json.loads(body)["headers"]
    assert status == 200 and headers["x-email"] == ["alice@example.com"], (status, body)
    assert headers["authorization"][0].startswith("Bearer ey") and "OauthHMAC" not in headers["cookie"][0], headers
    thief = Browser(gateway)
    thief.cookies = {**browser.cookies, "access": browser.cookies["id"]}
    thief.cookies = {name: value for name, value in thief.cookies.items() if not name.startswith("RefreshToken")}
    assert thief.get("/page")[0] == 302
    assert stranger.get(callback)[0] == 401  # a code is good for once

    # The session is over; the refresh token makes a new one, and the request goes on.
    expires = next(name for name in browser.cookies if name.startswith("OauthExpires"))
    before = dict(browser.cookies)
    browser.cookies[expires] = "1"
    status, _, body = browser.get("/page")
    assert status == 200 and browser.cookies["access"] != before["access"], (status, body)
    assert provider.requests[-1][2].get("grant_type") == "refresh_token" or provider.requests[-2][2]["grant_type"] == "refresh_token"
    assert browser.get("/page")[0] == 200
    # The old one is used up at the provider: that session begins anew.
    browser.cookies = {**before, expires: "1"}
    assert browser.get("/page")[0] == 302

    browser.cookies = before
    status, location, _ = browser.get("/logout")
    assert status == 302 and location.startswith("https://idp.example/end?id_token_hint=ey"), location
    assert not [name for name in browser.cookies if name in before], browser.cookies
    provider.down = True
    callback = browser.log_in(provider, "/page")
    assert browser.get(callback)[0] == 401
    dump = get(gateway.admin, "/config_dump")[2].decode() + gateway.log()
    assert "hush" not in dump
    (gateway.config / "secret-client.yaml").unlink()
    wait_for_status(gateway, 500, "/page")
    wait_for(lambda: any(one["status"] == "False" for one in accepted(gateway)), "the policy is not accepted")


TESTS = [addresses_are_let_in_and_kept_out, a_page_of_another_site_changes_nothing, user_and_password, keys_of_clients,
         tokens_with_keys_at_hand, tokens_with_keys_elsewhere, the_way_back_may_be_made_of_the_request, logging_in_at_a_provider]

if __name__ == "__main__":
    sys.exit(1 if main(TESTS, sys.argv[1]) else 0)
