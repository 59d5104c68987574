using FeatureStore.Cli.Composition;
using FeatureStore.Contract.Keys;
using FeatureStore.Contract.Values;
using FeatureStore.DuckDb;
using FeatureStore.Jobs.Materialize;
using FeatureStore.OfflineStore.DataSets;
using FeatureStore.OfflineStore.PointInTime;
using FeatureStore.Registry.Validation;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Receipts;
using FeatureStore.Scoring.Store;
using FeatureStore.Serving.Retrieval;
using FeatureStore.Training.XGBoost;
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

    private static string Message(Exception e) => e switch
    {
        RpcException rpc => $"the server answered {rpc.StatusCode}: {rpc.Status.Detail}",

        // DuckDB names the file, and then prints the statement.
        DuckDbException duck when duck.Message.Contains(".parquet", StringComparison.Ordinal) =>
            $"{duck.Message.Split('\n')[0].Trim()}. The file is damaged or missing: restore it, or remove its table's folder and fill it again ('fstore ingest' for a change table, 'fstore features compute' for a feature table).",
        _ => e.Message,
    };

    private static int Code(Exception e) => e switch
    {
        UsageException or MaterializeRangeException or EntityValueException or EntityKeyException => ExitCodes.Usage,
        RetrievalException { Fault: RetrievalFault.Invalid or RetrievalFault.TooLarge or RetrievalFault.RequestDataMissing } => ExitCodes.Usage,
        RetrievalException { Fault: not RetrievalFault.NotRecorded } => ExitCodes.No,
        DefinitionException or LabelException or RegistryConflictException or ModelRefusedException or ModelStoreException or TrainingException or DataSetException or ReceiptException { InnerException: null } or RpcException { StatusCode: StatusCode.NotFound or StatusCode.InvalidArgument } => ExitCodes.No,
        _ => ExitCodes.Outside,
    };
}
