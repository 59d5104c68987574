using System.Globalization;
using FeatureStore.Ingest.ChangeLog;
using FeatureStore.Ingest.Debezium;
using FeatureStore.Ingest.Kafka;
using FeatureStore.Ingest.Tests.Debezium;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Upkeep;
using FeatureStore.Tests.Servers;

namespace FeatureStore.Ingest.Tests.Kafka;

/// <summary>A lake of its own that topics of a broker are landed in.</summary>
internal sealed class KafkaLake(string servers, bool isOld = true) : IDisposable
{
    public const string Cluster = "test";
    private readonly string _root = Directory.CreateTempSubdirectory("kafka-lake").FullName;

    public static KafkaRun ToTheEnd { get; } = new(new KafkaStart(KafkaStartKind.Earliest), BatchRows: 97);

    /// <summary>What was told of things that mend themselves.</summary>
    public List<string> Notes { get; } = [];

    public KafkaLake(KafkaServer server)
        : this(server.Address)
    {
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    public IReadOnlyList<KafkaProgress> Run(string prefix, BankTable table, KafkaRun? run = null, string group = "g", CancellationToken cancellationToken = default) =>
        Run(prefix, [table], run, group, null, cancellationToken);

    /// <summary>Lands the tables' topics.</summary>
    /// <param name="wrap">Puts something between a partition and its runner.</param>
    public IReadOnlyList<KafkaProgress> Run(
        string prefix, IReadOnlyList<BankTable> tables, KafkaRun? run, string group, Func<ITopicSource, ITopicSource>? wrap, CancellationToken cancellationToken, params (string Name, string Value)[] settings)
    {
        return new KafkaIngest(
            Options(group, settings),
            [.. tables.Select(t => new KafkaTopic($"{prefix}.{t.Topic}", source => new IngestRunner(wrap?.Invoke(source) ?? source, t.LakeColumns, Table(t), options: t.Declared)))],
            Note,
            TimeProvider.System).Run(run ?? ToTheEnd, _ => { }, cancellationToken);
    }

    /// <summary>The dead letters of this lake's topics.</summary>
    public KafkaLetterReplay Letters() => new(Options("letters"), Note, TimeProvider.System);

    /// <summary>A table's topic as its dead letters are read.</summary>
    public KafkaLetterTopic LetterTopic(string prefix, BankTable table, EnvelopeOptions? options = null) => new($"{prefix}.{table.Topic}", table.LakeColumns, Table(table), Options: options ?? table.Declared);

    public ChangeTable Table(BankTable table) => ChangeTable.Open(_root, table.Topic, table.LakeColumns);

    /// <summary>The living rows as texts.</summary>
    public List<string?[]> Rows(BankTable table) => TopicLake.Rows(_root, table);

    /// <summary>Rows as they lie in the lake, one for each change.</summary>
    public long Raw(BankTable table) => LakeFolder.Tables(_root, CancellationToken.None).SingleOrDefault(t => t.Path == table.Topic)?.Rows ?? 0;

    /// <summary>A message as a record, which an old broker keeps without its headers.</summary>
    public static KafkaRecord Record(LogMessage message) => new(message.Key, message.Value);

    /// <summary>Creates of so many transactions, from a number on.</summary>
    public static IEnumerable<KafkaRecord> Transactions(int first, int count) => Enumerable.Range(first, count).Select(i => new KafkaRecord(
        System.Text.Encoding.UTF8.GetBytes($$"""{"transaction_id":"t{{i}}"}"""),
        System.Text.Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"before":null,"after":{"user_id":"u{{i % 7}}","transaction_id":"t{{i}}","amount":{{i}}.5,"vendor":"v","sources":"s","time":1754000000000000},"source":{"name":"bank","ts_us":1754000000000000,"snapshot":"false","lsn":{{1000 + i}}},"op":"c"}"""))));

    private KafkaOptions Options(string group, params ReadOnlySpan<(string Name, string Value)> settings)
    {
        var client = new Dictionary<string, string> { ["bootstrap.servers"] = servers, ["session.timeout.ms"] = "6000", ["heartbeat.interval.ms"] = "300" };
        foreach (var (name, value) in isOld ? KafkaServer.ClientSettings : new Dictionary<string, string>())
        {
            client[name] = value;
        }

        foreach (var (name, value) in settings)
        {
            client[name] = value;
        }

        return new KafkaOptions(group, Cluster, client);
    }

    private void Note(string note)
    {
        lock (Notes)
        {
            Notes.Add(note);
        }
    }
}
