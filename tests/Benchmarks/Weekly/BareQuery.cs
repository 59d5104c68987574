using FeatureStore.DuckDb;

namespace FeatureStore.Benchmarks.Weekly;

/// <summary>
/// The rival: what a person would write in DuckDB for one feature time. The newest change of each key, a plain sum, one row a
/// user, and no past answers.
/// </summary>
internal static class BareQuery
{
    public static void Run(WeeklySettings settings, string target)
    {
        Directory.CreateDirectory(target);
        using var database = DuckDbDatabase.Open(null, new DuckDbOptions(settings.MemoryMiB, settings.Threads, Path.Combine(settings.Folder, "bare-spill")));
        using var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'");
        foreach (var t in BankLake.Times(settings))
        {
            connection.Execute($"""
                COPY (
                    WITH newest AS (
                        SELECT * FROM read_parquet('{settings.Folder}/{BankLake.Changes}/__commit_date=*/*.parquet', hive_partitioning = false)
                        QUALIFY row_number() OVER (PARTITION BY __source, __key ORDER BY __lsn DESC, __part DESC) = 1),
                    history AS (SELECT *, time >= make_timestamptz({t}::BIGINT) - INTERVAL 168 HOURS AS member FROM newest WHERE __op <> 'd' AND time < make_timestamptz({t}::BIGINT))
                    SELECT user_id, count(*) FILTER (member) AS num_transactions_l1w, coalesce(sum(amount) FILTER (member), 0) AS total_amount_l1w,
                        avg(amount) FILTER (member) AS avg_amount_l1w, min(amount) FILTER (member) AS min_amount_l1w,
                        max(amount) FILTER (member) AS max_amount_l1w, count(DISTINCT vendor) FILTER (member) AS num_vendors_l1w,
                        count(DISTINCT sources) FILTER (member) AS num_sources_l1w, make_timestamptz({t}::BIGINT) AS event_timestamp
                    FROM history GROUP BY user_id)
                TO '{target}/{t}.parquet' (FORMAT PARQUET, COMPRESSION ZSTD)
                """);
        }
    }
}
