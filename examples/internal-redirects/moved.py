"""An old service that knows where its pages have gone. Usage: moved.py PORT"""
import http.server
import sys


class Moved(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "http://www.example.com/new" + self.path.removeprefix("/old"))
        self.send_header("X-Ticket", "42")
        self.send_header("Content-Length", "0")
        self.end_headers()


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Moved).serve_forever()
