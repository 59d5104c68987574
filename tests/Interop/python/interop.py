"""Runs the interoperability cases with Debian's grpcio and prints one line of JSON per case: {"case", "fault"}.

Argument: JSON with the addresses plain, tls, mutualTls, expired, otherName, feast and feastMutualTls, the folder certificates, and the file descriptors, a
FileDescriptorSet from which the messages are made; no generated code is needed.
"""
import json
import pathlib
import queue
import sys
import traceback

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SETUP = json.loads(sys.argv[1])
SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001F608\t\n"
LONG = 30

files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(SETUP["descriptors"]).read_bytes())
pool = descriptor_pool.DescriptorPool()
for file in files.file:
    pool.Add(file)
factory = message_factory.MessageFactory(pool)


def message(name, **fields):
    return factory.GetPrototype(pool.FindMessageTypeByName(name))(**fields)


def testing(name, **fields):
    return message("grpc.testing." + name, **fields)


def zeros(size):
    return testing("Payload", body=bytes(size))


def sized(*sizes):
    return [testing("ResponseParameters", size=size) for size in sizes]


def method(channel, service, name):
    """The callable of a method, with serialisers taken from the descriptors."""
    found = pool.FindServiceByName(service).methods_by_name[name]
    proto = descriptor_pb2.MethodDescriptorProto()
    found.CopyToProto(proto)
    kind = {(False, False): channel.unary_unary, (False, True): channel.unary_stream,
            (True, False): channel.stream_unary, (True, True): channel.stream_stream}[proto.client_streaming, proto.server_streaming]
    return kind(
        f"/{service}/{name}",
        request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=factory.GetPrototype(found.output_type).FromString)


PLAIN = grpc.insecure_channel(SETUP["plain"])
FEAST = grpc.insecure_channel(SETUP["feast"])


def call(name, channel=PLAIN):
    return method(channel, "grpc.testing.TestService", name)


def feast(name):
    return method(FEAST, "feast.serving.ServingService", name)


def drivers(*ids):
    values = message("feast.types.RepeatedValue", val=[message("feast.types.Value", int64_val=i) for i in ids])
    return {"driver_id": values}


def features(**fields):
    return message("feast.serving.GetOnlineFeaturesRequest", **fields)


def refused(run, code, text=None):
    try:
        run()
    except grpc.RpcError as error:
        assert error.code() == code, (error.code(), error.details())
        assert text is None or text in error.details(), error.details()
        return
    raise AssertionError(f"answered, and {code} was due")


def sizes(responses):
    return [len(r.payload.body) for r in responses]


def empty_unary():
    call("EmptyCall")(testing("Empty"), timeout=LONG)


def large_unary():
    answer = call("UnaryCall")(testing("SimpleRequest", response_size=314159, payload=zeros(271828)), timeout=LONG)
    assert answer.payload.body == bytes(314159)


def client_streaming():
    requests = (testing("StreamingInputCallRequest", payload=zeros(size)) for size in (27182, 8, 1828, 45904))
    assert call("StreamingInputCall")(requests, timeout=LONG).aggregated_payload_size == 74922


def server_streaming():
    request = testing("StreamingOutputCallRequest", response_parameters=sized(31415, 9, 2653, 58979))
    assert sizes(call("StreamingOutputCall")(request, timeout=LONG)) == [31415, 9, 2653, 58979]


def duplex(*requests, **options):
    """An open duplex call and the queue of its further requests; None ends it."""
    pending = queue.Queue()
    for request in requests:
        pending.put(request)
    return call("FullDuplexCall")(iter(pending.get, None), timeout=options.pop("timeout", LONG), **options), pending


def ping(answer, request, **fields):
    return testing("StreamingOutputCallRequest", response_parameters=sized(answer), payload=zeros(request), **fields)


def ping_pong():
    responses, pending = duplex()
    for answer, request in zip((31415, 9, 2653, 58979), (27182, 8, 1828, 45904)):
        pending.put(ping(answer, request))
        assert len(next(responses).payload.body) == answer
    pending.put(None)
    assert list(responses) == []


def empty_stream():
    responses, _ = duplex(None)
    assert list(responses) == []


def status_code_and_message():
    status = testing("EchoStatus", code=2, message="test status message")
    refused(lambda: call("UnaryCall")(testing("SimpleRequest", response_status=status), timeout=LONG), grpc.StatusCode.UNKNOWN, status.message)
    responses, _ = duplex(testing("StreamingOutputCallRequest", response_status=status), None)
    refused(lambda: list(responses), grpc.StatusCode.UNKNOWN, status.message)


def special_status_message():
    status = testing("EchoStatus", code=2, message=SPECIAL)
    try:
        call("UnaryCall")(testing("SimpleRequest", response_status=status), timeout=LONG)
    except grpc.RpcError as error:
        assert error.details() == SPECIAL, repr(error.details())
        return
    raise AssertionError("answered, and a status was due")


def unimplemented_method():
    refused(lambda: call("UnimplementedCall")(testing("Empty"), timeout=LONG), grpc.StatusCode.UNIMPLEMENTED)


