"""An external processor on grpcio, with the messages of Envoy's ext_proc that it needs, by their numbers on the wire."""
from concurrent import futures

from grpc_messages import classes, grpc

PROCESS = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
MESSAGES = {
    "HeaderValue": "key: string 1, value: string 2, raw_value: bytes 3",
    "BoolValue": "value: bool 1",
    "HeaderValueOption": "header: HeaderValue 1, append: BoolValue 2, append_action: int32 3",
    "HeaderMap": "headers: *HeaderValue 1",
    "HeaderMutation": "set_headers: *HeaderValueOption 1, remove_headers: *string 2",
    "StreamedBodyResponse": "body: bytes 1, end_of_stream: bool 2",
    "BodyMutation": "body: ?bytes 1, clear_body: ?bool 2, streamed_response: StreamedBodyResponse 3",
    "CommonResponse": "status: int32 1, header_mutation: HeaderMutation 2, body_mutation: BodyMutation 3, clear_route_cache: bool 5",
    "HeadersResponse": "response: CommonResponse 1",
    "TrailersResponse": "header_mutation: HeaderMutation 1",
    "Number": "number: uint32 1",
    "ImmediateResponse": "status: Number 1, headers: HeaderMutation 2, body: bytes 3, grpc_status: Number 4, details: string 5",
    "ListValue": "values: *Value 1",
    "Value": "number_value: ?double 2, string_value: ?string 3, bool_value: ?bool 4, struct_value: Struct 5, list_value: ListValue 6",
    "StructEntry": "key: string 1, value: Value 2",
    "Struct": "fields: *StructEntry 1",
    "NamedStruct": "key: string 1, value: Struct 2",
    "Metadata": "filter_metadata: *NamedStruct 1",
    "Mode": "request_header_mode: int32 1, response_header_mode: int32 2, request_body_mode: int32 3, response_body_mode: int32 4, "
            "request_trailer_mode: int32 5, response_trailer_mode: int32 6",
    "Duration": "seconds: int64 1, nanos: int32 2",
    "HttpHeaders": "headers: HeaderMap 1, end_of_stream: bool 3",
    "HttpBody": "body: bytes 1, end_of_stream: bool 2",
    "HttpTrailers": "trailers: HeaderMap 1",
    "ProtocolConfiguration": "request_body_mode: int32 1, response_body_mode: int32 2",
    "ProcessingRequest": "request_headers: HttpHeaders 2, response_headers: HttpHeaders 3, request_body: HttpBody 4, response_body: HttpBody 5, "
                         "request_trailers: HttpTrailers 6, response_trailers: HttpTrailers 7, metadata_context: Metadata 8, "
                         "attributes: *NamedStruct 9, protocol_config: ProtocolConfiguration 11",
    "ProcessingResponse": "request_headers: HeadersResponse 1, response_headers: HeadersResponse 2, request_body: HeadersResponse 3, "
                          "response_body: HeadersResponse 4, request_trailers: TrailersResponse 5, response_trailers: TrailersResponse 6, "
                          "immediate_response: ImmediateResponse 7, dynamic_metadata: Struct 8, mode_override: Mode 9, "
                          "override_message_timeout: Duration 10",
}


CLASSES = classes("processor", MESSAGES)
Request, Response = CLASSES["ProcessingRequest"], CLASSES["ProcessingResponse"]
PARTS = ["request_headers", "response_headers", "request_body", "response_body", "request_trailers", "response_trailers"]


def part_of(request):
    """Which of the parts it is; exactly one."""
    parts = [part for part in PARTS if request.HasField(part)]
    assert len(parts) == 1, request
    return parts[0]


def fields_of(request):
    """Headers or trailers as a dictionary of lists; values are raw."""
    part = part_of(request)
    headers = getattr(request, part).trailers.headers if part.endswith("trailers") else getattr(request, part).headers.headers
    out = {}
    for header in headers:
        assert not header.value, header
        out.setdefault(header.key, []).append(header.raw_value.decode("latin-1"))
    return out


def struct(message):
    def value(one):
        if one.HasField("struct_value"):
            return struct(one.struct_value)
        if one.HasField("string_value"):
            return one.string_value
        return one.number_value if one.HasField("number_value") else one.bool_value if one.HasField("bool_value") else None
    return {entry.key: value(entry.value) for entry in message.fields}


def mutation(set_headers=(), remove=(), **more):
    """(name, value[, action]): action is a number of HeaderAppendAction, or True or False for `append`."""
    out = CLASSES["HeaderMutation"](remove_headers=list(remove))
    for name, value, *action in set_headers:
        option = out.set_headers.add()
        option.header.key = name
        option.header.raw_value = value if isinstance(value, bytes) else value.encode()
        if action and isinstance(action[0], bool):
            option.append.value = action[0]
        elif action:
            option.append_action = action[0]
    return out


def reply(part, set_headers=(), remove=(), body=None, clear=False, replace=False, streamed=None, **more):
    """What is said to a part; `streamed`: (bytes, end)."""
    out = Response(**more)
    if part.endswith("trailers"):
        getattr(out, part).header_mutation.CopyFrom(mutation(set_headers, remove))
        return out
    common = getattr(out, part).response
    common.SetInParent()
    if set_headers or remove:
        common.header_mutation.CopyFrom(mutation(set_headers, remove))
    if body is not None:
        common.body_mutation.body = body
    if clear:
        common.body_mutation.clear_body = True
    if streamed is not None:
        common.body_mutation.streamed_response.SetInParent()
        common.body_mutation.streamed_response.body, common.body_mutation.streamed_response.end_of_stream = streamed
    common.status = 1 if replace else 0
    return out


def immediate(status, body=b"", set_headers=(), details="", grpc_status=None):
    out = Response()
    if status:
        out.immediate_response.status.number = status
    out.immediate_response.body, out.immediate_response.details = body, details
    out.immediate_response.headers.CopyFrom(mutation(set_headers))
    if grpc_status is not None:
        out.immediate_response.grpc_status.number = grpc_status
    return out


class Processor:
    """Listens behind the gateway's Service "processor". `say(request, seen)` gives what is said to each message: a Response, bytes as they
    are, a list of these, or None; or set `process`, a generator over (requests, context). `seen` are this stream's requests so far.
    Without a gateway it is just a server on `port`."""

    def __init__(self, gateway, say=None, process=None, name="processor", port=0):
        self.say, self.process = say or (lambda request, seen: reply(part_of(request))), process
        self.streams = []  # each a list of requests
        self.ended = []    # for each that has ended: whether the gateway ended it in good order
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=32), options=[("grpc.max_receive_message_length", 16 << 20),
                                                                                       ("grpc.so_reuseport", 0)])
        handler = grpc.stream_stream_rpc_method_handler(self.run, request_deserializer=Request.FromString,
                                                        response_serializer=lambda one: one if isinstance(one, bytes) else one.SerializeToString())
        service, method = PROCESS[1:].split("/")
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()
        if gateway:
            gateway.backends.append(self)
            gateway.service(name, self.port)

    def run(self, requests, context):
        seen = []
        self.streams.append(seen)

        def noted():
            try:
                for request in requests:
                    seen.append(request)
                    yield request
                self.ended.append(True)
            except Exception:
                self.ended.append(False)
                raise
        if self.process:
            yield from self.process(noted(), context)
            return
        for request in noted():
            said = self.say(request, seen)
            yield from said if isinstance(said, list) else [] if said is None else [said]

    def parts(self, stream=-1):
        return [part_of(request) for request in self.streams[stream]]

    def stop(self):
        self.server.stop(0).wait()
