using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace FeatureStore.Serving.Retrieval;

/// <summary>What a fault is called in each API: the gRPC code, the HTTP code, and Feast's exception class that its clients raise.</summary>
internal sealed record FaultCodes(StatusCode Grpc, int Http, string FeastClass)
{
    public static FaultCodes Of(RetrievalFault fault) => fault switch
    {
        RetrievalFault.ServiceNotFound => new(StatusCode.NotFound, StatusCodes.Status404NotFound, "FeatureServiceNotFoundException"),
        RetrievalFault.ViewNotFound => new(StatusCode.NotFound, StatusCodes.Status404NotFound, "FeatureViewNotFoundException"),
        RetrievalFault.FeatureNotFound => new(StatusCode.NotFound, StatusCodes.Status404NotFound, "FeastObjectNotFoundException"),
        RetrievalFault.RequestDataMissing => new(StatusCode.InvalidArgument, StatusCodes.Status404NotFound, "RequestDataNotFoundInEntityRowsException"),
        RetrievalFault.NameCollision => new(StatusCode.InvalidArgument, StatusCodes.Status400BadRequest, "FeatureNameCollisionError"),
        RetrievalFault.TooLarge => new(StatusCode.ResourceExhausted, StatusCodes.Status413PayloadTooLarge, "FeastError"),
        RetrievalFault.NotServed => new(StatusCode.FailedPrecondition, StatusCodes.Status409Conflict, "FeastError"),
        RetrievalFault.PushSourceNotFound => new(StatusCode.InvalidArgument, StatusCodes.Status422UnprocessableEntity, "PushSourceNotFoundException"),
        RetrievalFault.NotSetUp => new(StatusCode.Unimplemented, StatusCodes.Status501NotImplemented, "FeastError"),

        RetrievalFault.ModelNotFound => new(StatusCode.NotFound, StatusCodes.Status404NotFound, "FeastError"),
        RetrievalFault.ModelRefused => new(StatusCode.FailedPrecondition, StatusCodes.Status409Conflict, "FeastError"),
        RetrievalFault.NotRecorded => new(StatusCode.Unavailable, StatusCodes.Status503ServiceUnavailable, "FeastError"),

        // No mistake of the client; Feast answers 500 too.
        RetrievalFault.NotReady or RetrievalFault.NotPrecomputed => new(StatusCode.FailedPrecondition, StatusCodes.Status500InternalServerError, "FeastError"),
        RetrievalFault.Corrupt => new(StatusCode.DataLoss, StatusCodes.Status500InternalServerError, "FeastError"),
        _ => new(StatusCode.InvalidArgument, StatusCodes.Status400BadRequest, "FeastError"),
    };
}