def unimplemented_service():
    nowhere = method(PLAIN, "grpc.testing.UnimplementedService", "UnimplementedCall")
    refused(lambda: nowhere(testing("Empty"), timeout=LONG), grpc.StatusCode.UNIMPLEMENTED)


def custom_metadata():
    trailing = b"\xab\xab\xab\x00\xff"
    metadata = (("x-grpc-test-echo-initial", "test_initial_metadata_value"), ("x-grpc-test-echo-trailing-bin", trailing))

    def check(done):
        assert dict(done.initial_metadata())["x-grpc-test-echo-initial"] == "test_initial_metadata_value"
        assert dict(done.trailing_metadata())["x-grpc-test-echo-trailing-bin"] == trailing

    _, done = call("UnaryCall").with_call(testing("SimpleRequest", response_size=10), timeout=LONG, metadata=metadata)
    check(done)
    responses, _ = duplex(ping(7, 5), None, metadata=metadata)
    assert sizes(responses) == [7]
    check(responses)


def timeout_on_sleeping_server():
    slow = testing("ResponseParameters", size=1, interval_us=60_000_000)
    responses, _ = duplex(testing("StreamingOutputCallRequest", response_parameters=[slow], payload=zeros(27182)), timeout=0.2)
    refused(lambda: list(responses), grpc.StatusCode.DEADLINE_EXCEEDED)


def cancel_after_begin():
    pending = queue.Queue()
    started = queue.Queue()

    def requests():
        started.put(True)
        yield from iter(pending.get, None)

    future = call("StreamingInputCall").future(requests(), timeout=LONG)
    started.get(timeout=LONG)
    future.cancel()
    assert future.code() == grpc.StatusCode.CANCELLED, future.code()
    pending.put(None)


def cancel_after_first_response():
    responses, pending = duplex(ping(31415, 27182))
    assert len(next(responses).payload.body) == 31415
    responses.cancel()
    refused(lambda: list(responses), grpc.StatusCode.CANCELLED)
    pending.put(None)


def client_compressed_unary():
    def ask(expected, compression):
        request = testing(
            "SimpleRequest", response_size=314159, payload=zeros(271828), expect_compressed=testing("BoolValue", value=expected))
        return call("UnaryCall")(request, timeout=LONG, compression=compression)

    refused(lambda: ask(True, grpc.Compression.NoCompression), grpc.StatusCode.INVALID_ARGUMENT)
    assert len(ask(True, grpc.Compression.Gzip).payload.body) == 314159
    assert len(ask(False, grpc.Compression.NoCompression).payload.body) == 314159


def server_compressed_unary():
    for value in (True, False):
        request = testing("SimpleRequest", response_size=314159, response_compressed=testing("BoolValue", value=value))
        assert len(call("UnaryCall")(request, timeout=LONG).payload.body) == 314159


def server_compressed_streaming():
    parameters = [testing("ResponseParameters", size=s, compressed=testing("BoolValue", value=v)) for s, v in ((31415, True), (92653, False))]
    request = testing("StreamingOutputCallRequest", response_parameters=parameters)
    assert sizes(call("StreamingOutputCall")(request, timeout=LONG)) == [31415, 92653]


def status_details():
    details = b"\x08\x09\x12\x00\xff"
    request = testing("SimpleRequest", response_status=testing("EchoStatus", code=9, message="with details"))
    try:
        call("UnaryCall")(request, timeout=LONG, metadata=(("x-grpc-test-echo-trailing-bin", details),))
    except grpc.RpcError as error:
        assert (error.code(), error.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "with details"), error
        assert dict(error.trailing_metadata())["grpc-status-details-bin"] == details, error.trailing_metadata()
        return
    raise AssertionError("answered, and a status was due")


def secure(address, root, key=None, certificate=None):
    def read(name):
        return (pathlib.Path(SETUP["certificates"]) / name).read_bytes() if name else None

    return grpc.secure_channel(address, grpc.ssl_channel_credentials(read(root), read(key), read(certificate)))


def tls():
    call("EmptyCall", secure(SETUP["tls"], "root.pem"))(testing("Empty"), timeout=LONG)
    for address, root in (("tls", "stranger.pem"), ("expired", "root.pem"), ("otherName", "root.pem")):
        stranger = call("EmptyCall", secure(SETUP[address], root))
        refused(lambda: stranger(testing("Empty"), timeout=2), grpc.StatusCode.UNAVAILABLE)


def mutual_tls():
    call("EmptyCall", secure(SETUP["mutualTls"], "root.pem", "client.key", "client.pem"))(testing("Empty"), timeout=LONG)
    bare = call("EmptyCall", secure(SETUP["mutualTls"], "root.pem"))
    refused(lambda: bare(testing("Empty"), timeout=2), grpc.StatusCode.UNAVAILABLE)


