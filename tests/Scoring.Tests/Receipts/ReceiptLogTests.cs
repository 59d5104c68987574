using FeatureStore.Scoring.Online;
using FeatureStore.Scoring.Receipts;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Tests.Cases;
using FeatureStore.Scoring.Tests.Online;
using FeatureStore.Serving.Retrieval;

namespace FeatureStore.Scoring.Tests.Receipts;

public sealed class ReceiptLogTests
{
    private static readonly float[] Plain = [4, 1614, 403.5f, 14.6f, 1200, 0, 2];

    [Theory]
    [InlineData("xgb-native-nan")]
    [InlineData("histgb-vector-nan")]
    [InlineData("lgbm-native-binary")]
    [InlineData("lr-vector")]
    public async Task Replay_WhatWasDecided_GivesTheSameBits(string name)
    {
        await using var bank = await ScoredBank.StartAsync(versions: (name, MissingPolicy.NaN));
        bank.PutRecorded(GoldenCase.Open("xgb-native-nan"));
        var options = Options(bank);
        await using (var log = ReceiptLog.Open(options))
        {
            var scorer = new OnlineScorer(bank.Runtime, bank.Live, log);
            foreach (var users in new[] { ["u3"], ["u7", "nobody", "u7"], Enumerable.Range(0, 200).Select(i => $"u{i}").ToArray() })
            {
                await ScoreAsync(scorer, users);
            }
        }

        // What is online by now plays no part.
        bank.Store.Rows.Clear();
        var replay = new ReceiptReplay(bank.Models);
        var results = ReceiptFolder.Read(options.Folder).Select(r => replay.Run(r, CancellationToken.None)).ToArray();
        Assert.Equal([1, 3, 200], results.Select(r => r.Rows));
        Assert.All(results, r => Assert.True(r.SameBits, $"{name}: off by {r.LargestDifference}"));
    }

