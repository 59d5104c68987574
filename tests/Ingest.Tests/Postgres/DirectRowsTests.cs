using System.Globalization;
using FeatureStore.Ingest.Postgres;
using FeatureStore.Ingest.Postgres.Values;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Postgres;

/// <summary>Rows made straight from a change are those that the reader of events makes of the change's event, which is the slow way.</summary>
public sealed class DirectRowsTests
{
    private const uint Text = 25;
    private const uint Json = 3802;
    private const int Seed = 20261129;
    private const int RandomRows = 3_000;
    private const string Unavailable = "__debezium_unavailable_value";
    private static readonly ChangePlace Place = new("bank", "postgres", 4_711, 4_242, 17, 1_764_000_000_123_456);

    // Source type, its modifier, the declared type, and texts as PostgreSQL prints them. Beyond what capture takes in are values that only the event decides.
    private static readonly (uint Type, int Modifier, LakeType Lake, string[] Values)[] Columns =
    [
        (Text, -1, LakeType.String, ["", "a", "Ünïcode \"quoted\" \\ <&> + '", "line\nbreak", Unavailable, new string('x', 28), new string('y', 40), new string('z', 56), "😀"]),
        (Json, -1, LakeType.String, ["{\"a\": 1}", "null"]),
        (PgTypes.Int32, -1, LakeType.Int32, ["0", "-1", "2147483647", "-2147483648"]),
        (PgTypes.Int64, -1, LakeType.Int32, ["7", "2147483648"]),
        (PgTypes.Int16, -1, LakeType.Int64, ["-32768"]),
        (PgTypes.Int64, -1, LakeType.Int64, ["9223372036854775807", "-9223372036854775808"]),
        (PgTypes.Int64, -1, LakeType.String, ["12", "-3"]),
        (PgTypes.Int32, -1, LakeType.Double, ["12"]),
        (PgTypes.Double, -1, LakeType.Double, ["0.1", "-0", "1e-320", "1.7976931348623157e+308", "NaN", "Infinity", "123456789012345680"]),
        (PgTypes.Single, -1, LakeType.Double, ["1.1", "3.4028235e+38", "-Infinity"]),
        (PgTypes.Double, -1, LakeType.String, ["0.25", "1e+20"]),
        (PgTypes.Boolean, -1, LakeType.Boolean, ["t", "f"]),
        (PgTypes.Boolean, -1, LakeType.String, ["t", "f"]),
        (PgTypes.Timestamp, -1, LakeType.Timestamp, ["2025-01-05 00:00:00", "1969-12-31 23:59:59.999999", "0001-01-01 00:00:00.5", "9999-12-31 23:59:59.999999", "infinity", "-infinity", "0044-03-15 12:00:00 BC", "10000-01-01 00:00:00"]),
        (PgTypes.Timestamp, 3, LakeType.Timestamp, ["2025-01-05 01:02:03.004", "infinity"]),
        (PgTypes.TimestampWithZone, -1, LakeType.Timestamp, ["2025-02-28 23:59:59.1+00", "0099-01-01 00:00:00+00", "infinity"]),
        (PgTypes.TimestampWithZone, 3, LakeType.Timestamp, ["2024-02-29 10:00:00.12+00"]),
        (PgTypes.Timestamp, -1, LakeType.String, ["2025-01-05 00:00:00"]),
        (PgTypes.Date, -1, LakeType.Date, ["2024-02-29", "0001-01-01", "9999-12-31", "infinity", "-infinity", "10000-01-01"]),
        (PgTypes.Numeric, ((12 << 16) | 2) + 4, LakeType.Double, ["0.00", "-12.34", "9999999999.99", "NaN"]),
        (PgTypes.Numeric, -1, LakeType.Double, ["3.14159", "100", "0"]),
        (PgTypes.Numeric, -1, LakeType.String, ["3.1400", "-7"]),
        (PgTypes.Bytes, -1, LakeType.String, ["\\x", "\\x00ff", "\\x5f5f646562657a69756d5f756e617661696c61626c655f76616c7565"]),
    ];

    [Fact]
    public void TryRow_EveryTypeAndRandomRows_IsWhatTheEventSays()
    {
        var random = new Random(Seed);
        var events = Table([("id", Text), ("region", PgTypes.Int32)]);
        var direct = 0;
        for (var n = 0; n < RandomRows; n++)
        {
            // Usual values for the most part, so that the straight way is taken, and sometimes the odd ones.
            var isOdd = n % 3 == 0;
            var image = new List<SourceValue> { new(isOdd ? "k\"ü" : $"k-{n}"), new($"{n}") };
            image.AddRange(Columns.Select(c => random.Next(8) == 0 ? default : new SourceValue(isOdd ? c.Values[random.Next(c.Values.Length)] : Usual(c, random))));
            if (isOdd && random.Next(5) == 0)
            {
                image[2 + random.Next(Columns.Length)] = new SourceValue(null, IsUnavailable: true);
            }

            direct += AssertEqual(events, "crud"[random.Next(4)].ToString(), [.. image]) ? 1 : 0;
        }

        Assert.True(direct >= RandomRows * 2 / 3, $"only {direct} rows went straight");
    }

