using System.Diagnostics;
using System.Globalization;
using FeatureStore.Scoring.Import;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;
using FeatureStore.Scoring.Scores;
using Microsoft.ML.OnnxRuntime;

namespace FeatureStore.Benchmarks.Scoring;

/// <summary>
/// What a score costs above the library's own call, for one row and for a hundred: the library alone (wrap the values, run, look at the outputs), the session (checks, outputs copied out), and the scorer
/// (features by name). Prints medians in microseconds and allocated bytes. The scorer's answer is compared with the library's, so that a broken path cannot look fast.
/// </summary>
internal sealed class RowBenchmark(string path)
{
    private const int WarmUps = 3_000;
    private const int RunsOfOneRow = 20_000;
    private const int RunsOfManyRows = 4_000;
    private const int ManyRows = 100;

    /// <param name="paths">Models with one vector of floats as their input.</param>
    public static int Run(IReadOnlyList<string> paths)
    {
        // What the first model is timed by, the runtime compiles meanwhile; so it is timed twice, and told once.
        foreach (var (path, isTold) in paths.Take(1).Select(p => (p, false)).Concat(paths.Select(p => (p, true))))
        {
            new RowBenchmark(path).Measure(1, RunsOfOneRow, isTold);
            new RowBenchmark(path).Measure(ManyRows, RunsOfManyRows, isTold);
        }

        return paths.Count == 0 ? 2 : 0;
    }

    private void Measure(int rows, int runs, bool isTold)
    {
        using var model = ModelLoader.Load(path);
        var port = model.Signature.Inputs.Single();
        var width = (int)port.Dimensions[1];
        var features = Enumerable.Range(0, width).Select(i => string.Create(CultureInfo.InvariantCulture, $"f{i}")).ToArray();
        using var scorer = Scorer.Create(ModelLoader.Load(path), new ScoringPlan { Features = features });
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        using var library = new InferenceSession(ModelImporter.ToOnnx(File.ReadAllBytes(path), ModelFormats.Of(path), ModelLimits.Default), options);
        using var runOptions = new RunOptions();
        string[] inputs = [port.Name];
        string[] outputs = [.. model.Signature.Outputs.Where(o => o.Type == TensorType.Float).Select(o => o.Name).Take(1)];
        long[] shape = [rows, width];
        var values = Enumerable.Range(0, rows * width).Select(i => (float)(i % 9)).ToArray();
        var sum = 0f;
        var (raw, rawBytes) = Time(runs, () =>
        {
            using var value = OrtValue.CreateTensorValueFromMemory(values, shape);
            using var results = library.Run(runOptions, inputs, [value], outputs);
            sum += results[0].GetTensorDataAsSpan<float>()[0];
        });
        var (session, sessionBytes) = Time(runs, () => sum += model.Run([Tensor.Of(port.Name, shape, values)], outputs)[0].Span<float>()[0]);
        var (scored, scoredBytes) = Time(runs, () => sum += scorer.Score(Columns(features, values, rows)).Output(outputs[0]).Span<float>()[0]);
        var expected = model.Run([Tensor.Of(port.Name, shape, values)], outputs)[0].Span<float>();
        if (!expected.SequenceEqual(scorer.Score(Columns(features, values, rows)).Output(outputs[0]).Span<float>()))
        {
            throw new InvalidOperationException($"{path}: the scorer answers otherwise than the model.");
        }

        if (isTold)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Path.GetFileName(Path.GetDirectoryName(path)),-24} {rows,4} rows: library {raw:0.0} us {rawBytes} B; session {session:0.0} us {sessionBytes} B; scorer {scored:0.0} us {scoredBytes} B; scorer/library {scored / raw:0.00}"));
        }
    }

    private static FeatureColumn[] Columns(string[] features, float[] values, int rows)
    {
        var columns = new FeatureColumn[features.Length];
        for (var f = 0; f < columns.Length; f++)
        {
            var column = new double[rows];
            for (var row = 0; row < rows; row++)
            {
                column[row] = values[(row * features.Length) + f];
            }

            columns[f] = FeatureColumn.Of(features[f], column);
        }

        return columns;
    }

    private static (double Median, long Bytes) Time(int runs, Action action)
    {
        for (var i = 0; i < WarmUps; i++)
        {
            action();
        }

        var times = new double[runs];
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < runs; i++)
        {
            var start = Stopwatch.GetTimestamp();
            action();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        bytes = (GC.GetAllocatedBytesForCurrentThread() - bytes) / runs;
        Array.Sort(times);
        return (times[runs / 2], bytes);
    }
}
