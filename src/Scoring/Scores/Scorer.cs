using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Scores;

/// <summary>A model with its features bound: a batch of feature vectors in, scores out. Safe from many threads; owns the session.</summary>
public sealed class Scorer : IDisposable
{
    private readonly IModelSession _session;
    private readonly InputWriter[] _writers;
    private readonly int[] _widths;
    private readonly string[] _features;
    private readonly string[] _outputs;
    private readonly TensorType[] _types;
    private readonly bool _isRowByRow;
    private readonly bool[] _takesAbsent;

    private Scorer(IModelSession session, IReadOnlyList<InputBinding> bindings, ScoringPlan plan, string[] outputs)
    {
        _session = session;
        _writers = [.. bindings.Select(b => InputWriter.Create(b, plan))];
        _widths = [.. bindings.Select(b => b.Features.Count)];
        _features = [.. bindings.SelectMany(b => b.Features)];
        _types = [.. bindings.SelectMany(b => b.Features.Select(_ => b.Port.Type))];
        _outputs = outputs;
        _isRowByRow = bindings.Any(b => b.Port.Dimensions[0] == 1);
        _takesAbsent = [.. _features.Select((f, i) => plan.Missing != MissingPolicy.Refuse && (plan.Defaults.ContainsKey(f) || _types[i] is TensorType.Float or TensorType.Double or TensorType.Float16))];
    }

    /// <summary>The features that a batch must have.</summary>
    public IReadOnlyList<string> Features => _features;

    public IReadOnlyList<string> Outputs => _outputs;

    /// <summary>Whether a row without a value of the feature at this place of <see cref="Features"/> is scored.</summary>
    public bool TakesAbsent(int feature) => _takesAbsent[feature];

    public ModelSignature Signature => _session.Signature;

    /// <summary>Binds features to inputs and decides on absent values, before anything is scored.</summary>
    /// <param name="served">Features in the order of a vector for a model that names none itself; null where nothing is known of them.</param>
    /// <exception cref="ModelRefusedException">The model and the plan do not fit; the session is closed then.</exception>
    public static Scorer Create(IModelSession session, ScoringPlan plan, IReadOnlyList<string>? served = null)
    {
        try
        {
            var bindings = InputPlan.Compile(session.Signature, plan, served ?? []);
            if (plan.Defaults.Keys.FirstOrDefault(d => !bindings.Any(b => b.Features.Contains(d))) is { } stray)
            {
                throw new ModelRefusedException($"There is a default for '{stray}', which is no feature of the model.");
            }

            return new Scorer(session, bindings, plan, OutputPlan.Compile(session.Signature, plan));
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Scores a batch.</summary>
    /// <param name="columns">One column per feature, in any order; all of the same length.</param>
    /// <exception cref="ScoreRequestException">A column is missing, unknown, of the wrong type or length, or a value is absent that must not be.</exception>
    public ScoreBatch Score(IReadOnlyList<FeatureColumn> columns, CancellationToken cancellationToken = default)
    {
        var ordered = Order(columns);
        var rows = ordered.Length == 0 ? 0 : ordered[0].Rows;
        var outputs = _isRowByRow && rows != 1 ? RunRowByRow(ordered, rows, cancellationToken) : Run(ordered, 0, rows, cancellationToken);
        foreach (var output in outputs)
        {
            if (output.Shape.Count == 0 || output.Rows != rows)
            {
                throw new ScoreRequestException($"Output '{output.Name}' has the shape [{string.Join(',', output.Shape)}] for {rows} rows; ask for outputs with a row each.");
            }
        }

        return new ScoreBatch(outputs, OutputPlan.RowsWithoutScore(outputs, rows));
    }

    /// <summary>Type of the input that a feature feeds.</summary>
    internal TensorType TypeOf(string feature) => _types[Array.IndexOf(_features, feature)];

    public void Dispose() => _session.Dispose();

    private FeatureColumn[] Order(IReadOnlyList<FeatureColumn> columns)
    {
        var ordered = new FeatureColumn[_features.Length];
        for (var i = 0; i < columns.Count; i++)
        {
            var column = columns[i];
            var at = i < _features.Length && _features[i] == column.Name ? i : Array.IndexOf(_features, column.Name);
            if (at < 0 || ordered[at] is not null || column.Rows != columns[0].Rows)
            {
                throw new ScoreRequestException(at < 0
                    ? $"The model has no feature '{column.Name}'; it takes {string.Join(", ", _features)}."
                    : $"Feature '{column.Name}' is given twice, or has {column.Rows} rows where '{columns[0].Name}' has {columns[0].Rows}.");
            }

            ordered[at] = column;
        }

        var missing = Array.IndexOf(ordered, null);
        return missing < 0 ? ordered : throw new ScoreRequestException($"Feature '{_features[missing]}' is missing from the batch.");
    }

    private Tensor[] Run(FeatureColumn[] ordered, int first, int rows, CancellationToken cancellationToken)
    {
        var inputs = new Tensor[_writers.Length];
        var from = 0;
        for (var i = 0; i < inputs.Length; i++)
        {
            inputs[i] = _writers[i].Write(ordered.AsSpan(from, _widths[i]), first, rows);
            from += _widths[i];
        }

        return _session.Run(inputs, _outputs, cancellationToken);
    }

    /// <summary>A model that declares a batch of one gets one row a run.</summary>
    private Tensor[] RunRowByRow(FeatureColumn[] ordered, int rows, CancellationToken cancellationToken)
    {
        if (rows == 0)
        {
            throw new ScoreRequestException("The model takes exactly one row a run, and the batch is empty.");
        }

        var runs = new Tensor[rows][];
        for (var row = 0; row < rows; row++)
        {
            runs[row] = Run(ordered, row, 1, cancellationToken);
        }

        return [.. _outputs.Select((_, o) => Tensor.Stack([.. runs.Select(r => r[o])]))];
    }
}
