using System.Collections.Concurrent;
using FeatureStore.Interop.Messages;
using Google.Protobuf;
using Grpc.Core;

namespace FeatureStore.Interop.Server;

/// <summary>The server's side of gRPC's interoperability cases. It tells what it was asked to tell: sizes, statuses, metadata, compression.</summary>
public sealed class InteropService : TestService.TestServiceBase
{
    private const string EchoInitial = "x-grpc-test-echo-initial";
    private const string EchoTrailing = "x-grpc-test-echo-trailing-bin";

    // The details of the richer error model; the transport carries whatever bytes stand there.
    private const string StatusDetails = "grpc-status-details-bin";

    /// <summary>Methods whose work was stopped since the caller cancelled or ran out of time.</summary>
    public ConcurrentQueue<string> Stopped { get; } = new();

    public override Task<Empty> EmptyCall(Empty request, ServerCallContext context) => Task.FromResult(new Empty());

    public override async Task<SimpleResponse> UnaryCall(SimpleRequest request, ServerCallContext context)
    {
        await EchoAsync(context);
        CheckCompressed(request.ExpectCompressed, context);
        if (context.RequestHeaders.GetValueBytes(EchoTrailing) is { } details && request.ResponseStatus is { } status)
        {
            throw new RpcException(new Status((StatusCode)status.Code, status.Message), new Metadata { { StatusDetails, details } });
        }

        Refuse(request.ResponseStatus);
        Choose(request.ResponseCompressed, context);
        return new SimpleResponse { Payload = Zeros(request.ResponseSize) };
    }

    public override async Task StreamingOutputCall(
        StreamingOutputCallRequest request, IServerStreamWriter<StreamingOutputCallResponse> responses, ServerCallContext context) =>
        await WatchedAsync(context, () => AnswerAsync(request, responses, context));

    public override async Task<StreamingInputCallResponse> StreamingInputCall(
        IAsyncStreamReader<StreamingInputCallRequest> requests, ServerCallContext context)
    {
        var size = 0;
        await WatchedAsync(context, async () =>
        {
            await foreach (var request in requests.ReadAllAsync(context.CancellationToken))
            {
                size += request.Payload.Body.Length;
            }
        });
        return new StreamingInputCallResponse { AggregatedPayloadSize = size };
    }

    public override async Task FullDuplexCall(
        IAsyncStreamReader<StreamingOutputCallRequest> requests, IServerStreamWriter<StreamingOutputCallResponse> responses, ServerCallContext context)
    {
        await EchoAsync(context);
        await WatchedAsync(context, async () =>
        {
            await foreach (var request in requests.ReadAllAsync(context.CancellationToken))
            {
                Refuse(request.ResponseStatus);
                await AnswerAsync(request, responses, context);
            }
        });
    }

    private static async Task AnswerAsync(
        StreamingOutputCallRequest request, IServerStreamWriter<StreamingOutputCallResponse> responses, ServerCallContext context)
    {
        foreach (var wanted in request.ResponseParameters)
        {
            await Task.Delay(TimeSpan.FromMicroseconds(wanted.IntervalUs), context.CancellationToken);
            responses.WriteOptions = new WriteOptions(wanted.Compressed is { Value: false } ? WriteFlags.NoCompress : 0);
            await responses.WriteAsync(new StreamingOutputCallResponse { Payload = Zeros(wanted.Size) }, context.CancellationToken);
        }
    }

    private static async Task EchoAsync(ServerCallContext context)
    {
        if (context.RequestHeaders.GetValue(EchoInitial) is { } initial)
        {
            await context.WriteResponseHeadersAsync(new Metadata { { EchoInitial, initial } });
        }

        if (context.RequestHeaders.GetValueBytes(EchoTrailing) is { } trailing)
        {
            context.ResponseTrailers.Add(EchoTrailing, trailing);
        }
    }

    private static void CheckCompressed(BoolValue? expected, ServerCallContext context)
    {
        var encoding = context.GetHttpContext().Request.Headers["grpc-encoding"].ToString();
        if (expected is not null && expected.Value != (encoding == "gzip"))
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"The request came with the encoding '{encoding}'."));
        }
    }

    private static void Refuse(EchoStatus? status)
    {
        if (status is not null)
        {
            throw new RpcException(new Status((StatusCode)status.Code, status.Message));
        }
    }

    private static void Choose(BoolValue? compressed, ServerCallContext context)
    {
        if (compressed is { Value: false })
        {
            context.WriteOptions = new WriteOptions(WriteFlags.NoCompress);
        }
    }

    private static Payload Zeros(int size) => new() { Body = UnsafeByteOperations.UnsafeWrap(new byte[size]) };

    private async Task WatchedAsync(ServerCallContext context, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            Stopped.Enqueue(context.Method);
            throw;
        }
    }
}
