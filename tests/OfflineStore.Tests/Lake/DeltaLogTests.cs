using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.OfflineStore.Tests.Lake;

public sealed class DeltaLogTests : IDisposable
{
    private const string Protocol = """{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}""";
    private const string Metadata =
        """{"metaData":{"id":"i","schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}""";
    private static readonly Dictionary<string, string> NoTags = [];
    private readonly string _root = Directory.CreateTempSubdirectory("delta").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Read_AddRemoveAndTxn_LastActionWins()
    {
        Commit(0, Protocol, Metadata, Add("a%20b"), """{"txn":{"appId":"x","version":9}}""");
        Commit(1, Add("c"), """{"remove":{"path":"a%20b"}}""", """{"later":{"unknown":1}}""");
        Commit(2, Add("c"), """{"txn":{"appId":"x","version":4}}""");

        var snapshot = Read()!;

        Assert.Equal(2, snapshot.Version);
        Assert.Equal(["c"], snapshot.Files.Keys);
        Assert.Equal(4, snapshot.Txn["x"]);
    }

    [Fact]
    public void Read_EncodedPath_IsDecodedOnce()
    {
        Commit(0, Protocol, Metadata, Add("p=100%2525/a"));
        Assert.Equal(["p=100%25/a"], Read()!.Files.Keys);
    }

    [Fact]
    public void Read_NoLog_IsNull() => Assert.Null(Read());

    [Fact]
    public void Read_Gap_NamesTheMissingCommit()
    {
        Commit(0, Protocol, Metadata);
        Commit(2, Add("a"));
        Assert.Contains("commit 1 is missing", Assert.Throws<DeltaException>(() => Read()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_StartInAnUnknownCheckpoint_NamesTheFeature()
    {
        Commit(3, Protocol, Metadata);
        File.WriteAllText(Path.Combine(_root, "_delta_log", "00000000000000000002.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json"), string.Empty);
        Assert.Contains("v2Checkpoint", Assert.Throws<DeltaException>(() => Read()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoStart_SaysSo()
    {
        Commit(3, Protocol, Metadata);
        Assert.Contains("does not start at version 0", Assert.Throws<DeltaException>(() => Read()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_DamagedLine_NamesFileAndLine()
    {
        Commit(0, Protocol, Metadata, """{"add":{"path":"a""");
        var message = Assert.Throws<DeltaException>(() => Read()).Message;
        Assert.Contains("00000000000000000000.json line 3", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"add":{"path":"a","partitionValues":{"d":"1","d":"2"},"size":1,"modificationTime":1,"dataChange":true}}""")]
    [InlineData("""{"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"tags":{"k":"1","k":"2"}}}""")]
    [InlineData("""{"txn":{"appId":"a","version":1,"version":2}}""")]
    public void Read_NameThatStandsTwice_NamesFileAndLine(string line)
    {
        Commit(0, Protocol, Metadata, line);
        var message = Assert.Throws<DeltaException>(() => Read()).Message;
        Assert.Contains("00000000000000000000.json line 3", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[],"writerFeatures":[]}""", true)]
    [InlineData("""{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":[]}""", false)]
    [InlineData("""{"minReaderVersion":3,"minWriterVersion":7}""", false)]
    [InlineData("""{"minReaderVersion":2,"minWriterVersion":5}""", false)]
    public void Read_ReaderVersion_RefusesWhatItDoesNotKnow(string protocol, bool readable)
    {
        Commit(0, $$"""{"protocol":{{protocol}}}""", Metadata);
        if (readable)
        {
            Assert.NotNull(Read());
        }
        else
        {
            Assert.Contains("needs reader version", Assert.Throws<DeltaException>(() => Read()).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TryCommit_TakenVersion_IsAConflictAndLeavesTheFirst()
    {
        var log = new DeltaLog(_root);
        var metadata = new DeltaMetadata("i", DeltaSchema.Write([new LakeColumn("x", LakeType.Int64)]), [], NoTags);
        var file = new DeltaFile("d=1/a b.parquet", new Dictionary<string, string?> { ["d"] = null }, 7, 1, "{}", new Dictionary<string, string> { ["k"] = "v" });

        Assert.Equal(DeltaCommitOutcome.Committed, log.TryCommit(0, new DeltaCommit(DeltaProtocol.Plain, metadata, new LakeTxn("a", 5), [file], [])));
        Assert.Equal(DeltaCommitOutcome.Conflict, log.TryCommit(0, new DeltaCommit(null, null, null, [], [])));

        var read = Read()!;
        var live = Assert.Single(read.Files.Values);
        Assert.Equal(("d=1/a b.parquet", 7, "{}", "v"), (live.Path, live.Size, live.Stats, live.Tags["k"]));
        Assert.Null(live.PartitionValues["d"]);
        Assert.Equal(5, read.Txn["a"]);
        Assert.Single(Directory.GetFiles(Path.Combine(_root, "_delta_log")));
        Assert.DoesNotContain(" ", File.ReadAllText(Directory.GetFiles(Path.Combine(_root, "_delta_log"))[0]), StringComparison.Ordinal);
    }

    private static string Add(string path) =>
        $$$"""{"add":{"path":"{{{path}}}","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}""";

    private void Commit(int version, params string[] lines)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, "_delta_log"));
        File.WriteAllText(Path.Combine(folder.FullName, $"{version:D20}.json"), string.Join('\n', lines) + "\n");
    }

    private DeltaSnapshot? Read() => new DeltaLog(_root).Read(CancellationToken.None);
}
