using Feast.Types;

namespace FeatureStore.Serving.Retrieval;

/// <summary>The lists of a request that its plan takes, checked: of one length, each once, no null among them.</summary>
internal sealed class EntityBinding
{
    private EntityBinding(IReadOnlyList<EntityColumn> answered, IReadOnlyList<EntityColumn> all, int rows)
    {
        Answered = answered;
        _all = all;
        Rows = rows;
    }

    private readonly IReadOnlyList<EntityColumn> _all;

    /// <summary>Columns of the answer, in the request's order.</summary>
    public IReadOnlyList<EntityColumn> Answered { get; }

    public int Rows { get; }

    /// <exception cref="RetrievalException">The entities do not fit the plan, or a limit is passed.</exception>
    public static EntityBinding Bind(RetrievalPlan plan, IReadOnlyList<EntityColumn> entities, RetrievalLimits limits)
    {
        var rows = RowCount(entities);
        limits.CheckRows(rows);
        limits.CheckCells(rows, plan.Width);
        var answered = new List<EntityColumn>(entities.Count);
        var all = new List<EntityColumn>(entities.Count);
        foreach (var entity in entities)
        {
            if (plan.Column(entity.Name) is not { } column)
            {
                continue;
            }

            if (!column.IsRequestData)
            {
                CheckValues(entity);
            }

            var bound = new EntityColumn(column.AnswerName, entity.Values);
            if (Find(all, column.AnswerName) is not null)
            {
                throw new RetrievalException(RetrievalFault.Invalid, $"'{column.AnswerName}' is sent twice, under its entity's name or in the request context; send it once.");
            }

            all.Add(bound);
            if (!column.IsHidden)
            {
                answered.Add(bound);
            }
        }

        var missing = plan.RequestFields.Where(f => Find(all, f) is null).ToArray();
        return missing.Length == 0
            ? new EntityBinding(answered, all, rows)
            : throw new RetrievalException(
                RetrievalFault.RequestDataMissing, $"The request lacks {string.Join(", ", missing)}, which its on-demand feature views need; send a list of values for each, beside the entities.");
    }

    /// <summary>Values of a join key by its request name; null when the request lacks it.</summary>
    public IReadOnlyList<Value>? Values(string requestName) => Find(_all, requestName);

    private static IReadOnlyList<Value>? Find(IReadOnlyList<EntityColumn> columns, string name)
    {
        for (var i = 0; i < columns.Count; i++)
        {
            if (columns[i].Name == name)
            {
                return columns[i].Values;
            }
        }

        return null;
    }

    // Lists that no view takes are ignored, and yet count here, as in Feast.
    private static int RowCount(IReadOnlyList<EntityColumn> entities)
    {
        if (entities.Count == 0)
        {
            throw new RetrievalException(RetrievalFault.Invalid, "The request has no entities; give each join key a list of values.");
        }

        var rows = entities[0].Values.Count;
        foreach (var entity in entities)
        {
            if (entity.Values.Count != rows)
            {
                throw new RetrievalException(
                    RetrievalFault.Invalid, $"Entity '{entity.Name}' has another number of values than '{entities[0].Name}' ({entity.Values.Count} and {rows}).");
            }
        }

        return rows > 0
            ? rows
            : throw new RetrievalException(RetrievalFault.Invalid, $"Entity '{entities[0].Name}' has no values; give one for each row.");
    }

    private static void CheckValues(EntityColumn entity)
    {
        for (var row = 0; row < entity.Values.Count; row++)
        {
            if (entity.Values[row].ValCase is Value.ValOneofCase.None or Value.ValOneofCase.NullVal)
            {
                throw new RetrievalException(RetrievalFault.Invalid, $"Entity '{entity.Name}' has a null value in row {row}; a key is never null.");
            }
        }
    }
}
