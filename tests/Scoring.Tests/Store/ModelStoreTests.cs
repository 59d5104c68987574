using System.Text.Json;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Scores;
using FeatureStore.Scoring.Store;
using FeatureStore.Scoring.Tests.Cases;

namespace FeatureStore.Scoring.Tests.Store;

public sealed class ModelStoreTests : IDisposable
{
    private readonly StoreFixture _fixture = new();

    private ModelStore Store => _fixture.Store;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void Add_Onnx_KeepsTheFileAndEverythingKnownOfIt()
    {
        var added = Store.Add(StoreFixture.Submission() with { Training = JsonDocument.Parse("""{"rows":19272,"until":"1993-10-18"}""").RootElement });
        var golden = GoldenCase.Open("lr-vector");
        Assert.Equal(("1", golden.Sha256, golden.Sha256), (added.Version, added.SourceSha256, added.Model.Sha256));
        Assert.Equal(File.ReadAllBytes(golden.ModelPath), File.ReadAllBytes(Path.Combine(_fixture.Folder, "1", "model.onnx")));
        var shown = Store.Show(StoreFixture.Name, "1");
        Assert.Equal((StoreFixture.Service, StoreFixture.Fingerprint, MissingPolicy.NaN), (shown.FeatureService, shown.Fingerprint, shown.Plan.Missing));
        Assert.Equal(StoreFixture.Weekly, shown.Plan.Features);
        Assert.Equal(0.621, shown.Metrics["auc"]);
        Assert.Equal(19272, shown.Training!.Value.GetProperty("rows").GetInt32());
        Assert.Equal(["features: float[?,7]"], shown.Inputs);
        Assert.Equal(new DateTimeOffset(2026, 11, 2, 0, 0, 0, TimeSpan.Zero), shown.Created);
        Assert.Null(Store.LiveVersion(StoreFixture.Name));
    }

    [Fact]
    public void Add_XGBoostFile_KeepsItBesideTheOnnxMadeOfIt()
    {
        var golden = GoldenCase.Open("xgb-native-shallow");
        var added = Store.Add(StoreFixture.Submission("xgb-native-shallow"));
        Assert.Equal((ModelFormat.XGBoostUbj, golden.Sha256), (added.SourceFormat, added.SourceSha256));
        Assert.Equal(File.ReadAllBytes(golden.ModelPath), File.ReadAllBytes(Path.Combine(_fixture.Folder, "1", "source.ubj")));
        using var scorer = Store.Open(StoreFixture.Name, StoreFixture.Fingerprint, "1");
        Assert.Equal(["prediction", "margin"], scorer.Outputs);
    }

    [Fact]
    public void Add_BadModel_KeepsNothing()
    {
        foreach (var bad in new[] { "bad-random-bytes", "bad-xgb-child-out-of-range", "bad-truncated-half", "bad-external-escape" })
        {
            Assert.Throws<ModelRefusedException>(() => Store.Add(StoreFixture.Submission(bad)));
        }

        Assert.Throws<ModelRefusedException>(() => Store.Add(StoreFixture.Submission() with { Plan = new ScoringPlan { Features = ["age"] } }));
        Assert.Empty(Store.List());
        Assert.False(Directory.Exists(_fixture.Folder));
    }

