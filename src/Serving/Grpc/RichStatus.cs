using System.Text.RegularExpressions;
using FeatureStore.Serving.Retrieval;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace FeatureStore.Serving.Grpc;

/// <summary>
/// A refusal as gRPC's richer error model has it: beside code and message, <c>grpc-status-details-bin</c> holds a
/// <c>google.rpc.ErrorInfo</c> with the fault's name and Feast's class, so that a client need not read the message.
/// </summary>
internal static partial class RichStatus
{
    private const string Domain = "feast.serving";
    private const string FeastClass = "feast_class";

    public static RpcException Of(RetrievalException fault)
    {
        var codes = FaultCodes.Of(fault.Fault);
        var info = new ErrorInfo
        {
            // ErrorInfo's own rule for reasons: upper case, words joined by underscores.
            Reason = WordStart().Replace(fault.Fault.ToString(), "_").ToUpperInvariant(),
            Domain = Domain,
        };
        info.Metadata.Add(FeastClass, codes.FeastClass);
        return new Google.Rpc.Status { Code = (int)codes.Grpc, Message = fault.Message, Details = { Any.Pack(info) } }.ToRpcException();
    }

    [GeneratedRegex("(?<=[a-z])(?=[A-Z])")]
    private static partial Regex WordStart();
}
