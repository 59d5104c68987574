using FeatureStore.Ingest.Postgres;
using FeatureStore.OfflineStore.Lake;
using Npgsql;

namespace FeatureStore.Ingest.Tests.Postgres;

/// <summary>Messages of a real server, whole and cut short.</summary>
public sealed class PgOutputTests
{
    private const string Slot = "peeked";
    private static readonly LakeColumn[] Columns = [new("id", LakeType.String), new("amount", LakeType.Double), new("vendor", LakeType.String)];

    [SkippableFact]
    public async Task Take_EveryKindOfMessage_IsTakenWhole_AndCutShortNamesThePlace()
    {
        await using var bank = await CaptureBank.StartAsync();
        await bank.RunAsync("ALTER TABLE t REPLICA IDENTITY FULL; CREATE PUBLICATION p FOR TABLE t");
        await bank.RunAsync($"SELECT pg_create_logical_replication_slot('{Slot}', 'pgoutput')");
        await bank.RunAsync("INSERT INTO t (id, amount, vendor) VALUES ('a', 1.5, 'acme'), ('b', NULL, 'ä')");
        await bank.RunAsync("UPDATE t SET amount = 2 WHERE id = 'a'");
        await bank.RunAsync("UPDATE t SET id = 'c' WHERE id = 'b'");
        await bank.RunAsync("DELETE FROM t WHERE id = 'a'");
        await bank.RunAsync($"SELECT pg_logical_emit_message(true, '{CaptureBatch.MessagePrefix}', 'mark')");
        await bank.RunAsync("TRUNCATE t");
        var messages = await PeekAsync(bank);
        Assert.Equal("BCDIMRTU", string.Concat(messages.Select(m => (char)m[0]).Distinct().Order()));

        using var folder = new TemporaryLake();
        using var batch = folder.Batch(bank.ConnectionString);
        var lsn = 1L;
        foreach (var message in messages)
        {
            for (var length = 0; length < message.Length; length++)
            {
                using var cut = folder.Batch(bank.ConnectionString);
                cut.Take(messages.First(m => m[0] == PgOutput.Relation), 1);
                if (message[0] != PgOutput.Begin)
                {
                    cut.Take(messages.First(m => m[0] == PgOutput.Begin), 1);
                }

                var start = message[..length];
                var fault = Record.Exception(() => cut.Take(start, 1));
                Assert.True(fault is PostgresSourceException, $"{(char)message[0]} cut to {length} of {message.Length}: {fault}");
            }

            batch.Take(message, lsn++);
        }

        Assert.True(batch.IsBetweenTransactions);
        Assert.Equal("mark", batch.LastMark);
        Assert.Equal((7, 5), (batch.Rows, batch.Transactions));
    }

    private static async Task<List<byte[]>> PeekAsync(CaptureBank bank)
    {
        await using var connection = await bank.OpenAsync();
        await using var peek = new NpgsqlCommand(
            $"SELECT data FROM pg_logical_slot_peek_binary_changes('{Slot}', NULL, NULL, {string.Join(", ", PgOutput.Options("p").Select(o => $"'{o.Key}', '{o.Value}'"))})", connection);
        await using var reader = await peek.ExecuteReaderAsync();
        var messages = new List<byte[]>();
        while (await reader.ReadAsync())
        {
            messages.Add(reader.GetFieldValue<byte[]>(0));
        }

        return messages;
    }

    private sealed class TemporaryLake : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("pgoutput").FullName;

        public CaptureBatch Batch(string connection) => new(
            new CaptureOptions(
                PostgresAddress.Parse(connection), [new CapturedTable(new PostgresTable("public", "t", Columns, ["id"]), ChangeTable.Open(_folder, "t", Columns))], "bank", Slot, "p"),
            "app",
            "postgres",
            TimeProvider.System);

        public void Dispose() => Directory.Delete(_folder, recursive: true);
    }
}
