using System.Text;

namespace FeatureStore.Ingest.Postgres.Values;

/// <summary>PostgreSQL's texts of arrays and of hstore, taken apart.</summary>
internal static class PgLists
{
    private const int JavaCapacity = 16;
    private const string Null = "NULL";

    /// <summary>An array's elements: a text, null, or again a list of them.</summary>
    /// <exception cref="FormatException">The text is no array.</exception>
    public static List<object?> Elements(string text)
    {
        // Bounds other than from one stand before: [0:2]={…}
        var at = text.IndexOf('{', StringComparison.Ordinal);
        if (at < 0)
        {
            throw Broken();
        }

        var list = List(text, ref at, 0);
        return at == text.Length ? list : throw Broken();
    }

    /// <summary>The pairs of an hstore in the order in which Debezium's map of them is written: that of a Java hash map.</summary>
    /// <exception cref="FormatException">The text is no hstore.</exception>
    public static IEnumerable<(string Key, string? Value)> Pairs(string text)
    {
        var pairs = new List<(string Key, string? Value)>();
        var at = 0;
        while (at < text.Length)
        {
            var key = Quoted(text, ref at);
            Expect(text, ref at, "=>");
            string? value = null;
            if (at < text.Length && text[at] == '"')
            {
                value = Quoted(text, ref at);
            }
            else
            {
                Expect(text, ref at, Null);
            }

            pairs.Add((key, value));
            if (at < text.Length)
            {
                Expect(text, ref at, ", ");
            }
        }

        var capacity = JavaCapacity;
        while (pairs.Count > capacity / 4 * 3)
        {
            capacity *= 2;
        }

        return pairs.OrderBy(p => Spread(p.Key) & (capacity - 1));
    }

    private static List<object?> List(string text, ref int at, int depth)
    {
        const int DepthMax = 6; // PostgreSQL's own bound.
        Expect(text, ref at, "{");
        var list = new List<object?>();
        while (depth < DepthMax && at < text.Length)
        {
            if (text[at] == '}' && list.Count == 0)
            {
                at++;
                return list;
            }

            list.Add(text[at] switch
            {
                '{' => List(text, ref at, depth + 1),
                '"' => Quoted(text, ref at),
                _ => Bare(text, ref at),
            });
            if (at < text.Length && text[at++] == '}')
            {
                return list;
            }

            if (at >= text.Length || text[at - 1] != ',')
            {
                throw Broken();
            }
        }

        throw Broken();
    }

    private static string Quoted(string text, ref int at)
    {
        Expect(text, ref at, "\"");
        var value = new StringBuilder();
        while (at < text.Length && text[at] != '"')
        {
            at += text[at] == '\\' ? 1 : 0;
            value.Append(at < text.Length ? text[at++] : throw Broken());
        }

        Expect(text, ref at, "\"");
        return value.ToString();
    }

    private static string? Bare(string text, ref int at)
    {
        var end = text.AsSpan(at).IndexOfAny(',', '}');
        if (end <= 0)
        {
            throw Broken();
        }

        var value = text.Substring(at, end);
        at += end;
        return value.Equals(Null, StringComparison.OrdinalIgnoreCase) ? null : value;
    }

    private static void Expect(string text, ref int at, string token)
    {
        if (string.CompareOrdinal(text, at, token, 0, token.Length) != 0)
        {
            throw Broken();
        }

        at += token.Length;
    }

    private static int Spread(string key)
    {
        var hash = 0;
        foreach (var c in key)
        {
            hash = unchecked((hash * 31) + c);
        }

        return hash ^ (int)((uint)hash >> 16);
    }

    private static FormatException Broken() => new("The text is not in PostgreSQL's form.");
}
