"""Stands for EC2: knows two instances, of which one has the tag app=payments. It does not look at signatures. Usage: cloud.py PORT"""
import http.server
import sys

INSTANCE = """<item><instancesSet><item><instanceId>i-{number}</instanceId><instanceState><code>16</code><name>running</name></instanceState>
<placement><availabilityZone>us-east-1a</availabilityZone></placement><privateIpAddress>127.0.0.{number}</privateIpAddress>
<tagSet><item><key>app</key><value>{app}</value></item></tagSet></item></instancesSet></item>"""


class Cloud(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = ('<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet>'
                  f'{INSTANCE.format(number=1, app="payments")}{INSTANCE.format(number=2, app="other")}'
                  "</reservationSet></DescribeInstancesResponse>").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Cloud).serve_forever()
