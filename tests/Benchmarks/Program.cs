using BenchmarkDotNet.Running;
using FeatureStore.Benchmarks.DuckDb;
using FeatureStore.Benchmarks.Scoring;
using FeatureStore.Benchmarks.Weekly;

// weekly-features --users N --rows N [--weeks N] [--times N] [--pairs N] [--memory-mib N] [--threads N] [--folder PATH]
// score-row MODEL... (for example tests/Scoring.Tests/Golden/cases/lr-vector/model.onnx)
// score-read MODEL... (models with one vector of seven floats)
// micro [BenchmarkDotNet's own arguments]
switch (args.FirstOrDefault())
{
    case "weekly-features":
        return WeeklyBenchmark.Run(WeeklySettings.Parse(args[1..]));
    case WeeklyBenchmark.ChildVerb:
        return WeeklyBenchmark.RunChild(args[1], WeeklySettings.Parse(args[2..]));
    case "score-row":
        return RowBenchmark.Run(args[1..]);
    case "score-read":
        return await ReadBenchmark.RunAsync(args[1..]);
    case "micro":
        BenchmarkSwitcher.FromTypes([typeof(ReaderBenchmarks)]).Run(args[1..]);
        return 0;
    default:
        Console.Error.WriteLine("Name a benchmark: weekly-features, score-row, score-read or micro.");
        return 2;
}