    [Fact]
    public async Task Replay_ReceiptWasChanged_SaysSo()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.Put("u", Plain);
        var options = Options(bank);
        await RecordAsync(bank, options, "u");
        var path = Directory.EnumerateFiles(options.Folder, "*.jsonl").Single();
        var line = await File.ReadAllTextAsync(path);
        Assert.Contains("1614", line, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, line.Replace("1614", "91614", StringComparison.Ordinal));
        var result = new ReceiptReplay(bank.Models).Run(ReceiptFolder.Read(options.Folder).Single(), CancellationToken.None);
        Assert.False(result.SameBits);
        Assert.True(result.LargestDifference > 0);
        await File.WriteAllTextAsync(path, line.Replace(bank.Models.Show(ScoredBank.Name).Model.Sha256, new string('0', 64), StringComparison.Ordinal));
        Assert.Throws<ReceiptException>(() => new ReceiptReplay(bank.Models).Run(ReceiptFolder.Read(options.Folder).Single(), CancellationToken.None));
    }

    [Fact]
    public async Task Append_RefusedRows_AreRecordedAndNotRunAgain()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.Refuse));
        bank.Put("u", Plain);
        var options = Options(bank);
        await RecordAsync(bank, options, "nobody", "u", "nobody");
        var receipt = ReceiptFolder.Read(options.Folder).Single();
        Assert.Equal([RowOutcome.Refused, RowOutcome.Scored, RowOutcome.Refused], receipt.Rows.Select(r => r.Outcome));
        Assert.Equal([null, 1614.0, null], Enumerable.Range(0, 3).Select(receipt.Features[1].ValueAt));
        Assert.True(new ReceiptReplay(bank.Models).Run(receipt, CancellationToken.None) is { SameBits: true, Rows: 1 });
        await RecordAsync(bank, options, "nobody");
        Assert.True(new ReceiptReplay(bank.Models).Run(ReceiptFolder.Read(options.Folder).Last(), CancellationToken.None) is { SameBits: true, Rows: 0 });
    }

    [Fact]
    public async Task Append_Entities_AreHashedWithTheSecretAndNowhereElse()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.Put("customer-4711", Plain);
        var options = Options(bank);
        await RecordAsync(bank, options, "customer-4711", "other", "customer-4711");
        await RecordAsync(bank, options with { Secret = "another secret, long enough" }, "customer-4711");
        var text = await File.ReadAllTextAsync(Directory.EnumerateFiles(options.Folder, "*.jsonl").Single());
        Assert.DoesNotContain("4711", text, StringComparison.Ordinal);
        var hashes = ReceiptFolder.Read(options.Folder).SelectMany(r => r.Rows).Select(r => r.KeyHash).ToArray();
        Assert.Equal(hashes[0], hashes[2]);
        Assert.Equal(3, hashes.Distinct().Count());
        Assert.Equal(hashes[0], ReceiptKey.Open(options).Hash([("user_id", new Feast.Types.Value { StringVal = "customer-4711" })]));
        Assert.Throws<ReceiptException>(() => ReceiptLog.Open(options with { Secret = "short" }));
    }

    [Fact]
    public async Task Open_ProcessWasKilledInALine_GoesOnAfterTheLastWholeOne()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.Put("u", Plain);
        var options = Options(bank);
        await RecordAsync(bank, options, "u");
        var path = Directory.EnumerateFiles(options.Folder, "*.jsonl").Single();
        var whole = await File.ReadAllBytesAsync(path);
        for (var cut = 1; cut < whole.Length; cut += 97)
        {
            await File.WriteAllBytesAsync(path, [.. whole, .. whole[..cut]]);
            Assert.Single(ReceiptFolder.Read(options.Folder));
            await RecordAsync(bank, options, "u");
            Assert.Equal(2, ReceiptFolder.Read(options.Folder).Count());
        }

        await File.WriteAllBytesAsync(path, [.. whole, .. "{\"request_id\": 7}\n"u8, .. whole]);
        Assert.Contains("Line 2", Assert.Throws<ReceiptException>(() => ReceiptFolder.Read(options.Folder).Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Append_FilesAreFull_GoesOnInAnotherAndDropsTheOldest()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.Put("u", Plain);
        var options = Options(bank) with { FileBytesMax = 1, FilesMax = 3 };
        await using var log = ReceiptLog.Open(options);
        var scorer = new OnlineScorer(bank.Runtime, bank.Live, log);
        for (var i = 0; i < 10; i++)
        {
            await ScoreAsync(scorer, ["u"], $"r{i}");
        }

        Assert.Equal(["r7", "r8", "r9"], ReceiptFolder.Read(options.Folder).Select(r => r.RequestId));
        Assert.Equal(3, Directory.EnumerateFiles(options.Folder, "*.jsonl").Count());
    }

    [Fact]
    public async Task Append_TwoProcessesAtOnce_LoseNothing()
    {
        const int Calls = 50;
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.Put("u", Plain);
        var options = Options(bank);
        await using (var one = ReceiptLog.Open(options))
        await using (var two = ReceiptLog.Open(options))
        {
            OnlineScorer[] scorers = [new(bank.Runtime, bank.Live, one), new(bank.Runtime, bank.Live, two)];
            await Task.WhenAll(Enumerable.Range(0, 2 * Calls).Select(i => ScoreAsync(scorers[i % 2], ["u"], $"r{i}")));
        }

        Assert.Equal(Enumerable.Range(0, 2 * Calls).Select(i => $"r{i}").Order(), ReceiptFolder.Read(options.Folder).Select(r => r.RequestId).Order());
    }

    [Fact]
    public async Task Score_ReceiptCannotBeWritten_GivesNoDecision()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.Put("u", Plain);
        var options = Options(bank) with { FileBytesMax = 1 };
        await using var log = ReceiptLog.Open(options);
        var scorer = new OnlineScorer(bank.Runtime, bank.Live, log);
        await ScoreAsync(scorer, ["u"]);
        Directory.Delete(options.Folder, recursive: true);
        var fault = await Assert.ThrowsAsync<RetrievalException>(() => ScoreAsync(scorer, ["u"]));
        Assert.Equal(RetrievalFault.NotRecorded, fault.Fault);
        Directory.CreateDirectory(options.Folder);
        await ScoreAsync(scorer, ["u"]);
        Assert.Single(ReceiptFolder.Read(options.Folder));
    }

    private static ReceiptOptions Options(ScoredBank bank) => new(Path.Combine(bank.Root, "receipts"));

    private static async Task RecordAsync(ScoredBank bank, ReceiptOptions options, params string[] users)
    {
        await using var log = ReceiptLog.Open(options);
        await ScoreAsync(new OnlineScorer(bank.Runtime, bank.Live, log), users);
    }

    private static async Task<ScoredBatch> ScoreAsync(OnlineScorer scorer, string[] users, string? requestId = null)
    {
        using var call = scorer.Begin(ScoredBank.Name);
        return await call.RunAsync([new EntityColumn("user_id", [.. users.Select(ScoredUser)])], requestId, CancellationToken.None);
    }

    private static Feast.Types.Value ScoredUser(string user) => new() { StringVal = user };
}
