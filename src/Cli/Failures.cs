using FeatureStore.Cli.Composition;
using FeatureStore.Contract.Values;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Registry.Validation;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Store;
using Grpc.Core;

namespace FeatureStore.Cli;

/// <summary>The one place where an exception becomes a message and an exit code.</summary>
internal static class Failures
{
    public static int Report(Exception e, bool verbose)
    {
        Console.Error.WriteLine(verbose ? e.ToString() : $"fstore: {Message(e)}");
        return Code(e);
    }

    private static string Message(Exception e) => e is RpcException rpc ? $"the server answered {rpc.StatusCode}: {rpc.Status.Detail}" : e.Message;

    private static int Code(Exception e) => e switch
    {
        UsageException or MaterializeRangeException or EntityValueException => ExitCodes.Usage,
        DefinitionException or RegistryConflictException or ModelRefusedException or ModelStoreException or RpcException { StatusCode: StatusCode.NotFound or StatusCode.InvalidArgument } => ExitCodes.No,
        _ => ExitCodes.Outside,
    };
}
