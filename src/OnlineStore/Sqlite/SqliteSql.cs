using Microsoft.Data.Sqlite;

namespace FeatureStore.OnlineStore.Sqlite;

/// <summary>Names and statements of Feast's tables.</summary>
internal static class SqliteSql
{
    public const long MicrosPerSecond = 1_000_000;

    public static string TableName(OnlineTable table) => $"{table.Project}_{table.View}";

    /// <summary>The table's name as it stands in a statement.</summary>
    public static string Table(OnlineTable table) => Quote(TableName(table));

    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public static SqliteCommand Command(SqliteTransaction transaction, string sql)
    {
        var command = transaction.Connection!.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        return command;
    }

    public static void Set(SqliteCommand command, string name, object? value)
    {
        if (command.Parameters.Contains(name))
        {
            command.Parameters[name].Value = value ?? DBNull.Value;
        }
        else
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }
    }
}
