using Feast.GrpcServer;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Serving.Writing;
using Google.Protobuf.Collections;
using Grpc.Core;

namespace FeatureStore.Serving.Grpc;

/// <summary><c>GrpcFeatureServer</c> over the same plans and writers; a push carries one row.</summary>
public sealed class FeatureServerGrpcService(ServingRuntime runtime) : FeatureServerGrpcBase
{
    /// <inheritdoc/>
    public override async Task<PushResponse> Push(PushRequest request, ServerCallContext context)
    {
        var columns = Columns(request.Features, request.TypedFeatures);
        await runtime.RowPusher.PushAsync(runtime.Plans.Snapshot, request.StreamFeatureView, request.To, columns, context.CancellationToken);
        return new PushResponse { Status = true };
    }

    /// <inheritdoc/>
    public override async Task<WriteToOnlineStoreResponse> WriteToOnlineStore(WriteToOnlineStoreRequest request, ServerCallContext context)
    {
        var columns = Columns(request.Features, request.TypedFeatures);
        await runtime.Pusher.WriteAsync(runtime.Plans.Snapshot, request.FeatureViewName, columns, transform: true, context.CancellationToken);
        return new WriteToOnlineStoreResponse { Status = true };
    }

    /// <inheritdoc/>
    public override Task<OnlineFeatures> GetOnlineFeatures(GetOnlineFeaturesRequest request, ServerCallContext context) =>
        OnlineFeaturesCall.RunAsync(runtime, request, context);

    private static PushedColumns Columns(MapField<string, string> texts, MapField<string, Value> typed) => texts.Count > 0 && typed.Count > 0
        ? throw new RetrievalException(RetrievalFault.Invalid, "Both features and typed_features are set; send one of them.")
        : new PushedColumns(texts.Select(t => KeyValuePair.Create(t.Key, (IReadOnlyList<object?>)[t.Value]))
            .Concat(typed.Select(t => KeyValuePair.Create(t.Key, (IReadOnlyList<object?>)[t.Value.ValCase is Value.ValOneofCase.None or Value.ValOneofCase.NullVal ? null : t.Value]))));
}
