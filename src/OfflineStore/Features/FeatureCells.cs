using System.Text.Json;
using FeatureStore.Contract.Values;
using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using Google.Protobuf;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.OfflineStore.Features;

/// <summary>
/// A view's columns between its table and the online store, by Feast's rules for declared types: integers cut toward zero, truth
/// values as <c>True</c> in texts, timestamps in whole seconds toward zero, NaN and null the unset value. Lists, maps and the
/// like travel as JSON.
/// </summary>
internal static class FeatureCells
{
    private const long MicrosPerSecond = 1_000_000;

    /// <summary>The column as the reader takes it.</summary>
    /// <param name="sourceType">DuckDB's name of the column's type in the table.</param>
    public static string Sql(string column, string sourceType, Kind declared)
    {
        var name = LakeSql.Name(column);
        return declared switch
        {
            Kind.Int64 or Kind.Int32 => $"CAST({Whole(name, sourceType)} AS {(declared == Kind.Int64 ? "BIGINT" : "INTEGER")})",
            Kind.Double or Kind.Float => $"CAST({name} AS DOUBLE)",
            Kind.Bool => $"CAST({name} AS BOOLEAN)",
            Kind.String when sourceType == "BOOLEAN" => $"CASE {name} WHEN true THEN 'True' WHEN false THEN 'False' END",
            Kind.String when IsReal(sourceType) => $"CASE WHEN isnan({name}) THEN NULL ELSE CAST({name} AS VARCHAR) END",
            Kind.String => $"CAST({name} AS VARCHAR)",
            Kind.Bytes => sourceType == "BLOB" ? name : $"encode(CAST({name} AS VARCHAR))",
            Kind.UnixTimestamp when IsInteger(sourceType) => $"make_timestamp(CAST({name} AS BIGINT) * {MicrosPerSecond})",
            Kind.UnixTimestamp => $"CAST({name} AS TIMESTAMP{(sourceType == "TIMESTAMP WITH TIME ZONE" ? "TZ" : string.Empty)})",
            Kind.Json or Kind.Uuid or Kind.TimeUuid or Kind.Decimal when sourceType is "VARCHAR" or "UUID" => $"CAST({name} AS VARCHAR)",
            Kind.Decimal => $"CAST({name} AS VARCHAR)",
            _ => $"CAST(to_json({name}) AS VARCHAR)",
        };
    }

    /// <summary>The cell as a serialized <c>Value</c>.</summary>
    /// <exception cref="DeltaException">The value does not suit the type.</exception>
    public static byte[] Bytes(FieldModel field, DuckDbReader reader, int column, int row)
    {
        if (reader.IsNull(column, row))
        {
            return field.Type == Kind.UnixTimestamp ? ValueBytes.UnixTimestamp(FeatureValues.NullTimestamp) : ValueBytes.Null;
        }

        switch (field.Type)
        {
            case Kind.Int64:
                return ValueBytes.Int64(reader.Int64(column, row));
            case Kind.Int32:
                return ValueBytes.Int32(reader.Int32(column, row));
            case Kind.Double:
                var number = reader.Double(column, row);
                return double.IsNaN(number) ? ValueBytes.Null : ValueBytes.Double(number);
            case Kind.Float:
                var single = (float)reader.Double(column, row);
                return float.IsNaN(single) ? ValueBytes.Null : ValueBytes.Float(single);
            case Kind.Bool:
                return ValueBytes.Boolean(reader.Boolean(column, row));
            case Kind.String:
                return ValueBytes.Text(reader.Text(column, row));
            case Kind.UnixTimestamp:
                return ValueBytes.UnixTimestamp(reader.TimestampMicros(column, row) / MicrosPerSecond);
            case Kind.Bytes:
                return FeatureValues.One(reader.Blob(column, row).ToArray(), field.Type).ToByteArray();
            default:
                return OtherBytes(field, reader.Text(column, row));
        }
    }

    /// <summary>The cell for a person to read.</summary>
    public static object? Plain(FieldModel field, DuckDbReader reader, int column, int row) => reader.IsNull(column, row)
        ? null
        : field.Type switch
        {
            Kind.Int64 => reader.Int64(column, row),
            Kind.Int32 => reader.Int32(column, row),
            Kind.Double or Kind.Float => reader.Double(column, row),
            Kind.Bool => reader.Boolean(column, row),
            Kind.UnixTimestamp => reader.TimestampMicros(column, row),
            Kind.Bytes => Convert.ToBase64String(reader.Blob(column, row)),
            _ => reader.Text(column, row),
        };

    private static byte[] OtherBytes(FieldModel field, string text)
    {
        try
        {
            if (field.Type is Kind.Json or Kind.Uuid or Kind.TimeUuid or Kind.Decimal)
            {
                return FeatureValues.One(text, field.Type).ToByteArray();
            }

            using var json = JsonDocument.Parse(text);
            return FeatureValues.One(FeatureValues.FromJson(json.RootElement), field.Type).ToByteArray();
        }
        catch (Exception e) when (e is FeatureValueException or JsonException)
        {
            throw new DeltaException($"Feature {field.Name} holds a value that is no {field.Type}: {e.Message} Correct the table, or declare the feature's type as it is.", e);
        }
    }

    // Python's int() cuts where a cast would round; NaN is no number, so it is null.
    private static string Whole(string name, string sourceType) => IsReal(sourceType) ? $"CASE WHEN isnan({name}) THEN NULL ELSE trunc({name}) END"
        : sourceType.StartsWith("DECIMAL", StringComparison.Ordinal) ? $"trunc({name})"
        : name;

    private static bool IsReal(string sourceType) => sourceType is "DOUBLE" or "FLOAT";

    private static bool IsInteger(string sourceType) => sourceType is "BIGINT" or "INTEGER" or "SMALLINT" or "TINYINT" or "UBIGINT" or "UINTEGER" or "USMALLINT" or "UTINYINT";
}
