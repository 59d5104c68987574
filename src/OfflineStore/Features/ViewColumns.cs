using FeatureStore.OfflineStore.Lake;
using FeatureStore.Registry.Snapshot;
using ValueType = Feast.Types.ValueType;

namespace FeatureStore.OfflineStore.Features;

/// <summary>A feature view's table: the source column behind each join key and feature, with its lake type.</summary>
internal static class ViewColumns
{
    /// <summary>The column of the table that a join key or feature is read from.</summary>
    public static string SourceColumn(FeatureViewModel view, string field) => view.Source.ColumnOf(field);

    /// <summary>The lake's type of a feature's type.</summary>
    /// <exception cref="DeltaException">The type is none that the lake stores.</exception>
    public static LakeType Type(FieldModel field) => field.Type switch
    {
        ValueType.Types.Enum.Int64 => LakeType.Int64,
        ValueType.Types.Enum.Int32 => LakeType.Int32,
        ValueType.Types.Enum.Double or ValueType.Types.Enum.Float => LakeType.Double,
        ValueType.Types.Enum.Bool => LakeType.Boolean,
        ValueType.Types.Enum.String => LakeType.String,
        ValueType.Types.Enum.UnixTimestamp => LakeType.Timestamp,
        _ => throw new DeltaException($"Field {field.Name} has type {field.Type}, which lake tables do not hold; give it a scalar type."),
    };
}
