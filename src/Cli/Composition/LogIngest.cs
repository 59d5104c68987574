using FeatureStore.Ingest;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Cli.Composition;

/// <summary>The change log's topics, each with the change table that it is declared for.</summary>
internal sealed class LogIngest : IDeadLetters
{
    private const int BatchRows = 20_000;
    private const int ReplayRows = 1_000;
    private const int Partition = 0; // The embedded log has one.
    private readonly Repo _repo;
    private readonly EmbeddedChangeLog _log;
    private readonly IReadOnlyList<ChangeTopic> _topics;

    private LogIngest(Repo repo, EmbeddedChangeLog log) => (_repo, _log, _topics) = (repo, log, [.. ChangeTopic.All, .. Pushed(repo)]);

    public static LogIngest Open(Repo repo)
    {
        var log = EmbeddedChangeLog.Open(repo.Config.LogPath);
        try
        {
            return new LogIngest(repo, log);
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>Lands what every topic holds now.</summary>
    /// <param name="report">Given rows of the topic that is landing, those of the topics before it, and how many wait in all.</param>
    public IngestOutcome Run(Action<long, long, long> report, CancellationToken cancellationToken)
    {
        var waiting = _topics.Sum(t => Waiting(_log.Topic(t.Table.Topic)));
        var results = new List<TopicResult>();
        foreach (var topic in _topics)
        {
            var before = results.Sum(r => r.Landed.Rows);
            var landed = Runner(topic).Run(BatchRows, new Forward(done => report(done, before, waiting)), cancellationToken);
            results.Add(new TopicResult(topic.LakePath, landed));
        }

        return new IngestOutcome(results, [.. _log.Topics().Where(t => Declared(t.Name) is null).Select(t => (t.Name, _log.NextOffset(t)))]);
    }

    /// <inheritdoc/>
    public IEnumerable<(string Topic, int Partition, DeadLetter Letter)> List(string? topic, int lettersMax) =>
        Topics(topic).SelectMany(t => _log.DeadLetters.List(t, 0, lettersMax).Select(l => (t.Name, Partition, l))).Take(lettersMax);

    /// <inheritdoc/>
    public (DeadLetter Letter, StoredMessage? Message, long? ValueBytes)? Find(string topic, int partition, long offset)
    {
        var found = Topics(topic).Single();
        return partition == Partition && _log.DeadLetters.List(found, offset, 1) is [var letter] && letter.Offset == offset && _log.Read(found, offset, 1) is [var message]
            ? (letter, message, message.Message.Value?.Length)
            : null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TopicResult> Replay(string? topic, CancellationToken cancellationToken) =>
    [
        .. Topics(topic).Select(t => Declared(t.Name)).OfType<ChangeTopic>()
            .Select(t => new TopicResult(t.LakePath, Replay(t).Run(ReplayRows, cancellationToken))),
    ];

    public void Dispose() => _log.Dispose();

    private IReadOnlyList<LogTopic> Topics(string? name)
    {
        var topics = _log.Topics();
        return name is null ? topics
            : topics.FirstOrDefault(t => t.Name == name) is { } topic ? [topic]
            : throw new UsageException($"The change log has no topic '{name}'; it has {string.Join(", ", topics.Select(t => t.Name))}.");
    }

    private ChangeTopic? Declared(string topicName) => _topics.FirstOrDefault(t => t.Table.Topic == topicName);

    private IngestRunner Runner(ChangeTopic topic) =>
        new(_log, _log.Topic(topic.Table.Topic), topic.Table.Columns, topic.Lake(_repo), ChangeTopic.UserColumn, topic.Table.TimeColumn, IngestSettings.Options(_repo.Config, topic));

    private LetterReplay Replay(ChangeTopic topic) =>
        new(_log, _log.Topic(topic.Table.Topic), topic.Table.Columns, topic.Lake(_repo), ChangeTopic.UserColumn, topic.Table.TimeColumn, IngestSettings.Options(_repo.Config, topic));

    // What the log's report says is still to come; only a count to show, since the lake knows where it really is.
    private long Waiting(LogTopic topic) =>
        _log.NextOffset(topic) - (_log.Positions(topic).TryGetValue(IngestRunner.Consumer, out var last) ? last + 1 : 0);

    // Only an applied repo has push sources.
    private static IEnumerable<ChangeTopic> Pushed(Repo repo) => repo.Registry().Exists()
        ? PushTopic.Of(repo.Snapshot().FeatureViews.Values).Select(t => t.ToChangeTopic(repo.Config.Project))
        : [];

    private sealed class Forward(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }
}
