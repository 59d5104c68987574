using System.Globalization;
using System.IO.Compression;
using System.Net;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Client;
using FeatureStore.Ingest;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Import;
using FeatureStore.Jobs.Materialize;
using FeatureStore.Jobs.Parity;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OnlineStore;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving;
using FeatureStore.Serving.Hosting;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Cli.Tests.EndToEnd;

/// <summary>The whole road on a real bank's year: import, change log, lake, weekly features, online store, parity, gRPC.</summary>
public sealed class BankYearTests : IDisposable
{
    private const int FeatureCount = 7;
    private static readonly DateTimeOffset FirstMonday = new(1993, 1, 4, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset LastMonday = new(1993, 12, 27, 0, 0, 0, TimeSpan.Zero);
    private static readonly FeatureViewModel View = MakeView();
    private readonly string _folder = Directory.CreateTempSubdirectory("year").FullName;

    private string Lake => Path.Combine(_folder, "lake");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Year_ImportedToServed_EqualsTheIndependentCountAndIsServedBitForBit()
    {
        Land();
        var weekly = new WeeklyFeatures(Lake);
        var computed = weekly.Compute(View, Micros(FirstMonday), Micros(LastMonday), TimeSpan.FromDays(7), CancellationToken.None);
        var again = weekly.Compute(View, Micros(FirstMonday), Micros(LastMonday), TimeSpan.FromDays(7), CancellationToken.None);
        Assert.True(computed.RowsWritten > 28_394);
        Assert.Equal(0, again.RowsWritten);

        var reader = new FeatureReader(Lake, 3);
        Assert.Equal(19_272, Compare(reader, "train.csv.gz"));
        Assert.Equal(9_122, Compare(reader, "test.csv.gz"));
        await ServeAndAskAsync(reader);
    }

    private static FeatureViewModel MakeView()
    {
        FieldModel[] features =
        [
            new("num_transactions_l1w", Kind.Int64), new("total_amount_l1w", Kind.Double), new("avg_amount_l1w", Kind.Double),
            new("min_amount_l1w", Kind.Double), new("max_amount_l1w", Kind.Double), new("num_vendors_l1w", Kind.Int64), new("num_sources_l1w", Kind.Int64),
        ];
        AggregationModel[] aggregations =
        [
            new(features[0].Name, "count", "transaction_id"), new(features[1].Name, "sum", "amount"), new(features[2].Name, "mean", "amount"),
            new(features[3].Name, "min", "amount"), new(features[4].Name, "max", "amount"), new(features[5].Name, "count_distinct", "vendor"),
            new(features[6].Name, "count_distinct", "sources"),
        ];
        return new FeatureViewModel(
            "user_transactions_l1w",
            [new FieldModel("user_id", Kind.String)],
            features,
            TimeSpan.FromDays(14),
            true,
            new SourceModel("weekly", "features/user_transactions_l1w", "event_timestamp", "created_timestamp", new Dictionary<string, string>()),
            new AggregatedModel("cdc/transactions", "time", TimeSpan.FromDays(7), true, aggregations));
    }

    private static long Micros(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static int Compare(FeatureReader reader, string file)
    {
        using var text = new StreamReader(new GZipStream(
            File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Golden", file)), CompressionMode.Decompress));
        text.ReadLine();
        var monday = string.Empty;
        var rows = new Dictionary<string, ShownRow>();
        var compared = 0;
        while (text.ReadLine() is { } line)
        {
            var fields = line.Split(',');
            if (fields[1] != monday)
            {
                monday = fields[1];
                var time = Micros(DateTimeOffset.Parse(monday, CultureInfo.InvariantCulture));
                rows = reader.Show(View, time, null, CancellationToken.None).Where(r => r.EventTimeMicros == time).ToDictionary(r => (string)r.Keys[0]);
            }

            for (var f = 0; f < FeatureCount; f++)
            {
                AssertEqual(fields[f + 2], rows[fields[0]].Values[f], f is 1 or 2 ? 1e-9 : 0, $"{fields[0]} at {monday}, {View.Features[f].Name}");
            }

            compared++;
        }

        return compared;
    }

    private static void AssertEqual(string expected, object? actual, double relative, string where)
    {
        if (expected.Length == 0)
        {
            Assert.True(actual is null, $"{where}: {actual} instead of null");
            return;
        }

        var wanted = double.Parse(expected, CultureInfo.InvariantCulture);
        var got = Convert.ToDouble(actual, CultureInfo.InvariantCulture);
        Assert.True(actual is not null && Math.Abs(got - wanted) <= relative * Math.Abs(wanted), $"{where}: {actual ?? "null"} instead of {expected}");
    }

    private void Land()
    {
        using var log = EmbeddedChangeLog.Open(Path.Combine(_folder, "log.db"));
        new Importer(log, TimeProvider.System).Run(
            ImportMapping.BerkaTransactions,
            Path.Combine(AppContext.BaseDirectory, "berka", "trans-1993.csv.gz"),
            KnownAt.Event,
            ImportShift.None,
            CancellationToken.None);
        var table = ChangeTable.Open(Lake, "cdc/transactions", ImportTable.Transactions.Columns);
        new IngestRunner(log, log.Topic(ImportTable.Transactions.Topic), ImportTable.Transactions.Columns, table).Run(10_000, null, CancellationToken.None);
    }

    private async Task ServeAndAskAsync(FeatureReader reader)
    {
        var online = new OnlineTable("bank_features", View.Name, [.. View.Features.Select(f => f.Name)]);
        await using var store = new SqliteOnlineStore(Path.Combine(_folder, "online.db"));
        await store.EnsureTablesAsync([online], CancellationToken.None);
        var counts = await new Materializer(store).RunAsync(online, Latest(reader), OnlineWriteRule.NewerOrEqualWins, null, CancellationToken.None);
        var parity = await new ParityCheck(store).RunAsync(online, Latest(reader), CancellationToken.None);
        Assert.True(parity.Passed, string.Join(", ", parity.FirstDifferences));
        Assert.Equal((counts.Read, counts.Read), (parity.Total, parity.Equal));
        Assert.Equal(reader.Show(View, Micros(LastMonday), null, CancellationToken.None).Count, counts.Read);

        var snapshot = new RegistrySnapshot(
            "bank_features",
            3,
            new Dictionary<string, FeatureViewModel> { [View.Name] = View },
            new Dictionary<string, FeatureServiceModel>
            {
                ["fraud_v1"] = new("fraud_v1", [new ProjectionModel(View.Name, View.Name, online.Features, new Dictionary<string, string>())]),
            });
        var runtime = new ServingRuntime(snapshot, store, new FixedTime(LastMonday.AddDays(1)), new RetrievalLimits());
        await using var server = await FeatureServer.StartAsync(runtime, new FeatureServerOptions(IPAddress.Loopback, 0), CancellationToken.None);
        using var client = new FeatureStoreClient(server.GrpcAddress);
        var truth = reader.Show(View, Micros(LastMonday), "576", CancellationToken.None).Single();
        var request = new GetOnlineFeaturesRequest { FeatureService = "fraud_v1" };
        request.Entities["user_id"] = new RepeatedValue { Val = { new Value { StringVal = "576" } } };
        var reply = await client.GetOnlineFeaturesAsync(request, null, CancellationToken.None);
        Assert.Equal(truth.Values[0], reply.Results[1].Values[0].Int64Val);
        Assert.Equal(FieldStatus.Present, reply.Results[1].Statuses[0]);
    }

    private static IEnumerable<IReadOnlyList<Contract.Rows.EncodedRow>> Latest(FeatureReader reader) =>
        reader.Latest(View, Micros(FirstMonday), Micros(LastMonday), 500, CancellationToken.None);

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
