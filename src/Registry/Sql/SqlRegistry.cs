using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Net.Sockets;
using Feast.Core;
using FeatureStore.Registry.Files;
using FeatureStore.Registry.Validation;
using Google.Protobuf.WellKnownTypes;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Sql;

/// <summary>
/// Feast's SQL registry, read: each table's rows of one project, in one transaction, put together as the message that a
/// file registry would be. Feast leaves <c>project</c> out of many of its messages here, so it is taken from the row.
/// </summary>
/// <param name="project">The project to read; of other projects only the names.</param>
internal sealed class SqlRegistry(SqlRegistryAddress address, string project) : IRegistryStore
{
    private const string ViewsTable = "feature_views";

    public bool Exists() => Run(connection => Tables(connection).Contains(ViewsTable));

    public RegistryProto Load() => Run(connection =>
    {
        using var transaction = connection.BeginTransaction(address.IsSqlite ? IsolationLevel.Serializable : IsolationLevel.RepeatableRead);
        var tables = Tables(connection);
        if (!tables.Contains(ViewsTable))
        {
            throw new RegistryException($"There is no registry in {address.Shown}: the table {ViewsTable} is missing. Run 'feast apply', or correct 'path'.");
        }

        return Read(new SqlRows(connection, transaction, tables, project, address.Shown));
    });

    public DateTimeOffset? LatestEnd(string project, string view) => ViewMeta.LatestEnd(Load(), project, view);

    public void RecordInterval(string project, string view, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken) =>
        throw ReadOnly("its ranges are noted by 'feast materialize'");

    public IReadOnlyList<PlannedChange> RemoveProject(string project, CancellationToken cancellationToken) => throw ReadOnly("run 'feast teardown'");

    private RegistryException ReadOnly(string wayOut) => new($"The registry {address.Shown} is a SQL registry, which is read and never written here; {wayOut}, or use 'registry_type: file'.");

    private RegistryProto Read(SqlRows rows)
    {
        var registry = new RegistryProto { RegistrySchemaVersion = "1" };
        registry.Projects.Add(rows.Of("projects", "project_proto", Project.Parser, (p, id) => (p.Spec ??= new ProjectSpec()).Name = id, ofAllProjects: true));
        registry.Entities.Add(rows.Of("entities", "entity_proto", Entity.Parser, (e, id) => (e.Spec ??= new EntitySpecV2()).Project = id));
        registry.DataSources.Add(rows.Of("data_sources", "data_source_proto", DataSource.Parser, (s, id) => s.Project = id));
        registry.FeatureViews.Add(rows.Of(ViewsTable, "feature_view_proto", FeatureView.Parser, (v, id) => (v.Spec ??= new FeatureViewSpec()).Project = id));
        registry.StreamFeatureViews.Add(rows.Of("stream_feature_views", "feature_view_proto", StreamFeatureView.Parser, (v, id) => (v.Spec ??= new StreamFeatureViewSpec()).Project = id));
        registry.OnDemandFeatureViews.Add(rows.Of("on_demand_feature_views", "feature_view_proto", OnDemandFeatureView.Parser, (v, id) => (v.Spec ??= new OnDemandFeatureViewSpec()).Project = id));
        registry.LabelViews.Add(rows.Of("label_views", "feature_view_proto", LabelView.Parser, (v, id) => (v.Spec ??= new LabelViewSpec()).Project = id));
        registry.FeatureServices.Add(rows.Of("feature_services", "feature_service_proto", FeatureService.Parser, (s, id) => (s.Spec ??= new FeatureServiceSpec()).Project = id));
        registry.SavedDatasets.Add(rows.Of("saved_datasets", "saved_dataset_proto", SavedDataset.Parser, (d, id) => (d.Spec ??= new SavedDatasetSpec()).Project = id));
        registry.ValidationReferences.Add(rows.Of("validation_references", "validation_reference_proto", ValidationReference.Parser, (r, id) => r.Project = id));
        registry.Permissions.Add(rows.Of("permissions", "permission_proto", Permission.Parser, (p, id) => (p.Spec ??= new PermissionSpec()).Project = id));
        foreach (var infra in rows.Of("managed_infra", "infra_proto", Infra.Parser, (_, _) => { }))
        {
            (registry.Infra ??= new Infra()).MergeFrom(infra);
        }

        if (long.TryParse(rows.Metadata("last_updated_timestamp"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            // The tables have no revision; the second of the last write is the nearest to one.
            registry.LastUpdated = new Timestamp { Seconds = seconds };
            registry.VersionId = string.Create(CultureInfo.InvariantCulture, $"{rows.Metadata("project_uuid")}@{seconds}");
        }

        return registry;
    }

    private HashSet<string> Tables(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = address.IsSqlite
            ? "SELECT name FROM sqlite_master WHERE type = 'table'"
            : "SELECT table_name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))";
        using var reader = command.ExecuteReader();
        var tables = new HashSet<string>();
        while (reader.Read())
        {
            tables.Add(reader.GetString(0));
        }

        return tables;
    }

    private T Run<T>(Func<DbConnection, T> read)
    {
        try
        {
            using var connection = address.Connection();
            connection.Open();
            return read(connection);
        }
        catch (Exception e) when (e is DbException or SocketException or TimeoutException or IOException or InvalidCastException or ArgumentException)
        {
            throw new RegistryException($"The SQL registry {address.Shown} cannot be read ({e.Message}); check 'path' of 'registry', the server and the rights.", e);
        }
    }
}
