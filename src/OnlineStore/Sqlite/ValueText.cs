using System.Globalization;
using Feast.Types;
using FeatureStore.Contract.Values;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>What Feast puts in <c>value_text</c>: Python's <c>str</c> of a scalar, null for other kinds.</summary>
internal static class ValueText
{
    public static string? Of(byte[] serialized)
    {
        var value = Value.Parser.ParseFrom(serialized);
        return value.ValCase switch
        {
            Value.ValOneofCase.StringVal => value.StringVal,
            Value.ValOneofCase.Int32Val => value.Int32Val.ToString(CultureInfo.InvariantCulture),
            Value.ValOneofCase.Int64Val => value.Int64Val.ToString(CultureInfo.InvariantCulture),
            Value.ValOneofCase.DoubleVal => FloatText.Format(value.DoubleVal),
            Value.ValOneofCase.FloatVal => FloatText.Format(value.FloatVal),
            Value.ValOneofCase.BoolVal => value.BoolVal ? "True" : "False",
            _ => null,
        };
    }
}
