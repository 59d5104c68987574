using System.Data.Common;
using FeatureStore.Registry.Validation;
using Google.Protobuf;

namespace FeatureStore.Registry.Sql;

/// <summary>Rows of a SQL registry inside one transaction. An older Feast made fewer tables; a missing one is empty.</summary>
/// <param name="now">Seconds since the epoch, put into what is written.</param>
internal sealed class SqlRows(DbConnection connection, DbTransaction transaction, IReadOnlySet<string> tables, string project, string shown, long now)
{
    private const string MetadataTable = "feast_metadata";
    private const string LastUpdated = "last_updated_timestamp";
    private const string ProjectId = "project_uuid";

    /// <summary>The messages of a table, by name.</summary>
    /// <param name="setProject">Puts the row's project into the message.</param>
    /// <exception cref="RegistryException">A message is damaged.</exception>
    public IReadOnlyList<T> Of<T>(string table, string nameColumn, string column, MessageParser<T> parser, Action<T, string> setProject, bool ofAllProjects)
        where T : IMessage<T> => Query(
            table,
            $"SELECT project_id, {column} FROM {table}{(ofAllProjects ? string.Empty : " WHERE project_id = @project")} ORDER BY {nameColumn}",
            row =>
            {
                try
                {
                    var message = parser.ParseFrom(row.GetFieldValue<byte[]>(1));
                    setProject(message, row.GetString(0));
                    return message;
                }
                catch (InvalidProtocolBufferException e)
                {
                    throw new RegistryException($"The table {table} of the registry {shown} holds a damaged message ({e.Message}); run 'feast apply' to write it again.", e);
                }
            });

    /// <summary>The rows of a query; none when its table is missing.</summary>
    public IReadOnlyList<T> Query<T>(string table, string sql, Func<DbDataReader, T> read)
    {
        if (!tables.Contains(table))
        {
            return [];
        }

        using var command = Command(sql);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    public void Insert(string table, string nameColumn, string protoColumn, string name, byte[] proto)
    {
        // The table of projects has the project itself for its key.
        var columns = nameColumn == "project_id" ? "project_id, project_name" : $"{nameColumn}, project_id";
        Execute(
            $"INSERT INTO {table} ({columns}, {LastUpdated}, {protoColumn}) VALUES (@name, @project, @now, @proto)", ("name", name), ("now", now), ("proto", proto));
    }

    public void Update(string table, string nameColumn, string protoColumn, string name, byte[] proto) => Execute(
        $"UPDATE {table} SET {protoColumn} = @proto, {LastUpdated} = @now WHERE {nameColumn} = @name AND project_id = @project",
        ("name", name),
        ("now", now),
        ("proto", proto));

    public void Delete(string table, string nameColumn, string name) =>
        Execute($"DELETE FROM {table} WHERE {nameColumn} = @name AND project_id = @project", ("name", name));

    /// <summary>A value that Feast notes of the project; null if there is none.</summary>
    public string? Metadata(string key)
    {
        if (!tables.Contains(MetadataTable))
        {
            return null;
        }

        using var command = Command($"SELECT metadata_value FROM {MetadataTable} WHERE project_id = @project AND metadata_key = @key", ("key", key));
        return command.ExecuteScalar() as string;
    }

    /// <summary>Notes, as Feast does, when the project was written, and who it is.</summary>
    public void Touch()
    {
        if (Metadata(ProjectId) is null)
        {
            AddMetadata(ProjectId, Guid.NewGuid().ToString());
        }

        var seconds = now.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (Metadata(LastUpdated) is null)
        {
            AddMetadata(LastUpdated, seconds);
        }
        else
        {
            Execute(
                $"UPDATE {MetadataTable} SET metadata_value = @value, {LastUpdated} = @now WHERE project_id = @project AND metadata_key = @key",
                ("key", LastUpdated),
                ("value", seconds),
                ("now", now));
        }
    }

    /// <summary>Forgets what is noted of a project that is no more.</summary>
    public void Forget()
    {
        Execute($"DELETE FROM {MetadataTable} WHERE project_id = @project");
        Execute("DELETE FROM managed_infra WHERE project_id = @project");
    }

    public void Execute(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = Command(sql, parameters);
        command.ExecuteNonQuery();
    }

    private void AddMetadata(string key, string value) => Execute(
        $"INSERT INTO {MetadataTable} (project_id, metadata_key, metadata_value, {LastUpdated}) VALUES (@project, @key, @value, @now)",
        ("key", key),
        ("value", value),
        ("now", now));

    private DbCommand Command(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        Add(command, "project", project);
        foreach (var (name, value) in parameters)
        {
            Add(command, name, value);
        }

        return command;
    }

    private static void Add(DbCommand command, string name, object value)
    {
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = (name, value);
        command.Parameters.Add(parameter);
    }
}
