using System.Globalization;
using System.Text;
using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Ingest.Tests.ChangeLog;

public sealed class EmbeddedChangeLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("log").FullName;

    private string LogFile => Path.Combine(_folder, "deep", "log.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Append_SeveralTopics_HaveConsecutiveOffsetsAndIncreasingLsns()
    {
        using var log = EmbeddedChangeLog.Open(LogFile);
        var a = log.Topic("a");
        var b = log.Topic("b");
        Assert.Equal(0, log.Append(a, 2, Message));
        Assert.Equal(0, log.Append(b, 1, Message));
        Assert.Equal(2, log.Append(a, 3, Message));
        Assert.Equal([0, 1, 2, 3, 4], log.Read(a, 0, 100).Select(m => m.Offset));
        Assert.Equal(["1", "2", "4", "5", "6"], log.Read(a, 0, 100).Select(Text));
        Assert.Equal(["3"], log.Read(b, 0, 100).Select(Text));
        Assert.Equal([2, 3], log.Read(a, 2, 2).Select(m => m.Offset));
        Assert.Equal(5, log.NextOffset(a));
    }

    [Fact]
    public void Open_Again_KeepsIdsOffsetsAndMessages()
    {
        string cluster;
        LogTopic topic;
        using (var log = EmbeddedChangeLog.Open(LogFile))
        {
            cluster = log.ClusterId;
            topic = log.Topic("a");
            log.Append(topic, 1, (_, _) => new LogMessage([1], null, CreateHalf: true));
        }

        using var again = EmbeddedChangeLog.Open(LogFile);
        Assert.Equal((cluster, topic), (again.ClusterId, again.Topic("a")));
        var message = again.Read(topic, 0, 1)[0].Message;
        Assert.Null(message.Value);
        Assert.True(message.CreateHalf);
        Assert.Equal([1], message.Key);
    }

    [Fact]
    public void Append_FailingHalfway_LeavesNothing()
    {
        using var log = EmbeddedChangeLog.Open(LogFile);
        var topic = log.Topic("a");
        Assert.Throws<InvalidOperationException>(
            () => log.Append(topic, 3, (i, lsn) => i == 2 ? throw new InvalidOperationException() : Message(i, lsn), ("import", 5, 3)));
        Assert.Empty(log.Read(topic, 0, 10));
        Assert.Null(log.Import("import"));
        Assert.Equal(0, log.Append(topic, 1, Message));
    }

    [Fact]
    public void Append_WithImport_StoresItsProgressAndKeepsTheFirstShift()
    {
        using var log = EmbeddedChangeLog.Open(LogFile);
        var topic = log.Topic("a");
        log.Append(topic, 1, Message, ("import", 1716, 1));
        log.Append(topic, 1, Message, ("import", 9999, 2));
        Assert.Equal((1716, 2), log.Import("import"));
    }

    [Fact]
    public void Open_DamagedFile_NamesItAndTheWayOut()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(LogFile)!);
        File.WriteAllText(LogFile, new string('x', 8192));
        var error = Assert.Throws<ChangeLogException>(() => EmbeddedChangeLog.Open(LogFile));
        Assert.Contains(LogFile, error.Message, StringComparison.Ordinal);
        Assert.Contains("import again", error.Message, StringComparison.Ordinal);
    }

    private static LogMessage Message(int index, long lsn) => new(null, Encoding.UTF8.GetBytes(lsn.ToString(CultureInfo.InvariantCulture)));

    private static string Text(StoredMessage message) => Encoding.UTF8.GetString(message.Message.Value!);
}
