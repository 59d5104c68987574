using System.Globalization;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.OfflineStore.Features;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Tests.Debezium;

/// <summary>A change log and a lake of its own, for messages to go the whole way in.</summary>
internal sealed class TopicLake : IDisposable
{
    private const int BatchRows = 97; // Cuts transactions, key changes and equal LSNs.
    private readonly string _root = Directory.CreateTempSubdirectory("topic").FullName;
    private readonly EmbeddedChangeLog _log;

    public TopicLake() => _log = EmbeddedChangeLog.Open(Path.Combine(_root, "log.db"));

    public void Dispose()
    {
        _log.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    /// <summary>Ingests a table's messages, each portion by a run of its own.</summary>
    public IngestResult Ingest(BankTable table, IReadOnlyList<LogMessage> messages, int portions = 2)
    {
        var total = new IngestResult(0, 0);
        var topic = _log.Topic(table.Topic);
        foreach (var portion in messages.Chunk((messages.Count / portions) + 1))
        {
            _log.Append(topic, portion);
            var landed = new IngestRunner(_log, topic, table.LakeColumns, ChangeTable.Open(_root, table.Topic, table.LakeColumns), options: table.Declared).Run(BatchRows, null, CancellationToken.None);
            total = new IngestResult(total.Rows + landed.Rows, total.DeadLetters + landed.DeadLetters, Others: total.Others + landed.Others);
        }

        return total;
    }

    public IReadOnlyList<DeadLetter> Letters(BankTable table) => _log.DeadLetters.List(_log.Topic(table.Topic));

    /// <summary>The living rows as texts.</summary>
    public List<string?[]> Rows(BankTable table) => Rows(_root, table);

    /// <summary>The living rows of a table in any lake.</summary>
    public static List<string?[]> Rows(string lake, BankTable table) =>
        [.. new SourceRows(lake).KnownAt(table.Topic, SourceRows.Now, CancellationToken.None).Select(r => r.Values.Select(Text).ToArray())];

    private static string? Text(object? value) => value switch
    {
        null => null,
        bool flag => flag ? "true" : "false",
        DateOnly day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };
}
