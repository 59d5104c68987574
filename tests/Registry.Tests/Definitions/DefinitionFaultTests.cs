using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Tests.Definitions;

public sealed class DefinitionFaultTests
{
    // Tests change one line of it, so that the fault is that line's.
    private const string Good =
        """
        entities:
          - {name: user, join_keys: [user_id], value_type: STRING}
        sources:
          - {name: changes, path: cdc/t, schema: [{name: user_id, dtype: String}, {name: amount, dtype: Float64}, {name: vendor, dtype: String}, {name: time, dtype: UnixTimestamp}]}
          - {name: table, path: features/t, timestamp_field: at, created_timestamp_column: made}
        feature_views:
          - name: weekly
            entities: [user]
            ttl: 14d
            source: changes
            output: table
            event_time: time
            window: 7d
            empty_window: skip
            schema:
              - {name: total, dtype: Float64}
              - {name: most, dtype: String}
            aggregations:
              - {name: total, function: sum, column: amount}
              - {name: most, function: max, column: vendor}
          - name: people
            entities: [user]
            source: table
            schema: [{name: age, dtype: Int64}]
        feature_services:
          - name: fraud
            features:
              - people
              - weekly: [total]
        """;

    [Fact]
    public void Load_Good_HasNoFaults()
    {
        using var repo = new TestRepo(Good);
        var definitions = DefinitionLoader.Load(repo.Folder);
        Assert.Equal(["weekly", "people"], definitions.FeatureViews.Select(v => v.Header.Name));
    }

    [Theory]
    [InlineData("value_type: STRING", "value_typ: STRING", 2, 40, "'value_typ' is no key of entity 'user'")]
    [InlineData("value_type: STRING", "value_type: FLOAT", 2, 52, "no entity key holds")]
    [InlineData("[user_id]", "[user_id, b]", 2, 29, "2 join keys")]
    [InlineData("name: user,", "name: __user,", 2, 12, "begins with a letter")]
    [InlineData("path: cdc/t", "path: ../t", 4, 27, "climbs")]
    [InlineData("timestamp_field: at, ", "", 11, 13, "no timestamp_field")]
    [InlineData(", created_timestamp_column: made", "", 11, 13, "no created_timestamp_column")]
    [InlineData("name: weekly", "name: week-ly", 7, 11, "rename it")]
    [InlineData("name: weekly", "names: weekly", 7, 5, "'names' is no key")]
    [InlineData("ttl: 14d", "ttl: 14", 9, 10, "14d or 1d12h")]
    [InlineData("source: changes", "source: nowhere", 10, 13, "there are: changes, table")]
    [InlineData("output: table", "output: changes", 11, 13, "would write the table it reads")]
    [InlineData("event_time: time", "event_time: amount", 12, 17, "of type UnixTimestamp")]
    [InlineData("event_time: time", "event_time: clock", 12, 17, "has no column 'clock'")]
    [InlineData("window: 7d", "window: 0d", 13, 13, "is empty")]
    [InlineData("window: 7d", "window: ~", 13, 13, "'window' of feature view 'weekly' is missing")]
    [InlineData("empty_window: skip", "empty_window: null_row", 14, 19, "zero (a row of zeros")]
    [InlineData("{name: total, dtype: Float64}", "{name: total, dtype: Int64}", 19, 33, "'dtype: Float64'")]
    [InlineData("{name: total, dtype: Float64}", "{name: total, dtype: Money}", 16, 30, "is no type")]
    [InlineData("{name: most, dtype: String}", "{name: at, dtype: String}", 17, 16, "time column")]
    [InlineData("{name: most, dtype: String}", "{name: user_id, dtype: Int64}", 17, 16, "make them equal")]
    [InlineData("{name: most, dtype: String}", "{name: total, dtype: Float64}", 17, 16, "second field 'total'")]
    [InlineData("function: sum", "function: median", 19, 33, "count, sum, mean, min, max, count_distinct")]
    [InlineData("column: amount", "column: amont", 19, 46, "there are: user_id, amount, vendor, time")]
    [InlineData("function: sum, column: amount", "function: sum, column: vendor", 19, 46, "needs numbers")]
    [InlineData("function: sum, column: amount", "function: sum", 19, 9, "'column' of aggregation 'total' is missing")]
    [InlineData("- {name: most, function", "- {name: least, function", 20, 16, "no feature of the schema")]
    [InlineData("- people", "- persons", 28, 9, "there are: people, weekly")]
    [InlineData("- people", "- weekly", 29, 9, "twice")]
    [InlineData("weekly: [total]", "weekly: [totals]", 29, 18, "has no feature 'totals'")]
    [InlineData("weekly: [total]", "weekly: [total, total]", 29, 25, "listed twice")]
    [InlineData("weekly: [total]", "weekly: []", 29, 9, "is empty")]
    [InlineData("- people", "- {view: people, with_name: 7}", 28, 35, "choose another")]
    [InlineData("- people", "- {view: people, join_key_map: {id: x}}", 28, 9, "no join key of view 'people'; there are: user_id")]
    [InlineData("- people", "- {view: weekly, zzz: 1}", 28, 24, "'zzz' is no key of an item")]
    [InlineData("- people", "- a:b:c", 28, 9, "must be a view")]
    [InlineData("name: people", "name: Weekly", 21, 11, "a second feature view 'Weekly'; the first is at features/all.yaml:7")]
    [InlineData("feature_services:", "label_views:", 25, 1, "'label_views' is no key of the file")]
    [InlineData("    schema: [{name: age, dtype: Int64}]", "    tags: {fstore.aggregations: x}", 24, 11, "kept for the store itself")]
    public void Load_OneWrongLine_NamesItsPlaceAndTheWayOut(string good, string wrong, int line, int column, string message)
    {
        var at = Good.IndexOf(good, StringComparison.Ordinal);
        Assert.True(at >= 0, good);
        using var repo = new TestRepo(Good[..at] + wrong + Good[(at + good.Length)..]);
        var e = Assert.Throws<DefinitionException>(() => DefinitionLoader.Load(repo.Folder));
        var fault = e.Faults.FirstOrDefault(f => f.Message.Contains(message, StringComparison.Ordinal));
        Assert.True(fault is not null, e.Message);
        Assert.Equal(("features/all.yaml", line, column), (fault.File, fault.Line, fault.Column));
    }

