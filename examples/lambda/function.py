"""Stands for Lambda: answers an invocation as a function would that greets who asks. It does not look at signatures. Usage: function.py PORT"""
import http.server
import json
import sys


class Function(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"status_code": 200, "headers": {"content-type": "text/plain", "x-function": self.path.split(":")[-2]},
                             "body": f"hello, you asked for {event['raw_path']}\n"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Function).serve_forever()
