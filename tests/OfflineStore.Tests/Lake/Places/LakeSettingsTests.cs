using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.OfflineStore.Lake.Places.S3;
using FeatureStore.Registry.Configuration;

namespace FeatureStore.OfflineStore.Tests.Lake.Places;

public sealed class LakeSettingsTests : IDisposable
{
    private const string Keys = "    access_key: a\n    secret_key: b\n";
    private readonly string _repo = Directory.CreateTempSubdirectory("settings").FullName;

    public void Dispose() => Directory.Delete(_repo, recursive: true);

    [Fact]
    public void Open_Address_IsAPlaceInItsBucket()
    {
        var lake = LakeSettings.Open(Config("  lake: s3://transaction-data/lake/\n  tables:\n    demographic: s3://transaction-data-user/demographic/\n  s3:\n" + Keys));
        Assert.Equal("s3://transaction-data/lake", lake.Address);
        Assert.Equal("s3://transaction-data/lake/cdc/transactions", lake.Below("cdc/transactions").Address);
        Assert.Equal("s3://transaction-data-user/demographic/customers", lake.Below("demographic/customers").Address);
        Assert.Equal("s3://other/x", lake.Below("s3://other/x").Address);
        Assert.Equal("/data/x", lake.Below("/data/x").Address);
    }

    [Fact]
    public void S3_Settings_AreRead()
    {
        var options = LakeSettings.S3(Config("  s3:\n    endpoint: http://127.0.0.1:9000\n    region: eu-west-1\n    path_style: false\n    conditional_put: no\n    cache_folder: c\n    cache_mib: 7\n    timeout_seconds: 40\n    attempts: 3\n" + Keys))!;
        Assert.Equal(
            (new Uri("http://127.0.0.1:9000"), "eu-west-1", false, ConditionalPut.No, Path.Combine(_repo, "c"), 7L << 20, TimeSpan.FromSeconds(40), 3, TimeSpan.FromSeconds(160)),
            (options.Endpoint, options.Region, options.PathStyle, options.ConditionalPut, options.CacheFolder, options.CacheBytes, options.Timeout, options.Attempts, options.Lease));
        Assert.Equal("http://127.0.0.1:9000/ (eu-west-1)", options.ToString());
        Assert.Null(LakeSettings.S3(Config("  lake: x\n")));
    }

    [Theory]
    [InlineData("  lake: s3://bucket\n", "fstore: s3:")]
    [InlineData("  lake: s3://b\n  s3:\n" + Keys, "no address of an S3 bucket")]
    [InlineData("  lake: s3://bucket/a/../b\n  s3:\n" + Keys, "no address of an S3 bucket")]
    [InlineData("  s3: here\n", "no mapping")]
    [InlineData("  s3:\n    bucket: x\n" + Keys, "bucket is no setting")]
    [InlineData("  s3:\n    endpoint: 127.0.0.1:9000\n" + Keys, "no address")]
    [InlineData("  s3:\n    conditional_put: maybe\n" + Keys, "conditional_put: maybe")]
    [InlineData("  s3:\n    cache_mib: 0\n" + Keys, "cache_mib: 0")]
    [InlineData("  tables: [a]\n", "fstore: tables:")]
    public void Open_WhatCannotBe_NamesTheSetting(string fstore, string expected) =>
        Assert.Contains(expected, Assert.Throws<DeltaException>(() => LakeSettings.Open(Config(fstore))).Message, StringComparison.Ordinal);

    private RepoConfig Config(string fstore)
    {
        var path = Path.Combine(_repo, RepoConfig.FileName);
        File.WriteAllText(path, "project: p\nregistry: r.db\nfstore:\n" + fstore);
        return RepoConfig.Load(path);
    }
}