    [Theory]
    [InlineData("batch_source: kept", "batch_source: nowhere", "There is no source 'nowhere'; there are: kept.")]
    [InlineData("name: pushed", "name: kept", "There is a second source 'kept'")]
    [InlineData("name: asked", "name: pushed", "There is a second source 'pushed'")]
    [InlineData("source: pushed, schema: [{name: rides", "source: kept, schema: [{name: rides", "needs a push source, and 'kept' is none; there are: pushed.")]
    [InlineData("{name: x, dtype: Float64}", "{name: x, dtype: Float64}, {name: x, dtype: String}", "second field 'x'")]
    [InlineData("name: stream_view", "name: Plain_View", "a second feature view 'Plain_View'")]
    public void Load_WrongPushOrStream_IsTold(string good, string wrong, string message)
    {
        const string Text =
            """
            sources: [{name: kept, path: t, timestamp_field: at}]
            push_sources: [{name: pushed, batch_source: kept}]
            request_sources: [{name: asked, schema: [{name: x, dtype: Float64}]}]
            feature_views: [{name: plain_view, source: pushed, schema: [{name: f, dtype: Int64}]}]
            stream_feature_views: [{name: stream_view, source: pushed, schema: [{name: rides, dtype: Int64}]}]
            """;
        using var repo = new TestRepo(Text);
        DefinitionLoader.Load(repo.Folder);
        Assert.Contains(good, Text, StringComparison.Ordinal);
        repo.Define(Text.Replace(good, wrong, StringComparison.Ordinal));
        Assert.Contains(message, Assert.Throws<DefinitionException>(() => DefinitionLoader.Load(repo.Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_FaultsInSeveralFiles_TellsAllInOrder()
    {
        using var repo = new TestRepo();
        repo.Define("entities:\n  - {name: a}\n", "b.yaml");
        repo.Define("feature_views:\n  - {name: v, entities: [none], source: none, schema: [{name: f, dtype: Int64}]}\n  - 7\n", "a.yaml");
        repo.Define("[", "c.yml");
        var e = Assert.Throws<DefinitionException>(() => DefinitionLoader.Load(repo.Folder));
        Assert.Equal(
            ["features/a.yaml:2", "features/a.yaml:2", "features/a.yaml:3", "features/b.yaml:2", "features/c.yml:2"],
            e.Faults.Select(f => FormattableString.Invariant($"{f.File}:{f.Line}")));
    }

    [Fact]
    public void Load_TwoViewsOnOneOutput_IsAFault()
    {
        using var repo = new TestRepo(Good.Replace("  - name: people\n    entities: [user]\n    source: table\n    schema: [{name: age, dtype: Int64}]",
            "  - {name: people, entities: [user], source: changes, output: table, event_time: time, window: 1d, schema: [{name: age, dtype: Int64}], aggregations: [{name: age, function: count}]}",
            StringComparison.Ordinal));
        var e = Assert.Throws<DefinitionException>(() => DefinitionLoader.Load(repo.Folder));
        Assert.Contains("already written by feature view 'weekly'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NoDefinitions_RefusesToEmptyTheRegistry()
    {
        using var repo = new TestRepo();
        Assert.Throws<DefinitionException>(() => DefinitionLoader.Load(repo.Folder));
        repo.Define("entities: []\n");
        Assert.Throws<DefinitionException>(() => DefinitionLoader.Load(repo.Folder));
    }

    [Fact]
    public void Load_TextCutAnywhere_FaultsOrLoadsButNeverCrashes()
    {
        using var repo = new TestRepo();
        for (var length = 0; length < Good.Length; length++)
        {
            repo.Define(Good[..length]);
            try
            {
                DefinitionLoader.Load(repo.Folder);
            }
            catch (DefinitionException e)
            {
                Assert.All(e.Faults, f => Assert.True(f.Line > 0 && f.Column > 0, f.ToString()));
            }
        }
    }
}
