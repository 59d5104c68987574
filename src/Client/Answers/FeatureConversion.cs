using Feast.Types;
using Case = Feast.Types.Value.ValOneofCase;

namespace FeatureStore.Client.Answers;

/// <summary>Turns a feature's message into the .NET type that a caller asks for, only where nothing is lost.</summary>
internal static class FeatureConversion
{
    public const string Supported =
        "long, int, double, float, bool, string, byte[], DateTimeOffset, Feast.Types.Value, or an array of long, int, double, float, bool or string";

    /// <summary>False if the value's case cannot become the type. A type test on a generic parameter costs nothing for value types: the compiler resolves it.</summary>
    public static bool TryConvert<T>(Value value, out T result)
    {
        object? converted = null;
        if (typeof(T) == typeof(long))
        {
            return Give(value.ValCase switch { Case.Int64Val => value.Int64Val, Case.Int32Val => value.Int32Val, Case.UnixTimestampVal => value.UnixTimestampVal, _ => (long?)null }, out result);
        }

        if (typeof(T) == typeof(double))
        {
            return Give(value.ValCase switch { Case.DoubleVal => value.DoubleVal, Case.FloatVal => value.FloatVal, Case.Int32Val => value.Int32Val, _ => (double?)null }, out result);
        }

        if (typeof(T) == typeof(int))
        {
            return Give(value.ValCase == Case.Int32Val ? value.Int32Val : (int?)null, out result);
        }

        if (typeof(T) == typeof(float))
        {
            return Give(value.ValCase == Case.FloatVal ? value.FloatVal : (float?)null, out result);
        }

        if (typeof(T) == typeof(bool))
        {
            return Give(value.ValCase == Case.BoolVal ? value.BoolVal : (bool?)null, out result);
        }

        if (typeof(T) == typeof(DateTimeOffset))
        {
            return Give(value.ValCase == Case.UnixTimestampVal ? Time(value.UnixTimestampVal) : null, out result);
        }

        converted = typeof(T) == typeof(Value) ? value : Reference(value, typeof(T));
        result = converted is T typed ? typed : default!;
        return converted is T;
    }

    private static object? Reference(Value value, Type type) => value.ValCase switch
    {
        Case.StringVal when type == typeof(string) => value.StringVal,
        Case.JsonVal when type == typeof(string) => value.JsonVal,
        Case.UuidVal when type == typeof(string) => value.UuidVal,
        Case.TimeUuidVal when type == typeof(string) => value.TimeUuidVal,
        Case.DecimalVal when type == typeof(string) => value.DecimalVal,
        Case.BytesVal when type == typeof(byte[]) => value.BytesVal.ToByteArray(),
        Case.Int64ListVal when type == typeof(long[]) => value.Int64ListVal.Val.ToArray(),
        Case.Int32ListVal when type == typeof(int[]) => value.Int32ListVal.Val.ToArray(),
        Case.DoubleListVal when type == typeof(double[]) => value.DoubleListVal.Val.ToArray(),
        Case.FloatListVal when type == typeof(float[]) => value.FloatListVal.Val.ToArray(),
        Case.BoolListVal when type == typeof(bool[]) => value.BoolListVal.Val.ToArray(),
        Case.StringListVal when type == typeof(string[]) => value.StringListVal.Val.ToArray(),
        _ => null,
    };

    // Feast stores seconds outside of what a DateTimeOffset holds (a null is the least long); those are no time.
    private static DateTimeOffset? Time(long seconds) =>
        seconds >= DateTimeOffset.MinValue.ToUnixTimeSeconds() && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private static bool Give<TValue, T>(TValue? value, out T result)
        where TValue : struct
    {
        result = value is { } given ? (T)(object)given : default!;
        return value is not null;
    }
}
