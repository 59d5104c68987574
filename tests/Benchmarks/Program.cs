using BenchmarkDotNet.Running;
using FeatureStore.Benchmarks.DuckDb;
using FeatureStore.Benchmarks.Ingest;
using FeatureStore.Benchmarks.Lake;
using FeatureStore.Benchmarks.Materialize;
using FeatureStore.Benchmarks.Postgres;
using FeatureStore.Benchmarks.Scoring;
using FeatureStore.Benchmarks.Training;
using FeatureStore.Benchmarks.Weekly;

// weekly-features --users N --rows N [--weeks N] [--times N] [--pairs N] [--memory-mib N] [--threads N] [--folder PATH]
// ingest [--rows N] [--pairs N] [--folder PATH]
// kafka-ingest [--messages N] [--pairs N] [--folder PATH]: starts a broker of its own
// capture [--cases stream,drain,single,latency,memory] [--rows N] [--singles N] [--small-rows N] [--large-rows N] [--pairs N] [--seconds N] [--connection TEXT] [--folder PATH]
// materialize --redis HOST:PORT [--entities N] [--pairs N] [--folder PATH]: empties that Redis
// open-log [--commits N] [--pairs N]
// training-export --labels N --rows N [--entities N] [--late-percent N] [--pairs N] [--memory-mib N] [--threads N] [--folder PATH]
// training-windows --labels N [--pairs N] [--memory-mib N] [--threads N]: over the bank of weekly-features
// score-row MODEL... (for example tests/Scoring.Tests/Golden/cases/lr-vector/model.onnx)
// score-read MODEL... (models with one vector of seven floats)
// on-demand
// micro [BenchmarkDotNet's own arguments]
switch (args.FirstOrDefault())
{
    case "weekly-features":
        return WeeklyBenchmark.Run(WeeklySettings.Parse(args[1..]));
    case WeeklyBenchmark.ChildVerb:
        return WeeklyBenchmark.RunChild(args[1], WeeklySettings.Parse(args[2..]));
    case "ingest":
        return IngestBenchmark.Run(args[1..]);
    case IngestBenchmark.ChildVerb:
        return IngestBenchmark.RunChild(args[1], args[2..]);
    case "kafka-ingest":
        return await KafkaBenchmark.RunAsync(args[1..]);
    case KafkaBenchmark.ChildVerb:
        return KafkaBenchmark.RunChild(args[1], args[2..]);
    case "capture":
        return await CaptureBenchmark.RunAsync(CaptureSettings.Parse(args[1..]));
    case CaptureBenchmark.ChildVerb:
        return await CaptureReaders.RunChildAsync(args[1], CaptureSettings.Parse(args[2..]));
    case "materialize":
        return MaterializeBenchmark.Run(args[1..]);
    case MaterializeBenchmark.ChildVerb:
        return await MaterializeBenchmark.RunChildAsync(args[1], args[2..]);
    case "open-log":
        return LogBenchmark.Run(args[1..]);
    case "training-export":
        return TrainingBenchmark.Run(TrainingSettings.Parse(args[1..]));
    case "training-windows":
        return TrainingBenchmark.RunWindows(TrainingSettings.Parse(args[1..]));
    case TrainingBenchmark.ChildVerb:
        return TrainingBenchmark.RunChild(args[1], TrainingSettings.Parse(args[2..]));
    case "score-row":
        return RowBenchmark.Run(args[1..]);
    case "score-read":
        return await ReadBenchmark.RunAsync(args[1..]);
    case "on-demand":
        return await OnDemandBenchmark.RunAsync();
    case "micro":
        BenchmarkSwitcher.FromTypes([typeof(ReaderBenchmarks)]).Run(args[1..]);
        return 0;
    default:
        Console.Error.WriteLine("Name a benchmark: weekly-features, ingest, kafka-ingest, capture, materialize, open-log, training-export, training-windows, score-row, score-read, on-demand or micro.");
        return 2;
}
