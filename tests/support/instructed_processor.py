"""The external processor of examples/external-processing: does what the header `instructions` says, in JSON. Usage: ... PORT

  {"addHeaders": {"a": "1"}, "removeHeaders": ["b"], "answer": 403, "body": "of the response"}"""
import json
import sys

from external_processor import Processor, fields_of, immediate, part_of, reply


def say(request, seen):
    part = part_of(request)
    shown = fields_of(seen[0]) if part_of(seen[0]) == "request_headers" else {}
    told = json.loads(shown.get("instructions", ["{}"])[0])
    if part == "request_headers" and "answer" in told:
        return immediate(told["answer"], b"not here")
    if part == "request_headers":
        return reply(part, list(told.get("addHeaders", {}).items()), told.get("removeHeaders", []))
    if part == "response_body" and "body" in told:
        return reply(part, body=told["body"].encode())
    return reply(part)


if __name__ == "__main__":
    Processor(None, say, port=int(sys.argv[1])).server.wait_for_termination()
