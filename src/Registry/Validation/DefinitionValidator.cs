using System.Text.RegularExpressions;
using FeatureStore.Registry.Definitions;
using FeatureStore.Registry.Yaml;

namespace FeatureStore.Registry.Validation;

/// <summary>
/// Checks definitions against each other: names, references, columns. To add a rule, write a method that takes one
/// definition and adds faults at its block, and call it from <see cref="Check"/>.
/// </summary>
internal sealed partial class DefinitionValidator
{
    // Tags under this prefix carry what Feast's messages have no field for.
    private const string OwnTagPrefix = "fstore.";

    private readonly RepoDefinitions _definitions;
    private readonly FaultList _faults;
    private readonly Dictionary<string, EntityDefinition> _entities;
    private readonly Dictionary<string, SourceDefinition> _sources;
    private readonly Dictionary<string, FeatureViewDefinition> _views;

    private DefinitionValidator(RepoDefinitions definitions, FaultList faults)
    {
        (_definitions, _faults) = (definitions, faults);
        _entities = Unique(definitions.Entities, e => e.Header, "entity", StringComparer.Ordinal);
        _sources = SourceRules.ByName(definitions);
        Unique(SourceRules.Headers(definitions), h => h, "source", StringComparer.Ordinal);

        // Feast refuses views whose names differ in case alone: some stores fold the case of table names.
        _views = Unique([.. definitions.AllViews], v => v.Header, "feature view", StringComparer.OrdinalIgnoreCase);
        Unique([.. definitions.AllViews.Select(v => v.Header), .. definitions.OnDemandFeatureViews.Select(v => v.Header)], h => h, "feature view", StringComparer.OrdinalIgnoreCase);
        Unique(definitions.FeatureServices, s => s.Header, "feature service", StringComparer.Ordinal);
    }

    public static void Check(RepoDefinitions definitions, FaultList faults)
    {
        var validator = new DefinitionValidator(definitions, faults);
        foreach (var header in definitions.Entities.Select(e => e.Header)
            .Concat(definitions.AllViews.Select(v => v.Header))
            .Concat(definitions.OnDemandFeatureViews.Select(v => v.Header))
            .Concat(definitions.FeatureServices.Select(s => s.Header)))
        {
            validator.CheckHeader(header);
        }

        foreach (var source in definitions.Sources)
        {
            validator.CheckSource(source);
        }

        SourceRules.Check(definitions, faults);
        foreach (var (name, place) in definitions.RequestSources.SelectMany(r => r.Schema).Select(f => (f.Name, f.Place)))
        {
            validator.CheckFieldName(name, place);
        }

        foreach (var view in definitions.AllViews)
        {
            validator.CheckView(view);
        }

        foreach (var view in definitions.OnDemandFeatureViews)
        {
            view.Features.ToList().ForEach(f => validator.CheckFieldName(f.Field.Name, f.Field.Place));
            OnDemandRules.Check(view, validator._views, validator._entities, definitions.RequestSources, faults);
        }

        foreach (var service in definitions.FeatureServices)
        {
            ServiceRules.Check(service, validator._views, validator._entities, definitions.OnDemandFeatureViews, faults);
        }

        validator.CheckOutputs();
    }

    private Dictionary<string, T> Unique<T>(IReadOnlyList<T> definitions, Func<T, Header> header, string kind, StringComparer comparer)
    {
        var byName = new Dictionary<string, T>(comparer);
        foreach (var definition in definitions)
        {
            var one = header(definition);
            if (one.Name.Length > 0 && !byName.TryAdd(one.Name, definition))
            {
                var first = header(byName[one.Name]).Block.PlaceOf("name");
                one.Block.Fault("name", $"There is a second {kind} '{one.Name}'; the first is at {first.File}:{first.Line}. Rename or remove one.");
            }
        }

        return byName;
    }

    private void CheckHeader(Header header)
    {
        if (header.Name.Length > 0 && !Identifier().IsMatch(header.Name))
        {
            header.Block.Fault("name", $"The name '{header.Name}' may hold letters, digits and '_', and begins with a letter; rename it.");
        }

        CheckTags(header);
    }

    private static void CheckTags(Header header)
    {
        if (header.Tags.Keys.FirstOrDefault(t => t.StartsWith(OwnTagPrefix, StringComparison.Ordinal)) is { } own)
        {
            header.Block.Fault("tags", $"The tag '{own}' of {header.Block.What} is kept for the store itself; rename it without '{OwnTagPrefix}'.");
        }
    }

    private void CheckSource(SourceDefinition source)
    {
        CheckTags(source.Header);
        if (source.Path.Split('/', '\\').Contains(".."))
        {
            source.Header.Block.Fault("path", $"The path '{source.Path}' climbs with '..'; write it from the lake's root, or absolute.");
        }

        CheckFieldNames(source.Schema, source.Header.Block);
    }

