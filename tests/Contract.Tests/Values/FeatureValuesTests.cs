using System.Globalization;
using System.Text.Json;
using Feast.Types;
using FeatureStore.Contract.Values;
using Google.Protobuf;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Contract.Tests.Values;

/// <summary>Conversions into declared types, against what Feast 0.66 and 0.67 themselves gave.</summary>
public sealed class FeatureValuesTests
{
    private const string NewestPrefix = "values: ";

    // One bare word stands for a whole input in these recordings' names; what it stands for is in the bytes.
    private static readonly string[] Unsaid = ["text", "float", "from", "bytes", "image", "pdf", "bool", "naive", "datetime64", "numpy", "empty"];

    [Fact]
    public void One_EveryRecordedInput_GivesFeastsBytesOrIsRefused()
    {
        var seen = 0;
        foreach (var row in GoldenFile.Load("values.json").GetProperty("cases").EnumerateArray())
        {
            var name = row.GetProperty("name").GetString();
            if (row.GetProperty("how").GetString() == "proto" || !TryInput(row.GetProperty("description"), out var input))
            {
                continue;
            }

            seen++;
            var kind = Kinds(row.GetProperty("value_type").GetString()!);
            var refused = row.TryGetProperty("error_type", out _);
            Assert.Equal((name, refused ? "refused" : row.GetProperty("hex_deterministic").GetString()), (name, Hex([input], kind)));
        }

        Assert.True(seen > 70, $"Only {seen} inputs were recognised.");
    }

    [Fact]
    public void Column_EveryRecordedColumn_GivesFeastsBytesOrIsRefused()
    {
        foreach (var row in GoldenFile.Load("values.json").GetProperty("columns").EnumerateArray())
        {
            var name = row.GetProperty("name").GetString();
            if (name == "array in scalar column")
            {
                continue; // Feast drops the array in silence; here it is refused, see the test below.
            }

            var values = row.GetProperty("python").EnumerateArray().Select(v => PythonLiteral.Parse(v.GetString()!)).ToArray();
            var expected = row.TryGetProperty("hex", out var hex) ? string.Join(' ', hex.EnumerateArray().Select(h => h.GetString())) : "refused";
            Assert.Equal((name, expected), (name, Hex(values, Kinds(row.GetProperty("value_type").GetString()!))));
        }
    }

    [Fact]
    public void One_EveryLiteralRecordedOfTheNewestFeast_GivesItsBytes()
    {
        var seen = 0;
        foreach (var row in GoldenFile.Load("values_0.66_0.67.json").GetProperty("cases").EnumerateArray())
        {
            var name = row.GetProperty("name").GetString()!;
            if (!name.StartsWith(NewestPrefix, StringComparison.Ordinal) || name[NewestPrefix.Length..].Split(' ', 2) is not [var type, var literal]
                || (Unsaid.Any(w => literal.StartsWith(w, StringComparison.Ordinal) || type == w) && literal != "empty")
                || (type, literal) is ("ZONED_TIMESTAMP" or "UUID" or "SCALAR_MAP", "empty") or ("bytes", "empty"))
            {
                continue;
            }

            seen++;
            var kind = Kinds(type);
            var input = literal != "empty" ? PythonLiteral.Parse(literal)
                : kind is Kind.Map or Kind.Struct ? new Dictionary<string, object?>() : Array.Empty<object?>();
            Assert.Equal((name, row.GetProperty("v0_67")[0].GetString()), (name, Hex([input], kind)));
        }

        Assert.True(seen > 50, $"Only {seen} literals were recognised.");
    }

    [Fact]
    public void Column_OfBytes_IsNullOnlyWhereAllAreEmpty()
    {
        Assert.Equal(" ", Hex([Array.Empty<byte>(), null], Kind.Bytes));
        Assert.Equal("0a0200ff 0a00", Hex([new byte[] { 0, 255 }, Array.Empty<byte>()], Kind.Bytes));
    }