def feast_get_online_features():
    answer = feast("GetOnlineFeatures")(features(feature_service="drivers_v1", entities=drivers(1001, 1002, 9)), timeout=LONG)
    columns = dict(zip(answer.metadata.feature_names.val, answer.results))
    assert [v.int64_val for v in columns["driver_id"].values] == [1001, 1002, 9]
    assert list(columns["rating"].statuses) == [1, 2, 3], columns["rating"].statuses
    assert columns["rating"].values[0].double_val == 4.75
    assert columns["city"].values[1].string_val == "Zürich"
    assert columns["city"].event_timestamps[0].seconds == SETUP["eventSeconds"]


def feast_references():
    request = features(
        features=message("feast.serving.FeatureList", val=["drivers:city"]), entities=drivers(1001), full_feature_names=True)
    answer = feast("GetOnlineFeatures")(request, timeout=LONG)
    assert list(answer.metadata.feature_names.val) == ["driver_id", "drivers__city"]
    assert answer.results[1].values[0].string_val == "Oslo"


def feast_serving_info():
    answer = feast("GetFeastServingInfo")(message("feast.serving.GetFeastServingInfoRequest"), timeout=LONG)
    assert answer.version[0].isdigit() and "." in answer.version, answer.version


def feast_errors():
    def ask(**fields):
        return lambda: feast("GetOnlineFeatures")(features(**fields), timeout=LONG)

    def listed(*names):
        return message("feast.serving.FeatureList", val=names)

    refused(ask(feature_service="nope", entities=drivers(1)), grpc.StatusCode.NOT_FOUND, "drivers_v1")
    refused(ask(features=listed("drivers:nope"), entities=drivers(1)), grpc.StatusCode.NOT_FOUND, "drivers:nope")
    refused(ask(features=listed("drivers"), entities=drivers(1)), grpc.StatusCode.INVALID_ARGUMENT, "view:feature")
    refused(ask(feature_service="drivers_v1"), grpc.StatusCode.INVALID_ARGUMENT)


def feast_error_details():
    request = features(features=message("feast.serving.FeatureList", val=["nowhere:x"]), entities=drivers(1))
    try:
        feast("GetOnlineFeatures")(request, timeout=LONG)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        for text in (b"google.rpc.ErrorInfo", b"VIEW_NOT_FOUND", b"FeatureViewNotFoundException", b"nowhere:x"):
            assert text in details, (text, details)
        return
    raise AssertionError("answered, and a status was due")


def feast_mutual_tls():
    def ask(*names, timeout=2):
        channel = secure(SETUP["feastMutualTls"], "root.pem", *names)
        request = features(features=message("feast.serving.FeatureList", val=["drivers:city"]), entities=drivers(1001))
        return method(channel, "feast.serving.ServingService", "GetOnlineFeatures")(request, timeout=timeout)

    assert ask("client.key", "client.pem", timeout=LONG).results[1].values[0].string_val == "Oslo"
    for names in ((), ("expired.key", "expired.pem"), ("foreign.key", "foreign.pem")):
        refused(lambda: ask(*names), grpc.StatusCode.UNAVAILABLE)


def health(name, **fields):
    return method(FEAST, "grpc.health.v1.Health", name)(message("grpc.health.v1.HealthCheckRequest", **fields), timeout=LONG)


def health_check():
    for service in ("", "feast.serving.ServingService", "GrpcFeatureServer"):
        assert health("Check", service=service).status == 1, service
    refused(lambda: health("Check", service="nothing.Here"), grpc.StatusCode.NOT_FOUND)


def health_watch():
    for service, status in (("", 1), ("nothing.Here", 3)):
        watch = health("Watch", service=service)
        assert next(watch).status == status, service
        watch.cancel()


def reflect(version):
    def ask(**fields):
        request = message(f"grpc.reflection.{version}.ServerReflectionRequest", **fields)
        answers = method(FEAST, f"grpc.reflection.{version}.ServerReflection", "ServerReflectionInfo")(iter([request]), timeout=LONG)
        return next(answers)

    listed = ask(list_services="").list_services_response.service
    assert {"GrpcFeatureServer", "feast.serving.ServingService", "grpc.health.v1.Health"} <= {s.name for s in listed}, listed
    found = ask(file_containing_symbol="feast.serving.ServingService").file_descriptor_response.file_descriptor_proto
    assert any(b"GetOnlineFeatures" in f for f in found)
    assert ask(file_containing_symbol="feast.nothing.Here").error_response.error_code == 5


def reflection_v1():
    reflect("v1")


def reflection_v1alpha():
    reflect("v1alpha")


CASES = [
    empty_unary, large_unary, client_streaming, server_streaming, ping_pong, empty_stream, status_code_and_message,
    special_status_message, unimplemented_method, unimplemented_service, custom_metadata, timeout_on_sleeping_server,
    cancel_after_begin, cancel_after_first_response, client_compressed_unary, server_compressed_unary,
    server_compressed_streaming, status_details, tls, mutual_tls, feast_get_online_features, feast_references, feast_serving_info,
    feast_errors, feast_error_details, feast_mutual_tls, health_check, health_watch, reflection_v1, reflection_v1alpha,
]

for case in CASES:
    fault = None
    try:
        case()
    except BaseException:
        fault = traceback.format_exc()
    print(json.dumps({"case": case.__name__, "fault": fault}), flush=True)
