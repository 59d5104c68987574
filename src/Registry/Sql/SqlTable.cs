using Feast.Core;
using Google.Protobuf;
using Google.Protobuf.Collections;
using RegistryProto = Feast.Core.Registry;

namespace FeatureStore.Registry.Sql;

/// <summary>One of Feast's tables: how its rows become objects of a registry, and how changed objects become rows.</summary>
/// <param name="nameColumn">Names an object within its project.</param>
/// <param name="otherColumns">Further columns with their types, which stay NULL here.</param>
internal abstract class SqlTable(string name, string nameColumn, string protoColumn, params string[] otherColumns)
{
    public const string ViewsName = "feature_views";

    private const string UserMetadata = "user_metadata";

    /// <summary>Tables of objects, as the registry orders them; that of the versions is <see cref="SqlVersions"/>.</summary>
    public static readonly IReadOnlyList<SqlTable> All =
    [
        new SqlTable<Project>("projects", "project_id", "project_proto", r => r.Projects, p => p.Spec?.Name ?? string.Empty, (p, id) => (p.Spec ??= new ProjectSpec()).Name = id) { OfAllProjects = true },
        new SqlTable<Entity>("entities", "entity_name", "entity_proto", r => r.Entities, e => e.Spec.Name, (e, id) => (e.Spec ??= new EntitySpecV2()).Project = id),
        new SqlTable<DataSource>("data_sources", "data_source_name", "data_source_proto", r => r.DataSources, s => s.Name, (s, id) => s.Project = id),
        new SqlTable<FeatureView>(ViewsName, "feature_view_name", "feature_view_proto", r => r.FeatureViews, v => v.Spec.Name, (v, id) => (v.Spec ??= new FeatureViewSpec()).Project = id, "materialized_intervals", UserMetadata),
        new SqlTable<StreamFeatureView>("stream_feature_views", "feature_view_name", "feature_view_proto", r => r.StreamFeatureViews, v => v.Spec.Name, (v, id) => (v.Spec ??= new StreamFeatureViewSpec()).Project = id, UserMetadata),
        new SqlTable<OnDemandFeatureView>("on_demand_feature_views", "feature_view_name", "feature_view_proto", r => r.OnDemandFeatureViews, v => v.Spec.Name, (v, id) => (v.Spec ??= new OnDemandFeatureViewSpec()).Project = id, UserMetadata) { KeepsProject = true },
        new SqlTable<LabelView>("label_views", "feature_view_name", "feature_view_proto", r => r.LabelViews, v => v.Spec.Name, (v, id) => (v.Spec ??= new LabelViewSpec()).Project = id, UserMetadata),
        new SqlTable<FeatureService>("feature_services", "feature_service_name", "feature_service_proto", r => r.FeatureServices, s => s.Spec.Name, (s, id) => (s.Spec ??= new FeatureServiceSpec()).Project = id),
        new SqlTable<SavedDataset>("saved_datasets", "saved_dataset_name", "saved_dataset_proto", r => r.SavedDatasets, d => d.Spec.Name, (d, id) => (d.Spec ??= new SavedDatasetSpec()).Project = id),
        new SqlTable<ValidationReference>("validation_references", "validation_reference_name", "validation_reference_proto", r => r.ValidationReferences, v => v.Name, (v, id) => v.Project = id),
        new SqlTable<Permission>("permissions", "permission_name", "permission_proto", r => r.Permissions, p => p.Spec.Name, (p, id) => (p.Spec ??= new PermissionSpec()).Project = id),
    ];

    public string Name => name;

    /// <summary>Rows of every project belong to what is read: projects name each other.</summary>
    public bool OfAllProjects { get; init; }

    /// <summary>Feast writes the project into the message, and not only into the row.</summary>
    public bool KeepsProject { get; init; }

    protected string NameColumn => nameColumn;

    protected string ProtoColumn => protoColumn;

    /// <summary>Feast's columns and indexes.</summary>
    /// <param name="bytes">The database's type for bytes.</param>
    public IEnumerable<string> Schema(string bytes)
    {
        var named = nameColumn == "project_id" ? "project_id VARCHAR(255) NOT NULL, project_name" : $"{nameColumn} VARCHAR(255) NOT NULL, project_id";
        var key = nameColumn == "project_id" ? nameColumn : $"{nameColumn}, project_id";
        yield return $"CREATE TABLE IF NOT EXISTS {name} ({named} VARCHAR(255) NOT NULL, last_updated_timestamp BIGINT NOT NULL, "
            + $"{protoColumn} {bytes} NOT NULL, {string.Concat(otherColumns.Select(c => $"{c} {bytes}, "))}PRIMARY KEY ({key}))";
        yield return $"CREATE INDEX IF NOT EXISTS idx_{name}_project_id ON {name} (project_id)";
    }

    public abstract void Read(SqlRows rows, RegistryProto registry);

    /// <summary>Writes what differs between two states of a project; a row that is not of it, or did not change, is not touched.</summary>
    public abstract void Write(SqlRows rows, RegistryProto before, RegistryProto after);
}

/// <inheritdoc/>
internal sealed class SqlTable<T>(
    string name, string nameColumn, string protoColumn, Func<RegistryProto, RepeatedField<T>> objects, Func<T, string> nameOf, Action<T, string> setProject, params string[] otherColumns)
    : SqlTable(name, nameColumn, protoColumn, otherColumns)
    where T : IMessage<T>
{
    private static readonly MessageParser<T> Parser = new(Activator.CreateInstance<T>);

    public override void Read(SqlRows rows, RegistryProto registry) => objects(registry).Add(rows.Of(Name, NameColumn, ProtoColumn, Parser, setProject, OfAllProjects));

    public override void Write(SqlRows rows, RegistryProto before, RegistryProto after)
    {
        var old = ByName(before);
        var next = ByName(after);
        foreach (var (id, message) in next)
        {
            if (!old.TryGetValue(id, out var known))
            {
                rows.Insert(Name, NameColumn, ProtoColumn, id, Bytes(message));
            }
            else if (!known.Equals(message))
            {
                rows.Update(Name, NameColumn, ProtoColumn, id, Bytes(message));
            }
        }

        foreach (var id in old.Keys.Except(next.Keys))
        {
            rows.Delete(Name, NameColumn, id);
        }
    }

    private Dictionary<string, T> ByName(RegistryProto registry) => objects(registry).GroupBy(nameOf).ToDictionary(g => g.Key, g => g.First());

    private byte[] Bytes(T message)
    {
        if (KeepsProject || OfAllProjects)
        {
            return message.ToByteArray();
        }

        var bare = message.Clone();
        setProject(bare, string.Empty);
        return bare.ToByteArray();
    }
}
