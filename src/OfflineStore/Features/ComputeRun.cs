using FeatureStore.DuckDb;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.Registry.Snapshot;

namespace FeatureStore.OfflineStore.Features;

/// <summary>One computation of a view: the change table at one version, and the engine with what all feature times share.</summary>
internal sealed class ComputeRun : IDisposable
{
    private readonly DeltaSnapshot _source;
    private readonly LakePlace _sourceRoot;
    private readonly LakePlace _root;
    private readonly FeatureSqlCompiler _compiler;
    private readonly FeatureTable _table;
    private readonly FeatureViewModel _view;
    private readonly IReadOnlyList<LakeColumn> _columns;
    private readonly LakeOptions _options;
    private readonly DuckDbDatabase _database;
    private readonly DuckDbConnection _connection;
    private ChangeScan _scan;
    private ChangeTraits? _traits;

    private ComputeRun(LakePlace sourceRoot, LakePlace root, FeatureViewModel view, AggregatedModel aggregated, DeltaSnapshot source, LakeOptions? options, CancellationToken cancellationToken)
    {
        (_source, _sourceRoot, _root, _view) = (source, sourceRoot, root, view);
        _compiler = new FeatureSqlCompiler(view, aggregated, DeltaSchema.Read(source.Metadata.SchemaString, sourceRoot.Address));
        _table = new FeatureTable(root, _compiler.OutputColumns, view.Source.TimestampField);
        _columns = [.. ChangeColumns.Leading, .. _compiler.RowColumns];
        _scan = new ChangeScan(sourceRoot, source, _columns, aggregated.EventTimeColumn);
        _options = options ?? LakeOptions.Default;
        _database = LakeDatabase.Open(_options);
        _connection = LakeDatabase.Connect(_database, cancellationToken);
    }

    /// <summary>Parts in which values are gathered, at least.</summary>
    private int Parts { get; init; } = 1;

    /// <exception cref="DeltaException">The view is not aggregated, or there is no change table.</exception>
    public static ComputeRun Open(LakePlace lake, FeatureViewModel view, LakeOptions? options, int parts, CancellationToken cancellationToken)
    {
        var aggregated = view.Aggregated
            ?? throw new DeltaException($"View {view.Name} has no aggregations, so there is nothing to compute; name an aggregated view.");
        var sourceRoot = lake.Below(aggregated.SourcePath);
        var source = new DeltaLog(sourceRoot).Read(cancellationToken)
            ?? throw new DeltaException($"{sourceRoot} holds no change table yet; ingest changes before computing view {view.Name}.");
        return new ComputeRun(sourceRoot, lake.Below(view.Source.Path), view, aggregated, source, options, cancellationToken) { Parts = parts };
    }

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    public ComputeResult Compute(IReadOnlyList<long> times, CancellationToken cancellationToken)
    {
        Prepare(cancellationToken);
        var before = Marks(cancellationToken);
        var result = Write(times, isTouched: false, cancellationToken);
        ComputeMarks.Note(_root, _source, result.TableVersion, times, before);
        return result;
    }

    public TouchedResult ComputeTouched(CancellationToken cancellationToken)
    {
        var marks = Marks(cancellationToken);
        var known = marks?.Times ?? new Dictionary<long, long>();
        var whole = Times(cancellationToken).Where(t => !known.ContainsKey(t)).ToList();
        var total = new TouchedResult(0, 0, 0, 0, known.Count == 0 ? null : known.Values.Min(), _source.Version);
        foreach (var (version, times) in known.GroupBy(t => t.Value, t => t.Key).Where(g => g.Key < _source.Version).Select(g => (g.Key, g.Order().ToList())))
        {
            if (Touch(version, times, cancellationToken) is not { } result)
            {
                whole.AddRange(times);
                continue;
            }

            ComputeMarks.Note(_root, _source, result.Version, times, Marks(cancellationToken));
            total = total with { Users = total.Users + result.Users, Times = total.Times + result.Times, RowsWritten = total.RowsWritten + result.Rows };
        }

        return whole.Count == 0
            ? total
            : total with { RowsWritten = total.RowsWritten + Compute([.. whole.Distinct().Order()], cancellationToken).RowsWritten, TimesWhole = whole.Distinct().Count() };
    }

