"""Fails (503) at the first two requests of a path below /fail, and waits there below /wait. Usage: flaky.py PORT"""
import collections
import contextlib
import http.server
import sys
import time

tries = collections.Counter()


class Flaky(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        tries[self.path] += 1
        number = tries[self.path]
        if number < 3 and self.path.startswith("/wait"):
            time.sleep(5)
        body = f"try {number}".encode()
        with contextlib.suppress(OSError):  # nobody may be there any more
            self.send_response(503 if number < 3 and self.path.startswith("/fail") else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Flaky).serve_forever()
