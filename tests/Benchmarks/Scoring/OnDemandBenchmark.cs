using System.Diagnostics;
using System.Globalization;
using Feast.Types;
using FeatureStore.OnlineStore.Sqlite;
using FeatureStore.Registry.Expressions;
using FeatureStore.Registry.Snapshot;
using FeatureStore.Serving;
using FeatureStore.Serving.Retrieval;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Benchmarks.Scoring;

/// <summary>
/// What on-demand expressions add to the read of their inputs: seven features in SQLite, read alone and with three expressions over them and a value of the request, in turns. Prints percentiles in microseconds
/// and bytes allocated. Each first answer is compared with the same arithmetic in C#.
/// </summary>
internal static class OnDemandBenchmark
{
    private const int WarmUps = 2_000;
    private const int Runs = 20_000;
    private const string Stored = "stored";
    private const string Made = "made";
    private static readonly Dictionary<string, string> NoMap = [];

    public static async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("fstore-on-demand-");
        try
        {
            await using var store = new SqliteOnlineStore(Path.Combine(folder.FullName, "online.db"));
            await ReadBenchmark.FillAsync(store);
            var runtime = new ServingRuntime(Snapshot(), store, TimeProvider.System, new RetrievalLimits());
            await MeasureAsync(runtime, rows: 1, Runs);
            await MeasureAsync(runtime, rows: 100, Runs / 10);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        return 0;
    }

    private static async Task MeasureAsync(ServingRuntime runtime, int rows, int runs)
    {
        var (stored, made) = (runtime.Plans.Service(Stored), runtime.Plans.Service(Made));
        var (without, with) = (new double[runs], new double[runs]);
        long bytesWithout = 0, bytesWith = 0;
        for (var i = -WarmUps; i < runs; i++)
        {
            var first = (i + WarmUps) * rows % (ReadBenchmark.Entities - rows);
            var ids = new EntityColumn("id", [.. Enumerable.Range(first, rows).Select(e => new Value { Int64Val = e })]);
            var amounts = new EntityColumn("amount", [.. Enumerable.Range(first, rows).Select(e => new Value { DoubleVal = e })]);

            // Whoever reads an entity second finds it in a cache, so they take turns at that.
            var (plain, computed) = i % 2 == 0
                ? (await ReadAsync(runtime, stored, [ids]), await ReadAsync(runtime, made, [ids, amounts]))
                : Swapped(await ReadAsync(runtime, made, [ids, amounts]), await ReadAsync(runtime, stored, [ids]));
            if (i < 0)
            {
                Check(computed.Answer, first, rows);
                continue;
            }

            (without[i], with[i]) = (plain.Micros, computed.Micros);
            (bytesWithout, bytesWith) = (bytesWithout + plain.Bytes, bytesWith + computed.Bytes);
        }

        var added = without.Zip(with, (a, b) => b - a).ToArray();
        Array.Sort(without);
        Array.Sort(with);
        Array.Sort(added);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{rows} rows: stored alone p50 {ReadBenchmark.At(without, 50):0.0} p99 {ReadBenchmark.At(without, 99):0.0} us, {bytesWithout / runs} bytes; with 3 expressions p50 {ReadBenchmark.At(with, 50):0.0} p99 {ReadBenchmark.At(with, 99):0.0} us, {bytesWith / runs} bytes; added p50 {ReadBenchmark.At(added, 50):0.0} us; ratio of p50 {ReadBenchmark.At(with, 50) / ReadBenchmark.At(without, 50):0.00}"));
    }

    private static async Task<(OnlineFeatures Answer, double Micros, long Bytes)> ReadAsync(ServingRuntime runtime, RetrievalPlan plan, EntityColumn[] entities)
    {
        var (start, bytes) = (Stopwatch.GetTimestamp(), GC.GetTotalAllocatedBytes());
        var answer = await runtime.Reader.ReadAsync(plan, entities, fullFeatureNames: true, CancellationToken.None);
        return (answer, Stopwatch.GetElapsedTime(start).TotalMicroseconds, GC.GetTotalAllocatedBytes() - bytes);
    }

    private static (T Second, T First) Swapped<T>(T first, T second) => (second, first);

    private static void Check(OnlineFeatures answer, int first, int rows)
    {
        for (var row = 0; row < rows; row++)
        {
            var entity = first + row;
            double amount = entity, f0 = ReadBenchmark.Number(entity, 0), f1 = ReadBenchmark.Number(entity, 1), f2 = ReadBenchmark.Number(entity, 2);
            Value[] expected =
            [
                f2 == 0 ? new Value() : new Value { DoubleVal = amount / f2 },
                new Value { BoolVal = amount > f1 },
                f0 == 0 ? new Value() : new Value { DoubleVal = Math.Round(f1 / f0, 2, MidpointRounding.AwayFromZero) },
            ];
            for (var f = 0; f < expected.Length; f++)
            {
                var bytes = answer.Features[ReadBenchmark.Features.Length + f].Value(row);
                var found = bytes.Length == 0 ? new Value() : Value.Parser.ParseFrom(bytes);
                if (!found.Equals(expected[f]))
                {
                    throw new InvalidOperationException($"Entity {entity}, expression {f}: {found} and not {expected[f]}.");
                }
            }
        }
    }

    private static RegistrySnapshot Snapshot()
    {
        var source = new ProjectionModel(ReadBenchmark.View, ReadBenchmark.View, ReadBenchmark.Features, NoMap);
        List<ExpressionInput> inputs =
        [
            .. ReadBenchmark.Features.Select(f => new ExpressionInput(ReadBenchmark.View, new FieldModel(f, Kind.Double))), new ExpressionInput(null, new FieldModel("amount", Kind.Double)),
        ];
        List<ExpressionFeature> features =
        [
            Feature("ratio", Kind.Double, "amount / f2"), Feature("exceeds", Kind.Bool, "amount > coalesce(f1, 0)"), Feature("each", Kind.Double, "round(f1 / f0, 2)"),
        ];
        var ratios = new OnDemandFeatureViewModel("ratios", [.. features.Select(f => f.Field)], [new FieldModel("amount", Kind.Double)], [ReadBenchmark.View], null)
        {
            Expressions = new ExpressionViewModel([source], inputs, features),
        };
        return new RegistrySnapshot(
            "bench",
            3,
            new Dictionary<string, FeatureViewModel> { [ReadBenchmark.View] = ReadBenchmark.Model() },
            new Dictionary<string, FeatureServiceModel>
            {
                [Stored] = new(Stored, [source]),
                [Made] = new(Made, [source, new ProjectionModel("ratios", "ratios", [.. features.Select(f => f.Field.Name)], NoMap)]),
            })
        {
            OnDemandFeatureViews = new Dictionary<string, OnDemandFeatureViewModel> { ["ratios"] = ratios },
        };

        ExpressionFeature Feature(string name, Kind kind, string text) => new(new FieldModel(name, kind), text, ExpressionText.Compile(text, kind, inputs));
    }
}
