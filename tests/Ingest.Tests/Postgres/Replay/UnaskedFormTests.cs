using System.Text.Json;
using FeatureStore.Ingest.Postgres;
using FeatureStore.Ingest.Tests.Debezium;

namespace FeatureStore.Ingest.Tests.Postgres.Replay;

/// <summary>
/// Recorded streams of forms that capture does not ask for (values in binary; protocol 2 with transactions that run): the first message that differs from
/// what protocol 1 with texts has is refused, and nothing of it is taken.
/// </summary>
public sealed class UnaskedFormTests : IDisposable
{
    private static readonly Dictionary<string, string[]> Tables = ReplayedCapture.Keys.Where(k => k.Key != "public.part").ToDictionary();
    private readonly string _lake = Directory.CreateTempSubdirectory("unasked").FullName;

    public void Dispose() => Directory.Delete(_lake, recursive: true);

    [Theory]
    [InlineData("pgoutput_v1_binary", "has a value in binary, and texts were asked for", 100)]
    [InlineData("pgoutput_v2_streaming", "is of kind 'S', which protocol 1 does not have", 2)]
    public void Take_ARecordedStreamThatWasNotAskedFor_IsRefusedAtItsFirstMessageOfThatForm(string recording, string says, int least)
    {
        var asked = Sessions("pgoutput_v1");
        var refused = 0;
        foreach (var (name, messages) in Sessions(recording))
        {
            using var batch = Batch();
            var plain = asked[name].Select(Convert.ToHexString).ToHashSet();
            foreach (var message in messages)
            {
                var rows = batch.Rows;
                var fault = Record.Exception(() => batch.Take(message, 1));
                var isPlain = plain.Contains(Convert.ToHexString(message));
                Assert.True(isPlain == (fault is null), $"{name}, kind {(char)message[0]}: {fault?.Message ?? "taken"}");
                if (fault is not null)
                {
                    Assert.Contains(says, Assert.IsType<PostgresSourceException>(fault).Message, StringComparison.Ordinal);
                    Assert.Equal(rows, batch.Rows);
                    refused++;
                    break;
                }
            }
        }

        Assert.True(refused >= least, $"{refused} refused");
    }

    [Fact]
    public void Take_EachKindThatProtocol2Adds_IsRefusedWhereverItComes()
    {
        var begin = Sessions("pgoutput_v1").Values.SelectMany(m => m).First(m => m[0] == PgOutput.Begin);
        var added = Sessions("pgoutput_v2_streaming").Values.SelectMany(m => m).Where(m => "SEcA".Contains((char)m[0], StringComparison.Ordinal)).ToList();
        Assert.Equal(4, added.Select(m => m[0]).Distinct().Count());
        foreach (var message in added)
        {
            using var batch = Batch();
            Assert.Contains("which protocol 1 does not have", Assert.Throws<PostgresSourceException>(() => batch.Take(message, 1)).Message, StringComparison.Ordinal);
            batch.Take(begin, 1);
            Assert.Throws<PostgresSourceException>(() => batch.Take(message, 1));
        }
    }

    [Fact]
    public void Take_OutOfPlace_IsRefused_AndAnOriginIsNot()
    {
        var messages = Sessions("pgoutput_v1").Values.SelectMany(m => m).ToList();
        var begin = messages.First(m => m[0] == PgOutput.Begin);
        foreach (var kind in "CIUDT")
        {
            using var outside = Batch();
            var fault = Assert.Throws<PostgresSourceException>(() => outside.Take(messages.First(m => m[0] == kind), 1));
            Assert.Contains($"of kind '{kind}' is not where transactions begin and end", fault.Message, StringComparison.Ordinal);
        }

        using var batch = Batch();
        batch.Take(begin, 1);
        batch.Take([(byte)'O', 0, 0, 0, 0, 0, 0, 0, 1, (byte)'x', 0], 1);
        Assert.Throws<PostgresSourceException>(() => batch.Take(begin, 1));
        Assert.Contains("is of kind '200'", Assert.Throws<PostgresSourceException>(() => batch.Take([200], 1)).Message, StringComparison.Ordinal);
    }

    private CaptureBatch Batch() => ReplayedCapture.Batch(_lake, "Host=unused", "json", Tables, null);

    // The payloads by case.
    private static Dictionary<string, List<byte[]>> Sessions(string recording) =>
        BankDatabase.GoldenText($"{recording}.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Session).ToDictionary(s => s.Case, s => s.Messages);

    private static (string Case, List<byte[]> Messages) Session(string line)
    {
        using var session = JsonDocument.Parse(line);
        var messages = session.RootElement.GetProperty("stream").EnumerateArray().Where(m => m.GetProperty("kind").GetString() == "w");
        return (session.RootElement.GetProperty("case").GetString()!, [.. messages.Select(m => Convert.FromHexString(m.GetProperty("hex").GetString()!))]);
    }
}
