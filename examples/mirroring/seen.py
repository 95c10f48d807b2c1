"""Answers /seen with the paths and hosts of all requests so far. Usage: seen.py PORT"""
import http.server
import sys

seen = []


class Seen(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/seen":
            seen.append(f"{self.path} of {self.headers['Host'].split(':')[0]}")
        body = "\n".join(seen).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Seen).serve_forever()
