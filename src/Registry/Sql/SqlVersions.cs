using System.Data.Common;
using Feast.Core;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Sql;

/// <summary>Feast's table of the versions that views had, with times in whole seconds. A version never changes.</summary>
internal static class SqlVersions
{
    public const string Table = "feature_view_version_history";

    public static IEnumerable<string> Schema(string bytes) =>
    [
        $"CREATE TABLE IF NOT EXISTS {Table} (feature_view_name VARCHAR(255) NOT NULL, project_id VARCHAR(255) NOT NULL, version_number INTEGER NOT NULL, "
            + $"feature_view_type VARCHAR(50) NOT NULL, feature_view_proto {bytes} NOT NULL, created_timestamp BIGINT NOT NULL, description TEXT, "
            + "version_id VARCHAR(36) NOT NULL, PRIMARY KEY (feature_view_name, project_id, version_number))",
        $"CREATE INDEX IF NOT EXISTS idx_fv_version_history_project_id ON {Table} (project_id)",
    ];

    public static void Read(SqlRows rows, RegistryProto registry)
    {
        var records = rows.Query(
            Table,
            "SELECT feature_view_name, project_id, version_number, feature_view_type, feature_view_proto, created_timestamp, description, version_id "
                + $"FROM {Table} WHERE project_id = @project ORDER BY feature_view_name, version_number",
            Record);
        if (records.Count > 0)
        {
            registry.FeatureViewVersionHistory = new FeatureViewVersionHistory { Records = { records } };
        }
    }

    public static void Write(SqlRows rows, RegistryProto before, RegistryProto after)
    {
        var (old, next) = (Keyed(before), Keyed(after));
        foreach (var ((view, version), record) in next.Where(r => !old.ContainsKey(r.Key)))
        {
            rows.Execute(
                $"INSERT INTO {Table} (feature_view_name, project_id, version_number, feature_view_type, feature_view_proto, created_timestamp, description, version_id) "
                    + "VALUES (@view, @project, @version, @type, @proto, @created, @description, @id)",
                ("view", view),
                ("version", version),
                ("type", record.FeatureViewType),
                ("proto", record.FeatureViewProto.ToByteArray()),
                ("created", record.CreatedTimestamp?.Seconds ?? 0),
                ("description", record.Description),
                ("id", record.VersionId));
        }

        foreach (var (view, version) in old.Keys.Except(next.Keys))
        {
            rows.Execute($"DELETE FROM {Table} WHERE project_id = @project AND feature_view_name = @view AND version_number = @version", ("view", view), ("version", version));
        }
    }

    private static Dictionary<(string View, int Version), FeatureViewVersionRecord> Keyed(RegistryProto registry) =>
        (registry.FeatureViewVersionHistory?.Records ?? []).GroupBy(r => (r.FeatureViewName, r.VersionNumber)).ToDictionary(g => g.Key, g => g.First());

    private static FeatureViewVersionRecord Record(DbDataReader row) => new()
    {
        FeatureViewName = row.GetString(0),
        ProjectId = row.GetString(1),
        VersionNumber = row.GetInt32(2),
        FeatureViewType = row.GetString(3),
        FeatureViewProto = ByteString.CopyFrom(row.GetFieldValue<byte[]>(4)),
        CreatedTimestamp = new Timestamp { Seconds = row.GetInt64(5) },
        Description = row.IsDBNull(6) ? string.Empty : row.GetString(6),
        VersionId = row.GetString(7),
    };
}
