using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Postgres;

/// <summary>A source table in PostgreSQL.</summary>
/// <param name="Columns">Those that are written or captured; the table may have more.</param>
/// <param name="KeyColumns">Its primary key.</param>
public sealed record PostgresTable(string Schema, string Name, IReadOnlyList<LakeColumn> Columns, IReadOnlyList<string> KeyColumns)
{
    /// <summary>Schema and name, quoted.</summary>
    internal string Sql => $"{Quoted(Schema)}.{Quoted(Name)}";

    /// <summary>Schema and name as people write them.</summary>
    public override string ToString() => $"{Schema}.{Name}";

    internal static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}

/// <summary>PostgreSQL cannot be used as it was asked for; the message names what and the way out, and never a password.</summary>
public sealed class PostgresSourceException(string message, Exception? cause = null) : Exception(message, cause);
