using FeatureStore.Ingest.Postgres;

namespace FeatureStore.Ingest.Tests.Postgres;

/// <summary>Whether the publication still publishes what it did when the snapshot was taken.</summary>
public sealed class CapturePublicationTests
{
    [SkippableFact]
    public async Task Capture_TableOutOfThePublicationForAWhile_IsNamedAndHealedByASnapshot()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync("INSERT INTO t (id, age) SELECT n::text, n FROM generate_series(1, 100) n");
        await bank.CatchUpAsync();
        await bank.RunAsync("ALTER PUBLICATION fstore ADD TABLE other");
        await bank.CatchUpAsync(); // Another table's coming is nothing to ours.
        await bank.RunAsync("ALTER PUBLICATION fstore DROP TABLE t");
        await bank.RunAsync("DELETE FROM t WHERE age > 50; INSERT INTO t (id) VALUES ('unseen')");
        await bank.RunAsync("ALTER PUBLICATION fstore ADD TABLE t");

        var refused = await Assert.ThrowsAsync<PostgresSourceException>(() => bank.CatchUpAsync());
        Assert.Contains("taken out of publication fstore and added again", refused.Message, StringComparison.Ordinal);
        var status = await bank.Capture().StatusAsync(CancellationToken.None);
        Assert.Equal(("gap", refused.Message), (status.State, status.Gap));

        await bank.CatchUpAsync(resnapshot: true);
        await bank.AssertEqualAsync();
        await bank.RunAsync("INSERT INTO t (id) VALUES ('later')");
        await bank.CatchUpAsync();
        await bank.AssertEqualAsync();
    }

    [SkippableFact]
    public async Task Capture_PublicationOfAllTables_GoesOn()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync("CREATE PUBLICATION fstore FOR ALL TABLES");
        await bank.RunAsync("INSERT INTO t (id, age) SELECT n::text, n FROM generate_series(1, 100) n");
        await bank.CatchUpAsync();
        await bank.RunAsync("INSERT INTO t (id) VALUES ('later')");
        await bank.CatchUpAsync();
        await bank.AssertEqualAsync();
    }
}
