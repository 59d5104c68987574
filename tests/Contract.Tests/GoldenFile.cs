using System.Globalization;
using System.Text.Json;
using Feast.Types;
using Google.Protobuf;

namespace FeatureStore.Contract.Tests;

/// <summary>Reads the recorded vectors.</summary>
internal static class GoldenFile
{
    public static JsonElement Load(string name) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", name))).RootElement;

    public static IReadOnlyList<(string JoinKey, Value Value)> Keys(JsonElement row) =>
        [.. row.GetProperty("join_keys").EnumerateArray().Select(k => k.GetString()!)
            .Zip(row.GetProperty("values").EnumerateArray().Select(ToValue))];

    private static Value ToValue(JsonElement element)
    {
        var text = element.GetProperty("value").GetString()!;
        return element.GetProperty("type").GetString() switch
        {
            "string" => new Value { StringVal = text },
            "int32" => new Value { Int32Val = int.Parse(text, CultureInfo.InvariantCulture) },
            "int64" => new Value { Int64Val = long.Parse(text, CultureInfo.InvariantCulture) },
            "unix_timestamp" => new Value { UnixTimestampVal = long.Parse(text, CultureInfo.InvariantCulture) },
            "bytes" => new Value { BytesVal = ByteString.CopyFrom(Convert.FromHexString(text)) },
            var other => throw new InvalidDataException($"The vectors hold a key of type {other}."),
        };
    }
}
