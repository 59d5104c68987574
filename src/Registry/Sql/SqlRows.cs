using System.Data.Common;
using FeatureStore.Registry.Validation;
using Google.Protobuf;

namespace FeatureStore.Registry.Sql;

/// <summary>Rows of a SQL registry inside one transaction. An older Feast made fewer tables; a missing one is empty.</summary>
internal sealed class SqlRows(DbConnection connection, DbTransaction transaction, IReadOnlySet<string> tables, string project, string shown)
{
    private const string MetadataTable = "feast_metadata";

    /// <summary>The messages of a table, by name.</summary>
    /// <param name="setProject">Puts the row's project into the message.</param>
    /// <exception cref="RegistryException">A message is damaged.</exception>
    public IReadOnlyList<T> Of<T>(string table, string column, MessageParser<T> parser, Action<T, string> setProject, bool ofAllProjects = false)
        where T : IMessage<T>
    {
        if (!tables.Contains(table))
        {
            return [];
        }

        using var command = Command($"SELECT project_id, {column} FROM {table}{(ofAllProjects ? string.Empty : " WHERE project_id = @project")}");
        using var reader = command.ExecuteReader();
        var messages = new List<T>();
        while (reader.Read())
        {
            var id = reader.GetString(0);
            try
            {
                var message = parser.ParseFrom(reader.GetFieldValue<byte[]>(1));
                setProject(message, id);
                messages.Add(message);
            }
            catch (InvalidProtocolBufferException e)
            {
                throw new RegistryException($"The table {table} of the registry {shown} holds a damaged message ({e.Message}); run 'feast apply' to write it again.", e);
            }
        }

        return messages;
    }

    /// <summary>A value that Feast notes of the project; null if there is none.</summary>
    public string? Metadata(string key)
    {
        if (!tables.Contains(MetadataTable))
        {
            return null;
        }

        using var command = Command($"SELECT metadata_value FROM {MetadataTable} WHERE project_id = @project AND metadata_key = @key");
        Add(command, "key", key);
        return command.ExecuteScalar() as string;
    }

    private DbCommand Command(string sql)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        Add(command, "project", project);
        return command;
    }

    private static void Add(DbCommand command, string name, string value)
    {
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = (name, value);
        command.Parameters.Add(parameter);
    }
}
