using System.Globalization;
using System.Numerics;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Scores;

/// <summary>Writes features into one input. The element type and what stands for an absent value are decided when the model is loaded.</summary>
internal abstract class InputWriter(InputBinding binding)
{
    protected InputBinding Binding { get; } = binding;

    public static InputWriter Create(InputBinding binding, ScoringPlan plan) => binding.Port.Type switch
    {
        TensorType.Float => Numbers<float>(binding, plan, float.NaN),
        TensorType.Double => Numbers<double>(binding, plan, double.NaN),
        TensorType.Float16 => Numbers<Half>(binding, plan, Half.NaN),
        TensorType.Int64 => Numbers<long>(binding, plan, null),
        TensorType.Int32 => Numbers<int>(binding, plan, null),
        TensorType.Int16 => Numbers<short>(binding, plan, null),
        TensorType.Int8 => Numbers<sbyte>(binding, plan, null),
        TensorType.UInt64 => Numbers<ulong>(binding, plan, null),
        TensorType.UInt32 => Numbers<uint>(binding, plan, null),
        TensorType.UInt16 => Numbers<ushort>(binding, plan, null),
        TensorType.UInt8 => Numbers<byte>(binding, plan, null),
        TensorType.Bool => new PlainWriter<bool>(binding, Missing<bool>(binding, plan, text => bool.TryParse(text, out var value) ? value : null, null), false),
        _ => new PlainWriter<string>(binding, Missing<string>(binding, plan, text => new Maybe<string>(text), null), string.Empty),
    };

    /// <param name="columns">The columns of the input's features, in their order.</param>
    public abstract Tensor Write(ReadOnlySpan<FeatureColumn> columns, int first, int rows);

    private static NumberWriter<T> Numbers<T>(InputBinding binding, ScoringPlan plan, T? notANumber)
        where T : struct, INumber<T> =>
        new(binding, Missing(binding, plan, text => T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null, notANumber is { } nan ? nan : default(Maybe<T>?)), notANumber is not null);

    private static Maybe<T>[] Missing<T>(InputBinding binding, ScoringPlan plan, Func<string, Maybe<T>?> parse, Maybe<T>? notANumber) =>
        [.. binding.Features.Select(f => plan.Missing == MissingPolicy.Refuse ? default
            : plan.Defaults.TryGetValue(f, out var text)
                ? parse(text) ?? throw new ModelRefusedException($"The default '{text}' of feature '{f}' is no {binding.Port.Type}, which input '{binding.Port.Name}' takes.")
            : plan.Missing == MissingPolicy.NaN ? notANumber ?? default
            : throw new ModelRefusedException($"Feature '{f}' has no default, and absent features are to be filled with defaults."))];
}

/// <summary>A value or none, for classes and structs alike.</summary>
internal readonly record struct Maybe<T>(T Value)
{
    public bool HasValue { get; } = true;

    public static implicit operator Maybe<T>(T value) => new(value);
}

/// <summary>An input of numbers. Whole features feed any number type that holds them; fractions only inputs of fractions: a model must not see a cut amount.</summary>
internal sealed class NumberWriter<T>(InputBinding binding, Maybe<T>[] missing, bool takesFractions) : InputWriter(binding)
    where T : struct, INumber<T>
{
    public override Tensor Write(ReadOnlySpan<FeatureColumn> columns, int first, int rows)
    {
        var values = new T[rows * Binding.Width];
        for (var i = 0; i < columns.Length; i++)
        {
            var target = new Slots<T>(values, i, Binding.Width, first, rows);
            switch (columns[i])
            {
                case FeatureColumn<double> column when takesFractions:
                    Copy(column, target, missing[i]);
                    break;
                case FeatureColumn<float> column when takesFractions:
                    Copy(column, target, missing[i]);
                    break;
                case FeatureColumn<long> column:
                    Copy(column, target, missing[i]);
                    break;
                case FeatureColumn<int> column:
                    Copy(column, target, missing[i]);
                    break;
                case FeatureColumn<bool> column:
                    for (var row = 0; row < rows; row++)
                    {
                        target.Set(row, column.IsNull(first + row) ? Slots.Absent(column, missing[i]) : column.Values[first + row] ? T.One : T.Zero);
                    }

                    break;
                default:
                    throw Slots.WrongType(columns[i], Binding.Port);
            }
        }

        return Tensor.Of(Binding.Port.Name, Slots.Shape(Binding, rows), values);
    }

    private void Copy<TFrom>(FeatureColumn<TFrom> column, Slots<T> target, Maybe<T> absent)
        where TFrom : struct, INumber<TFrom>
    {
        try
        {
            for (var row = 0; row < target.Rows; row++)
            {
                var at = target.First + row;
                target.Set(row, column.IsNull(at) ? Slots.Absent(column, absent) : T.CreateChecked(column.Values[at]));
            }
        }
        catch (OverflowException)
        {
            throw new ScoreRequestException($"Feature '{column.Name}' has a value that input {Binding.Port} cannot hold.");
        }
    }
}

/// <summary>An input of texts or truth values, fed by features of the same type only.</summary>
internal sealed class PlainWriter<T>(InputBinding binding, Maybe<T>[] missing, T filler) : InputWriter(binding)
{
    public override Tensor Write(ReadOnlySpan<FeatureColumn> columns, int first, int rows)
    {
        var values = new T[rows * Binding.Width];
        Array.Fill(values, filler);
        for (var i = 0; i < columns.Length; i++)
        {
            var column = columns[i] as FeatureColumn<T> ?? throw Slots.WrongType(columns[i], Binding.Port);
            var target = new Slots<T>(values, i, Binding.Width, first, rows);
            for (var row = 0; row < rows; row++)
            {
                // A text may be absent without a mark: .NET's null.
                target.Set(row, column.IsNull(first + row) || column.Values[first + row] is null ? Slots.Absent(column, missing[i]) : column.Values[first + row]);
            }
        }

        return Tensor.Of(Binding.Port.Name, Slots.Shape(Binding, rows), values);
    }
}
