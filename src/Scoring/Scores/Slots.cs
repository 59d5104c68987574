using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Scores;

/// <summary>The places of one feature in the row-major block of an input.</summary>
internal readonly ref struct Slots<T>(T[] values, int position, int width, int first, int rows)
{
    /// <summary>Row of the batch that the block begins with.</summary>
    public int First => first;

    public int Rows => rows;

    public void Set(int row, T value) => values[(row * width) + position] = value;
}

internal static class Slots
{
    public static long[] Shape(InputBinding binding, int rows) => binding.Port.Dimensions.Count == 1 ? [rows] : [rows, binding.Width];

    public static T Absent<T>(FeatureColumn column, Maybe<T> value) => value.HasValue
        ? value.Value
        : throw new ScoreRequestException($"Feature '{column.Name}' is absent in a row; the model takes no absent values of it. Give the model a default for it, or leave the row out.");

    public static ScoreRequestException WrongType(FeatureColumn column, ModelPort port) =>
        new($"Feature '{column.Name}' is of the type {column.GetType().GenericTypeArguments[0].Name}, and input {port} cannot take it without loss.");
}
