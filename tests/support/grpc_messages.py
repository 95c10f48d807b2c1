"""Messages of Protocol Buffers from a few words each, for services on grpcio.

Debian's grpcio, protobuf and redis belong to Debian's Python: whoever imports this under another one is started again there."""
import os
import sys

DEBIAN = "/usr/bin/python3"
try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
except ImportError:
    if os.path.realpath(sys.executable) == os.path.realpath(DEBIAN) or not os.path.exists(DEBIAN):
        raise
    os.execv(DEBIAN, [DEBIAN, *sys.argv])


def classes(package, messages):
    """The classes of `messages`, each a text of `field: type number`; "*": repeated; "?": has presence; a type with a capital is one
    of the messages."""
    field_type = descriptor_pb2.FieldDescriptorProto
    scalars = {"string": field_type.TYPE_STRING, "bytes": field_type.TYPE_BYTES, "bool": field_type.TYPE_BOOL, "int32": field_type.TYPE_INT32,
               "int64": field_type.TYPE_INT64, "uint32": field_type.TYPE_UINT32, "double": field_type.TYPE_DOUBLE}
    file = descriptor_pb2.FileDescriptorProto(name=package + ".proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for one in fields.split(", "):
            label, rest = one.split(": ")
            kind, number = rest.split()
            field = message.field.add(name=label, number=int(number), label=field_type.LABEL_OPTIONAL)
            if kind.startswith("*"):
                field.label = field_type.LABEL_REPEATED
            if kind.startswith("?"):
                message.oneof_decl.add(name="_" + label)
                field.proto3_optional, field.oneof_index = True, len(message.oneof_decl) - 1
            kind = kind.lstrip("*?")
            if kind in scalars:
                field.type = scalars[kind]
            else:
                field.type, field.type_name = field_type.TYPE_MESSAGE, f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}
