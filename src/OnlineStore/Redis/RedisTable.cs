using System.Runtime.CompilerServices;
using FeatureStore.Contract.Keys;
using StackExchange.Redis;

namespace FeatureStore.OnlineStore.Redis;

/// <summary>A table's hash fields, made once per <see cref="OnlineTable"/> object and kept as long as it lives.</summary>
internal sealed class RedisTable
{
    private static readonly ConditionalWeakTable<OnlineTable, RedisTable> Known = [];

    private RedisTable(OnlineTable table)
    {
        Table = table;
        Features = [.. table.Features.Select(f => (RedisValue)FeatureHash.Field(table.View, f))];
        TimeField = FeatureHash.TimestampField(table.View);
        NoRow = new OnlineRead(null, StoredValues.Of(new byte[]?[Features.Length]));
    }

    public OnlineTable Table { get; }

    /// <summary>The field of each feature, in the table's order.</summary>
    public RedisValue[] Features { get; }

    public RedisValue TimeField { get; }

    /// <summary>The answer for an entity without a row.</summary>
    public OnlineRead NoRow { get; }

    public static RedisTable Of(OnlineTable table) => Known.GetValue(table, static t => new RedisTable(t));
}
