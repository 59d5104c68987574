using System.Diagnostics.CodeAnalysis;
using Feast.Serving;
using FeatureStore.Client.Answers;
using Google.Protobuf.WellKnownTypes;
using Value = Feast.Types.Value;

namespace FeatureStore.Client;

/// <summary>One feature of one entity row: a status, and a value if the status is <see cref="FieldStatus.Present"/>.</summary>
public readonly struct OnlineFeature
{
    private readonly OnlineFeatureColumn _column;
    private readonly int _row;

    internal OnlineFeature(OnlineFeatureColumn column, int row)
    {
        _column = column;
        _row = row;
    }

    /// <summary>Present, NullValue (stored as null), NotFound (no such entity or feature stored) or OutsideMaxAge (older than the view's ttl).</summary>
    public FieldStatus Status => _column.Statuses[_row];

    /// <summary>Whether there is a value to use.</summary>
    public bool IsPresent => Status == FieldStatus.Present;

    /// <summary>When the value was true, in UTC; null if nothing is stored, and for join keys.</summary>
    public DateTimeOffset? EventTimestamp => _column.Times[_row] is { } time && (time.Seconds != 0 || time.Nanos != 0) ? Instant(time) : null;

    /// <summary>The message as received; with <see cref="FieldStatus.OutsideMaxAge"/> it may hold the value that is too old.</summary>
    public Value Message => _column.Values[_row];

    /// <summary>The value.</summary>
    /// <typeparam name="T">long, int, double, float, bool, string, byte[], DateTimeOffset, an array of the first six, or <see cref="Value"/>.</typeparam>
    /// <exception cref="InvalidOperationException">The status is not Present.</exception>
    /// <exception cref="InvalidCastException">The feature is of another type.</exception>
    public T Get<T>()
    {
        if (!IsPresent)
        {
            throw new InvalidOperationException(
                $"'{_column.Name}' of row {_row} has no value: its status is {Status}. Look at {nameof(Status)} first, or use {nameof(GetOrDefault)} or {nameof(TryGet)}.");
        }

        return FeatureConversion.TryConvert<T>(Message, out var value)
            ? value
            : throw new InvalidCastException($"'{_column.Name}' is {Message.ValCase} and cannot be read as {typeof(T).Name}; read it as {FeatureConversion.Supported}.");
    }

    /// <summary>The value if it is present, else the fallback. A feature of another type still throws: it is a mistake in the program.</summary>
    /// <inheritdoc cref="Get{T}" path="/exception[@cref='InvalidCastException']"/>
    [return: NotNullIfNotNull(nameof(fallback))]
    public T? GetOrDefault<T>(T? fallback = default) => IsPresent ? Get<T>()! : fallback;

    /// <summary>Gives the value if it is present and of the type.</summary>
    public bool TryGet<T>([MaybeNullWhen(false)] out T value)
    {
        value = default;
        return IsPresent && FeatureConversion.TryConvert(Message, out value);
    }

    /// <summary>The status and no value, so that none reaches a log by accident.</summary>
    public override string ToString() => $"{_column.Name}: {Status}";

    private static DateTimeOffset? Instant(Timestamp time) =>
        time.Seconds >= DateTimeOffset.MinValue.ToUnixTimeSeconds() && time.Seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(time.Seconds).AddTicks(time.Nanos / TimeSpan.NanosecondsPerTick)
            : null;
}
