using System.Globalization;
using System.Text;
using FeatureStore.Ingest.ChangeLog;
using Microsoft.Data.Sqlite;

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
            () => log.Append(topic, 3, (i, lsn) => i == 2 ? throw new InvalidOperationException() : Message(i, lsn), new ImportProgress("import", 5, 3, false)));
        Assert.Empty(log.Read(topic, 0, 10));
        Assert.Null(log.Import("import"));
        Assert.Equal(0, log.Append(topic, 1, Message));
    }

    [Fact]
    public void Append_WithImport_StoresItsProgressAndKeepsTheFirstShift()
    {
        using var log = EmbeddedChangeLog.Open(LogFile);
        var topic = log.Topic("a");
        log.Append(topic, 1, Message, new ImportProgress("import", 1716, 1, false));
        log.Append(topic, 1, Message, new ImportProgress("import", 9999, 2, true));
        Assert.Equal(new ImportProgress("import", 1716, 2, true), log.Import("import"));
    }

    [Fact]
    public void Append_LeavingSomeOut_KeepsOffsetsAndLsnsConsecutive()
    {
        using var log = EmbeddedChangeLog.Open(LogFile);
        var topic = log.Topic("a");
        log.Append(topic, 6, (i, lsn) => i % 2 == 0 ? null : Message(i, lsn));
        Assert.Equal([0, 1, 2], log.Read(topic, 0, 10).Select(m => m.Offset));
        Assert.Equal(["1", "2", "3"], log.Read(topic, 0, 10).Select(Text));
        Assert.Equal(3, log.Append(topic, [new LogMessage([1], [2])]));
    }

    [Fact]
    public void Latest_WithinAnAppend_SeesTheMessagesMadeBefore()
    {
        using var log = EmbeddedChangeLog.Open(LogFile);
        var topic = log.Topic("a");
        log.Append(topic, 3, (i, _) => new LogMessage([7], [(byte)(1 + (log.Latest(topic, [7])?.Message.Value![0] ?? 0))]));
        log.Append(topic, [new LogMessage([7], null), new LogMessage([8], [9])]);
        Assert.Equal([3], log.Latest(topic, [7])!.Message.Value!);
        Assert.Null(log.Latest(topic, [6]));
        Assert.Null(log.Latest(log.Topic("b"), [7]));
    }

    [Fact]
    public void Read_Messages_TellWhenTheyWereAppended()
    {
        using var log = EmbeddedChangeLog.Open(LogFile, new FixedTime(DateTimeOffset.FromUnixTimeMilliseconds(1_793_577_600_001)));
        var topic = log.Topic("a");
        log.Append(topic, 1, Message);
        Assert.Equal(1_793_577_600_001, log.Read(topic, 0, 1)[0].TimestampMillis);
    }

    [Fact]
    public void NotePosition_Again_KeepsTheLast()
    {
        using var log = EmbeddedChangeLog.Open(LogFile);
        var topic = log.Topic("a");
        log.NotePosition(topic, "lake", 3);
        log.NotePosition(topic, "lake", 9);
        log.NotePosition(log.Topic("b"), "lake", 1);
        Assert.Equal(new Dictionary<string, long> { ["lake"] = 9 }, log.Positions(topic));
    }

    [Fact]
    public void NoteDeadLetters_Again_KeepsOneOfEach()
    {
        using var log = EmbeddedChangeLog.Open(LogFile);
        var topic = log.Topic("a");
        DeadLetter[] letters = [new(4, 10, "not JSON"), new(2, 0, "the event ends too early")];
        log.DeadLetters.Note(topic, letters);
        log.DeadLetters.Note(topic, letters);
        Assert.Equal(letters.Reverse(), log.DeadLetters.List(topic));
    }

    [Fact]
    public void Open_FileOfAnotherLayout_SaysSo()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(LogFile)!);
        using (var connection = new SqliteConnection($"Data Source={LogFile};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE messages (a)";
            command.ExecuteNonQuery();
        }

        Assert.Contains("layout 0", Assert.Throws<ChangeLogException>(() => EmbeddedChangeLog.Open(LogFile)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_PagesDamagedLater_NamesTheFile()
    {
        using (var log = EmbeddedChangeLog.Open(LogFile))
        {
            var topic = log.Topic("a");
            log.Append(topic, 2_000, (i, lsn) => new LogMessage(BitConverter.GetBytes(i), new byte[100]));
        }

        using (var file = File.OpenWrite(LogFile))
        {
            file.Position = 4096 * 8;
            file.Write(new byte[file.Length - file.Position]);
        }

        var error = Assert.Throws<ChangeLogException>(() =>
        {
            using var log = EmbeddedChangeLog.Open(LogFile);
            log.Read(log.Topic("a"), 0, 10_000);
        });
        Assert.Contains(LogFile, error.Message, StringComparison.Ordinal);
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
