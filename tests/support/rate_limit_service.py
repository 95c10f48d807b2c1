"""A rate limit service on grpcio, with the messages of Envoy's that it needs, that counts in a real Redis.

Usage by itself: rate_limit_service.py PORT REDIS_PORT DOMAIN LIMIT..., each limit as "path=/path1 minute 1"."""
import contextlib
import itertools
import subprocess
import sys
import tempfile
import threading
import time
from concurrent import futures

from gateway import free_port, wait_for
from grpc_messages import classes, grpc

import redis  # after grpc_messages, which finds the Python that has it

SHOULD_RATE_LIMIT = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"
CLASSES = classes("ratelimit", {
    "Entry": "key: string 1, value: string 2",
    "Descriptor": "entries: *Entry 1",
    "Request": "domain: string 1, descriptors: *Descriptor 2, hits_addend: uint32 3",
    "RateLimit": "requests_per_unit: uint32 1, unit: int32 2",
    "Duration": "seconds: int64 1",
    "Status": "code: int32 1, current_limit: RateLimit 2, limit_remaining: uint32 3, duration_until_reset: Duration 4",
    "Response": "overall_code: int32 1, statuses: *Status 2",
})
UNITS = {"second": (1, 1), "minute": (2, 60), "hour": (3, 3600), "day": (4, 86400)}  # number on the wire, seconds
OK, OVER_LIMIT = 1, 2


class RedisServer:
    """Keeps nothing on disk. stop() and start(): the same port."""

    def __init__(self):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="tidegate-test-")
        self.client = redis.Redis(port=self.port, socket_timeout=2, socket_connect_timeout=2)
        self.start()

    def start(self):
        self.process = subprocess.Popen(["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no",
                                         "--dir", self.folder.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.answers, "redis-server answers")

    def answers(self):
        with contextlib.suppress(redis.RedisError):
            return self.client.ping()

    def stop(self):
        self.process.kill()
        self.process.wait()


class RateLimitService:
    """`limits`: "key=value,key" (an entry each, in their order; without a value: each value is counted by itself) to (unit, requests).
    The exact value goes before any value. A descriptor without a limit is let through. `clock` may be turned on by a test."""

    def __init__(self, client, domain, limits, port=0):
        self.redis, self.domain, self.limits = client, domain, limits
        self.clock = time.time
        self.asked = []  # (domain, descriptors, each a list of pairs)
        self.go_on = threading.Event()  # cleared: nobody gets an answer
        self.go_on.set()
        self.begin(port)

    def begin(self, port):
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=[("grpc.so_reuseport", 0)])
        handler = grpc.unary_unary_rpc_method_handler(self.should_rate_limit, request_deserializer=CLASSES["Request"].FromString,
                                                      response_serializer=CLASSES["Response"].SerializeToString)
        service, method = SHOULD_RATE_LIMIT[1:].split("/")
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()

    def should_rate_limit(self, request, context):
        descriptors = [[(entry.key, entry.value) for entry in descriptor.entries] for descriptor in request.descriptors]
        self.asked.append((request.domain, descriptors))
        self.go_on.wait(10)
        try:
            statuses = [self.status(request.domain, entries, request.hits_addend or 1) for entries in descriptors]
        except redis.RedisError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        over = any(status.code == OVER_LIMIT for status in statuses)
        return CLASSES["Response"](overall_code=OVER_LIMIT if over else OK, statuses=statuses)

    def limit_of(self, domain, entries):
        if domain == self.domain:
            for names in itertools.product(*((f"{key}={value}", key) for key, value in entries)):
                if limit := self.limits.get(",".join(names)):
                    return limit
        return None

    def status(self, domain, entries, hits):
        limit = self.limit_of(domain, entries)
        if not limit:
            return CLASSES["Status"](code=OK)
        (number, seconds), allowed = UNITS[limit[0]], limit[1]
        now = int(self.clock())
        key = "_".join([domain, *(f"{key}_{value}" for key, value in entries), str(now // seconds * seconds)])
        counted = self.redis.pipeline().incrby(key, hits).expire(key, seconds).execute()[0]
        out = CLASSES["Status"](code=OK if counted <= allowed else OVER_LIMIT, limit_remaining=max(0, allowed - counted))
        out.current_limit.requests_per_unit, out.current_limit.unit = allowed, number
        out.duration_until_reset.seconds = seconds - now % seconds
        return out

    def stop(self):
        self.go_on.set()
        self.server.stop(0).wait()


if __name__ == "__main__":
    port, redis_port, domain, *texts = sys.argv[1:]
    limits = {text.split()[0]: (text.split()[1], int(text.split()[2])) for text in texts}
    RateLimitService(redis.Redis(port=int(redis_port), socket_timeout=2), domain, limits, int(port)).server.wait_for_termination()