    [Fact]
    public void TryRow_EachOddValueAlone_IsWhatTheEventSays()
    {
        foreach (var (column, i) in Columns.Select((c, i) => (c, i)))
        {
            foreach (var value in column.Values)
            {
                foreach (var op in new[] { "c", "u", "d", "r" })
                {
                    var image = new SourceValue[2 + Columns.Length];
                    (image[0], image[1], image[2 + i]) = (new SourceValue("k"), new SourceValue("-5"), new SourceValue(value));
                    AssertEqual(Table([("id", Text), ("region", PgTypes.Int32)]), op, image);
                }
            }
        }
    }

    [Theory]
    [InlineData("plain", true)]
    [InlineData("a b", true)]
    [InlineData("ä\"\\", true)]
    [InlineData(null, false)]
    public void TryRow_Keys_AreWrittenAsTheEventsAre(string? key, bool isDirect)
    {
        var image = new SourceValue[2 + Columns.Length];
        (image[0], image[1]) = (new SourceValue(key), new SourceValue("1"));
        Assert.Equal(isDirect, AssertEqual(Table([("id", Text)], "region"), "c", image));
    }

    [Fact]
    public void TryRow_KeyChangeAndTruncate_AreLeftToTheEvents()
    {
        var events = Table([("id", Text), ("region", PgTypes.Int32)]);
        SourceValue[] Image(string key) => [new(key), new("1"), .. new SourceValue[Columns.Length]];
        Assert.Null(events.TryRow("t", null, null, Place));
        Assert.Null(events.TryRow("u", Image("a"), Image("b"), Place));
        Assert.NotNull(events.TryRow("u", Image("a"), Image("a"), Place));
    }

    private static TableEvents Table((string Name, uint Type)[] keys, params string[] others)
    {
        var lake = keys.Select(k => new LakeColumn(k.Name, k.Type == Text ? LakeType.String : LakeType.Int32)).ToList();
        var columns = Columns.Select((c, i) => (Source: new SourceColumn($"c{i}", c.Type, c.Modifier, false), Lake: new LakeColumn($"c{i}", c.Lake))).ToList();
        return new TableEvents(
            new PostgresTable("public", "t", [.. lake, .. columns.Select(c => c.Lake)], [.. keys.Select(k => k.Name)]),
            [.. keys.Select(k => new SourceColumn(k.Name, k.Type, -1, true)), .. others.Select(o => new SourceColumn(o, PgTypes.Int32, -1, false)), .. columns.Select(c => c.Source)],
            TimeProvider.System);
    }

    /// <returns>True if the row was made straight.</returns>
    private static bool AssertEqual(TableEvents events, string op, SourceValue[] image)
    {
        var (before, after) = op == "d" ? (image, (SourceValue[]?)null) : (null, image);
        var direct = events.TryRow(op, before, after, Place);
        ChangeRow? slow = null;
        try
        {
            slow = events.Read(events.Messages(op, before, after, Place).Single());
        }
        catch (PostgresSourceException)
        {
            // What the event refuses is never made straight.
        }

        if (direct is null)
        {
            return false;
        }

        Assert.NotNull(slow);
        Assert.Equal(slow with { Unavailable = direct.Unavailable, Values = direct.Values }, direct);
        Assert.Equal(slow.Unavailable, direct.Unavailable);
        Assert.Equal(slow.Values.Select(Exact), direct.Values.Select(Exact));
        return true;
    }

    // -0 and 0 are equal numbers and other bits.
    private static (Type?, string?) Exact(object? value) =>
        (value?.GetType(), value is double real ? BitConverter.DoubleToInt64Bits(real).ToString(CultureInfo.InvariantCulture) : Convert.ToString(value, CultureInfo.InvariantCulture));

    private static string Usual((uint Type, int Modifier, LakeType Lake, string[] Values) column, Random random)
    {
        var time = new DateTime(2000, 1, 1).AddTicks(random.NextInt64(TimeSpan.TicksPerDay * 10_000) / 10 * 10);
        string Print(string format) => time.ToString(format, CultureInfo.InvariantCulture);
        return column.Type switch
        {
            PgTypes.Double => random.NextDouble().ToString("R", CultureInfo.InvariantCulture),
            PgTypes.Int32 => random.Next(int.MinValue, int.MaxValue).ToString(CultureInfo.InvariantCulture),
            PgTypes.Timestamp => Print(column.Modifier == 3 ? "yyyy-MM-dd HH:mm:ss.FFF" : "yyyy-MM-dd HH:mm:ss.FFFFFF"),
            PgTypes.TimestampWithZone => Print(column.Modifier == 3 ? "yyyy-MM-dd HH:mm:ss.FFF" : "yyyy-MM-dd HH:mm:ss.FFFFFF") + "+00",
            PgTypes.Date => Print("yyyy-MM-dd"),
            _ => column.Values[0],
        };
    }
}