    [Fact]
    public void Add_VersionThatExists_IsRefusedAndLeavesItAlone()
    {
        Store.Add(StoreFixture.Submission() with { Version = "2026-11" });
        var before = File.ReadAllBytes(Path.Combine(_fixture.Folder, "2026-11", "manifest.json"));
        Assert.Throws<ModelStoreException>(() => Store.Add(StoreFixture.Submission("histgb-vector-nan") with { Version = "2026-11" }));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(_fixture.Folder, "2026-11", "manifest.json")));
    }

    [Theory]
    [InlineData("../evil", "1")]
    [InlineData("", "1")]
    [InlineData(".hidden", "1")]
    [InlineData("a/b", "1")]
    [InlineData("a\n", "1")]
    [InlineData("good", "..")]
    [InlineData("good", "live.json")]
    [InlineData("good", "v 1")]
    public void Add_NameThatIsNoPlainName_IsRefused(string name, string version)
    {
        Assert.Throws<ModelStoreException>(() => Store.Add(StoreFixture.Submission() with { Name = name, Version = version }));
        Assert.Empty(Directory.EnumerateFiles(_fixture.Root, "manifest.json", SearchOption.AllDirectories));
    }

    [Fact]
    public void Promote_ThenAnother_ThenRollback_MovesTheLiveVersion()
    {
        Store.Add(StoreFixture.Submission());
        Store.Add(StoreFixture.Submission("histgb-vector-nan"));
        Store.Add(StoreFixture.Submission("xgb-native-nan"));
        Store.Promote(StoreFixture.Name, "1", StoreFixture.Fingerprint);
        Store.Promote(StoreFixture.Name, "3", StoreFixture.Fingerprint);
        Store.Promote(StoreFixture.Name, "3", StoreFixture.Fingerprint);
        Store.Promote(StoreFixture.Name, "2", StoreFixture.Fingerprint);
        Assert.Equal([("1", false), ("2", true), ("3", false)], Store.List().Select(l => (l.Manifest.Version, l.IsLive)));
        Assert.Equal("3", Store.Rollback(StoreFixture.Name, _ => StoreFixture.Fingerprint).Version);
        Assert.Equal("1", Store.Rollback(StoreFixture.Name, _ => StoreFixture.Fingerprint).Version);
        Assert.Throws<ModelStoreException>(() => Store.Rollback(StoreFixture.Name, _ => StoreFixture.Fingerprint));
        Assert.Equal("1", Store.LiveVersion(StoreFixture.Name));
    }

    [Fact]
    public void Promote_VersionThatWasDamagedOnDisk_LeavesTheOldOneLive()
    {
        Store.Add(StoreFixture.Submission());
        Store.Add(StoreFixture.Submission());
        Store.Promote(StoreFixture.Name, "1", StoreFixture.Fingerprint);
        File.WriteAllBytes(Path.Combine(_fixture.Folder, "2", "model.onnx"), File.ReadAllBytes(GoldenCase.Open("bad-truncated-tail").ModelPath));
        var refusal = Assert.Throws<ModelRefusedException>(() => Store.Promote(StoreFixture.Name, "2", StoreFixture.Fingerprint));
        Assert.Contains("SHA-256", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("1", Store.LiveVersion(StoreFixture.Name));
        File.WriteAllText(Path.Combine(_fixture.Folder, "2", "manifest.json"), "{\"name\":");
        Assert.Throws<ModelRefusedException>(() => Store.Promote(StoreFixture.Name, "2", StoreFixture.Fingerprint));
        Assert.Equal("1", Store.LiveVersion(StoreFixture.Name));
    }

    [Fact]
    public void Open_OtherDefinitionsAreServed_IsRefused()
    {
        Store.Add(StoreFixture.Submission());
        Store.Promote(StoreFixture.Name, "1", StoreFixture.Fingerprint);
        var refusal = Assert.Throws<ModelRefusedException>(() => Store.Open(StoreFixture.Name, "f2"));
        Assert.Contains("f2 is served", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<ModelRefusedException>(() => Store.Promote(StoreFixture.Name, "1", "f2"));
    }

    [Fact]
    public void Show_NothingLiveOrUnknown_SaysWhatThereIs()
    {
        Store.Add(StoreFixture.Submission());
        Assert.Contains("is live", Assert.Throws<ModelStoreException>(() => Store.Show(StoreFixture.Name)).Message, StringComparison.Ordinal);
        Assert.Contains("it has 1", Assert.Throws<ModelStoreException>(() => Store.Show(StoreFixture.Name, "9")).Message, StringComparison.Ordinal);
        Assert.Contains("it has none", Assert.Throws<ModelStoreException>(() => Store.Show("stranger", "1")).Message, StringComparison.Ordinal);
        Assert.Throws<ModelStoreException>(() => Store.Promote("stranger", "1", StoreFixture.Fingerprint));
    }

    [Fact]
    public void Add_WhileAnotherAdds_IsRefused()
    {
        Store.Add(StoreFixture.Submission());
        using (new FileStream(Path.Combine(_fixture.Folder, ".lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            Assert.Throws<ModelStoreException>(() => Store.Add(StoreFixture.Submission()));
        }

        Assert.Equal("2", Store.Add(StoreFixture.Submission()).Version);
    }
}
