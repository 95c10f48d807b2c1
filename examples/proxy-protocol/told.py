"""A server of HTTP/1 behind PROXY protocol version 1: answers with that first line. Usage: told.py PORT"""
import http.server
import sys


class Told(http.server.BaseHTTPRequestHandler):
    def setup(self):
        super().setup()
        self.first = self.rfile.readline()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.first)))
        self.end_headers()
        self.wfile.write(self.first)


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Told).serve_forever()