    [Theory]
    [InlineData("\"2026-11-01T00:00:00Z\"", Kind.UnixTimestamp)]
    [InlineData("\"1.5\"", Kind.Double)]
    [InlineData("\"yes\"", Kind.Bool)]
    [InlineData("2", Kind.Bool)]
    [InlineData("[1.0]", Kind.Double)]
    [InlineData("1e19", Kind.Int64)]
    [InlineData("9223372036854775808", Kind.Int64)]
    [InlineData("{\"a\":1}", Kind.Int64List)]
    [InlineData("\"no-uuid\"", Kind.Uuid)]
    [InlineData("[1, \"a\"]", Kind.Invalid)]
    [InlineData("\"\\ud800\"", Kind.String)]
    public void Json_UnfitForItsType_IsRefusedWithTheWayOut(string json, Kind type)
    {
        using var document = JsonDocument.Parse(json);
        var refusal = Assert.Throws<FeatureValueException>(() => FeatureValues.One(FeatureValues.FromJson(document.RootElement), type));
        Assert.Matches("(send|declare|make|must|holds)", refusal.Message);
    }

    [Theory]
    [InlineData("12", Kind.Int64, "200c")]
    [InlineData("2.7", Kind.Int64, "2002")]
    [InlineData("-2.7", Kind.Int32, "18feffffffffffffffff01")]
    [InlineData("\" 1_2 \"", Kind.Int64, "200c")]
    [InlineData("5.0", Kind.String, "1203352e30")]
    [InlineData("null", Kind.UnixTimestamp, "4080808080808080808001")]
    [InlineData("\"2026-11-01T00:00:00+05:30\"", Kind.ZonedTimestamp, "82031108a8e798d70612095554432b30353a3330")]
    public void Json_FitForItsType_GivesItsBytes(string json, Kind type, string hex)
    {
        using var document = JsonDocument.Parse(json);
        Assert.Equal(hex, Hex([FeatureValues.FromJson(document.RootElement)], type));
    }

    private static string Hex(object?[] values, Kind kind)
    {
        try
        {
            return string.Join(' ', FeatureValues.Column(values, kind).Select(v => Convert.ToHexStringLower(Deterministic(v))));
        }
        catch (FeatureValueException)
        {
            return "refused";
        }
    }

    // Members of a map in the order of their names, as the recordings' deterministic bytes have them.
    private static byte[] Deterministic(Value value)
    {
        using var bytes = new MemoryStream();
        var output = new CodedOutputStream(bytes) { Deterministic = true };
        value.WriteTo(output);
        output.Flush();
        return bytes.ToArray();
    }

    private static Kind Kinds(string name) => name == "UNKNOWN" ? Kind.Invalid : Enum.Parse<Kind>(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);

    private static bool TryInput(JsonElement description, out object? input)
    {
        var member = description.EnumerateObject().First();
        var (value, text) = (member.Value, member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString()! : string.Empty);
        switch (member.Name)
        {
            case "bytes_hex":
                input = Convert.FromHexString(text);
                return true;
            case "bytes_list_hex":
                input = value.EnumerateArray().Select(v => (object?)Convert.FromHexString(v.GetString()!)).ToArray();
                return true;
            case "unix_timestamp_set":
                input = value.EnumerateArray().Select(v => (object?)DateTimeOffset.Parse(v.GetString()!, CultureInfo.InvariantCulture)).ToArray();
                return true;
            case "scalar_map":
                input = value.EnumerateObject().ToDictionary(p => PythonLiteral.Parse(p.Name == "true" ? "True" : p.Name)!, p => FeatureValues.FromJson(p.Value));
                return true;
            case "datetime":
                input = text.EndsWith("Los_Angeles", StringComparison.Ordinal) ? new ZonedTimestamp { UnixTimestamp = 1793516400, Zone = text.Split(' ')[1] }
                    : text.Contains('+', StringComparison.Ordinal) ? DateTimeOffset.Parse(text, CultureInfo.InvariantCulture) : text;
                return true;
            case "double" or "float" or "int64" or "int64_set" or "int32_set" or "float_set" or "string_set" or "bytes_set":
                input = PythonLiteral.Parse(text.Replace("e+", "e", StringComparison.Ordinal));
                return true;
            case "python" when text.StartsWith("int ", StringComparison.Ordinal) || text.StartsWith("numpy", StringComparison.Ordinal):
                input = text switch { "int 5" => 5L, "int seconds" => 1793491200L, _ => true };
                return true;
            case "python":
                input = text == "NaT" ? null : PythonLiteral.Parse(text);
                return true;
            case "float_list" when value.ValueKind == JsonValueKind.String:
                input = Enumerable.Range(0, 8).Select(j => (object?)(j / 8.0)).ToArray();
                return true;
            default:
                input = FeatureValues.FromJson(value);
                return member.Name is not "null_val";
        }
    }
}
