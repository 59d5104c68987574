using System.Diagnostics;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Tests.Cases;
using Grpc.Core;

namespace FeatureStore.Scoring.Tests.Online;

public sealed class HotReloadTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Serve_VersionIsPromotedMeanwhile_ScoresWithItWithoutAFailedCall()
    {
        await using var bank = await ScoredBank.StartAsync(versions: [("xgb-native-nan", MissingPolicy.NaN), ("histgb-vector-nan", MissingPolicy.NaN)]);
        bank.Put("u", [4, 1614, 403.5f, 14.6f, 1200, 0, 2]);
        Assert.Equal("1", (await bank.ScoreAsync(["u"])).Model.Version);
        bank.Promote("2");
        await UntilAsync(async () => (await bank.ScoreAsync(["u"])).Model.Version == "2");
    }

    [Fact]
    public async Task Serve_FirstModelComesMeanwhile_IsServed()
    {
        await using var bank = await ScoredBank.StartAsync();
        var none = await Assert.ThrowsAsync<RpcException>(() => bank.ScoreAsync(["u"]));
        Assert.Equal(StatusCode.NotFound, none.StatusCode);
        Assert.Contains("there is none at all", none.Status.Detail, StringComparison.Ordinal);
        bank.Put("u", [4, 1614, 403.5f, 14.6f, 1200, 0, 2]);
        bank.Add("xgb-native-nan");
        bank.Promote("1");
        await UntilAsync(async () => (await TryAsync(bank)) == "1");
    }

    [Fact]
    public async Task Refresh_NewVersionIsDamaged_OldOneGoesOnAndItIsToldOnce()
    {
        await using var bank = await ScoredBank.StartAsync(versions: [("xgb-native-nan", MissingPolicy.NaN), ("histgb-vector-nan", MissingPolicy.NaN)]);
        bank.Put("u", [4, 1614, 403.5f, 14.6f, 1200, 0, 2]);
        var before = (await bank.ScoreAsync(["u"])).Outputs[0].Values[0];
        bank.Promote("2");
        File.Copy(GoldenCase.Open("bad-truncated-half").ModelPath, Path.Combine(bank.Folder, "2", "model.onnx"), overwrite: true);

        // The server looks too; whoever came first was told.
        bank.Live.Refresh();
        Assert.Empty(bank.Live.Refresh());
        var after = await bank.ScoreAsync(["u"]);
        Assert.Equal(("1", before), (after.Model.Version, after.Outputs[0].Values[0]));
        Directory.Delete(bank.Folder, recursive: true);
        bank.Live.Refresh();
        Assert.Equal("1", (await bank.ScoreAsync(["u"])).Model.Version);
    }

    [Fact]
    public async Task Refresh_LivePointerIsGarbage_OldOneGoesOn()
    {
        await using var bank = await ScoredBank.StartAsync(versions: ("xgb-native-nan", MissingPolicy.NaN));
        bank.Put("u", [4, 1614, 403.5f, 14.6f, 1200, 0, 2]);
        await File.WriteAllTextAsync(Path.Combine(bank.Folder, "live.json"), "{\"version\": 7");
        bank.Live.Refresh();
        Assert.Equal("1", (await bank.ScoreAsync(["u"])).Model.Version);
    }

    private static async Task<string?> TryAsync(ScoredBank bank)
    {
        try
        {
            return (await bank.ScoreAsync(["u"])).Model.Version;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, "It did not happen in time.");
            await Task.Yield();
        }
    }
}