    private void CheckFieldNames(IReadOnlyList<FieldDefinition> fields, YamlBlock block)
    {
        foreach (var twice in fields.GroupBy(f => f.Name).SelectMany(g => g.Skip(1)))
        {
            _faults.Add(twice.Place, $"{block.What} has a second field '{twice.Name}'; rename or remove one.");
        }
    }

    private void CheckView(FeatureViewDefinition view)
    {
        var block = view.Header.Block;
        var joinKeys = CheckEntities(view);
        CheckFieldNames(view.Schema, block);
        foreach (var field in view.Schema)
        {
            CheckFieldName(field.Name, field.Place);
            if (joinKeys.TryGetValue(field.Name, out var entity) && entity.ValueType != field.Type)
            {
                _faults.Add(field.Place, $"The join key '{field.Name}' is {FieldTypes.Text(field.Type)} here and {FieldTypes.Text(entity.ValueType)} in entity '{entity.Header.Name}'; make them equal.");
            }
        }

        if (view.Schema.Count > 0 && view.Schema.All(f => joinKeys.ContainsKey(f.Name)))
        {
            block.Fault("schema", $"The schema of {block.What} has join keys only; add a feature.");
        }

        if (FindSource(block, view.SourceKey, view.Source) is { } source)
        {
            CheckTimes(view, source);
        }

        if (view.Aggregated is { } aggregated && FindSource(block, "source", aggregated.Source) is { } changes)
        {
            AggregatedRules.Check(view, aggregated, changes, joinKeys, _faults);
        }
    }

    private void CheckFieldName(string name, YamlPlace place)
    {
        if (name.Length > 0 && !Identifier().IsMatch(name))
        {
            _faults.Add(place, $"The field '{name}' may hold letters, digits and '_', and begins with a letter; rename it, with field_mapping of its source if need be.");
        }
    }

    private Dictionary<string, EntityDefinition> CheckEntities(FeatureViewDefinition view)
    {
        var joinKeys = new Dictionary<string, EntityDefinition>();
        foreach (var (name, place) in view.Entities)
        {
            if (!_entities.TryGetValue(name, out var entity))
            {
                _faults.Add(place, $"There is no entity '{name}'; {NameChoice.Of(_entities.Keys)}");
            }
            else if (!joinKeys.TryAdd(entity.JoinKey, entity))
            {
                _faults.Add(place, $"The join key '{entity.JoinKey}' comes twice into {view.Header.Block.What}; remove entity '{name}'.");
            }
        }

        return joinKeys;
    }

    private void CheckTimes(FeatureViewDefinition view, SourceDefinition source)
    {
        var block = view.Header.Block;
        if (source.TimestampField.Length == 0)
        {
            block.Fault(view.SourceKey, $"The source '{source.Header.Name}' has no timestamp_field, which {block.What} needs; add one such as 'timestamp_field: event_timestamp'.");
        }

        foreach (var field in view.Schema.Where(f => f.Name.Length > 0 && (f.Name == source.TimestampField || f.Name == source.CreatedTimestampColumn)))
        {
            _faults.Add(field.Place, $"The field '{field.Name}' is a time column of source '{source.Header.Name}' too; remove it from the schema.");
        }

        if (view.Aggregated is not null && source.CreatedTimestampColumn.Length == 0)
        {
            block.Fault(view.SourceKey, $"The output '{source.Header.Name}' has no created_timestamp_column, which tells corrections apart; add 'created_timestamp_column: created_timestamp'.");
        }
    }

    private SourceDefinition? FindSource(YamlBlock block, string key, string name)
    {
        if (name.Length > 0 && !_sources.ContainsKey(name))
        {
            block.Fault(key, $"There is no source '{name}'; {NameChoice.Of(_sources.Keys)}");
        }

        return _sources.GetValueOrDefault(name);
    }

    /// <summary>A feature table has one writer: two views on one path would mix their rows.</summary>
    private void CheckOutputs()
    {
        var writers = new Dictionary<string, string>();
        foreach (var view in _definitions.FeatureViews.Where(v => v.Aggregated is not null))
        {
            var path = _sources.GetValueOrDefault(view.Source)?.Path.TrimEnd('/');
            if (path is null)
            {
                continue;
            }

            if (!writers.TryAdd(path, view.Header.Name))
            {
                view.Header.Block.Fault("output", $"The table '{path}' is already written by feature view '{writers[path]}'; give {view.Header.Block.What} a table of its own.");
            }
            else if (_sources.GetValueOrDefault(view.Aggregated!.Source)?.Path.TrimEnd('/') == path)
            {
                view.Header.Block.Fault("output", $"{view.Header.Block.What} would write the table it reads, '{path}'; give it an output of its own.");
            }
        }
    }

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Identifier();
}
