namespace FeatureStore.OfflineStore.PointInTime;

/// <summary>A column of the labels.</summary>
/// <param name="Type">DuckDB's name of its type.</param>
internal sealed record LabelColumn(string Name, string Type);

/// <summary>
/// The labels in the connection's table <c>label</c>: their columns as <c>c0, c1, …</c> and their time <c>t</c> in microseconds since the epoch. The
/// row's number is its <c>rowid</c>.
/// </summary>
/// <param name="Rows">How many there are.</param>
/// <param name="NaiveTimes">Times that named no zone, and were taken as UTC.</param>
/// <param name="Sha256">Of the file; null for a query.</param>
/// <param name="LeastMicros">The first time, and <paramref name="GreatestMicros"/> the last.</param>
/// <param name="Place">Names a row, counted from 0, to a person: by line in a file of lines.</param>
internal sealed record LabelTable(
    IReadOnlyList<LabelColumn> Columns, int TimeIndex, long Rows, long NaiveTimes, string? Sha256, long LeastMicros, long GreatestMicros, Func<long, string> Place)
{
    public const string Name = "label";

    public int IndexOf(string column)
    {
        for (var i = 0; i < Columns.Count; i++)
        {
            if (Columns[i].Name == column)
            {
                return i;
            }
        }

        return -1;
    }
}
