"""Certificates made while a test runs."""
import ssl
import subprocess

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Certificate:
    """For `name` (a DNS name): self-signed, or signed by another one. `chain` and `key` are PEM files."""

    def __init__(self, folder, name, signed_by=None, authority=False, san=None, key=EC):
        self.name = name
        self.chain, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        command = ["openssl", "req", "-x509", *key, "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.chain,
                   "-addext", f"subjectAltName={san or 'DNS:' + name}"]
        if signed_by:
            command += ["-CA", signed_by.chain, "-CAkey", signed_by.key, "-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run(command, check=True, capture_output=True)

    def secret(self, gateway, name):
        gateway.write(f"secret-{name}.yaml", f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\ntype: kubernetes.io/tls\n"
                      f"stringData:\n  tls.crt: |\n{indented(self.chain)}\n  tls.key: |\n{indented(self.key)}\n")

    def config_map(self, gateway, name):
        gateway.write(f"config-map-{name}.yaml", f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"
                      f"data:\n  ca.crt: |\n{indented(self.chain)}\n")

    def server_context(self, clients=None):
        """`clients`: the certificate that clients must show one of."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        if clients:
            context.load_verify_locations(clients.chain)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_context(self):
        context = anybody()
        context.load_cert_chain(self.chain, self.key)
        return context


def anybody():
    """A client that believes everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def indented(path):
    return "\n".join("    " + line for line in path.read_text().splitlines())


def subject(peer):
    """The name in the certificate that a TLS peer has shown."""
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=peer.getpeercert(True),
                          capture_output=True, check=True).stdout.decode()
    return text.split("=")[-1].strip()