    /// <summary>Computes what the changes after a version touch; null if only a whole computation will do.</summary>
    private (long Users, long Times, long Rows, long? Version)? Touch(long version, List<long> times, CancellationToken cancellationToken)
    {
        if (Added(version, cancellationToken) is not { } added || ChangeTraits.IsAny(_connection, added, "__op = 't'", cancellationToken))
        {
            return null;
        }

        Prepare(cancellationToken);
        _connection.Execute(TouchedSql.ChangedRows(added, _scan, _traits!.Unavailable), cancellationToken);
        _connection.Execute(_compiler.TouchedPairs(_scan, times), cancellationToken);
        var touched = Numbers("SELECT DISTINCT t FROM touched ORDER BY t", cancellationToken);
        var users = Numbers($"SELECT count(DISTINCT struct_pack({string.Join(", ", _view.JoinKeys.Select((_, i) => $"k{i} := k{i}"))})) FROM touched_row", cancellationToken)[0];
        var result = Write(touched, isTouched: true, cancellationToken);
        return (users, touched.Count, result.RowsWritten, result.TableVersion);
    }

    /// <summary>The files that came after a version; null if its log is cleaned away.</summary>
    private string? Added(long version, CancellationToken cancellationToken)
    {
        try
        {
            var before = new DeltaLog(_sourceRoot).Read(version, cancellationToken)!;
            return LakeSql.Files(_sourceRoot, _source.Files.Values.Where(f => !before.Files.ContainsKey(f.Path)), _columns);
        }
        catch (DeltaException)
        {
            return null;
        }
    }

    private ComputeMarks? Marks(CancellationToken cancellationToken) => ComputeMarks.Read(_root, _source, new DeltaLog(_root).Read(cancellationToken));

    /// <summary>The feature times that have rows.</summary>
    private List<long> Times(CancellationToken cancellationToken)
    {
        if (new DeltaLog(_root).Read(cancellationToken) is not { Files.Count: > 0 } table)
        {
            return [];
        }

        var time = LakeSql.Micros(LakeSql.Name(_view.Source.TimestampField), LakeType.Timestamp);
        return Numbers($"SELECT DISTINCT {time} FROM {LakeSql.Files(_root, table.Files.Values, _compiler.OutputColumns)} ORDER BY 1", cancellationToken);
    }

    private ComputeResult Write(IReadOnlyList<long> times, bool isTouched, CancellationToken cancellationToken) => _table.Write(
        _connection,
        times,
        time =>
        {
            _connection.Execute(_compiler.Members(_scan, time, isTouched), cancellationToken);
            _connection.Execute(_compiler.Points(time), cancellationToken);
            var parts = Math.Max(Parts, KeyParts.For(Numbers(_compiler.SpreadCount, cancellationToken)[0], _options.MemoryLimitMiB));
            KeyParts.Run(parts, (part, of) => _connection.Execute(_compiler.Values(part, of), cancellationToken));
            _connection.Execute(_compiler.Rows(time), cancellationToken);
        },
        isTouched ? _view.JoinKeys.Count : null,
        cancellationToken);

    private void Prepare(CancellationToken cancellationToken)
    {
        if (_traits is null)
        {
            (_scan, _traits) = Prepare(_connection, _compiler, _scan, cancellationToken);
        }
    }

    /// <summary>What all feature times share: the tables <c>repeated</c>, <c>versions</c> and <c>settled</c>.</summary>
    public static (ChangeScan Scan, ChangeTraits Traits) Prepare(DuckDbConnection connection, FeatureSqlCompiler compiler, ChangeScan scan, CancellationToken cancellationToken)
    {
        // A truncate ends every key of its source, so none stands by itself.
        if (ChangeTraits.IsAny(connection, scan.Changes, "__op = 't'", cancellationToken))
        {
            scan = scan.AllChanges();
        }

        var traits = ChangeTraits.Of(connection, [scan.Changes, scan.Inserts], cancellationToken);
        connection.Execute(compiler.Repeated(scan), cancellationToken);
        connection.Execute(compiler.Versions(scan, traits), cancellationToken);
        connection.Execute(compiler.Settled(scan), cancellationToken);
        return (scan, traits);
    }

    private List<long> Numbers(string sql, CancellationToken cancellationToken)
    {
        var numbers = new List<long>();
        using var reader = _connection.Query(sql, cancellationToken);
        while (reader.NextChunk())
        {
            for (var r = 0; r < reader.RowCount; r++)
            {
                numbers.Add(reader.Int64(0, r));
            }
        }

        return numbers;
    }
}
