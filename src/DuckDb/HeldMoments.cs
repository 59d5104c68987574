using System.Runtime.CompilerServices;

namespace FeatureStore.DuckDb;

/// <summary>Rows in the order of a group and a moment; tells the last of a group that is not after a moment.</summary>
internal sealed unsafe class HeldMoments
{
    private readonly long[] _moments;
    private readonly int[] _starts;

    /// <param name="groups">In ascending order, none negative; memory grows with the greatest.</param>
    /// <param name="moments">Ascending within a group.</param>
    /// <exception cref="DuckDbException">They are not in order.</exception>
    public HeldMoments(ReadOnlySpan<int> groups, ReadOnlySpan<long> moments)
    {
        for (var i = 0; i < groups.Length; i++)
        {
            if (groups[i] < 0 || (i > 0 && (groups[i] < groups[i - 1] || (groups[i] == groups[i - 1] && moments[i] < moments[i - 1]))))
            {
                throw new DuckDbException($"Row {i} of moments to hold is out of order; order the query by its first two columns.");
            }
        }

        _moments = moments.ToArray();
        _starts = new int[groups.IsEmpty ? 1 : checked(groups[^1] + 2)];
        for (var i = 0; i < groups.Length; i++)
        {
            _starts[groups[i] + 1] = i + 1;
        }

        for (var group = 1; group < _starts.Length; group++)
        {
            _starts[group] = Math.Max(_starts[group], _starts[group - 1]);
        }
    }

    /// <summary>Writes the positions of the rows sought; null where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Find(int count, int* groups, ulong* groupValidity, long* moments, ulong* momentValidity, nint vector)
    {
        var output = (long*)NativeDuckDb.VectorData(vector);
        var nulls = new NullBits(vector);
        for (var i = 0; i < count; i++)
        {
            var found = NullBits.IsValue(groupValidity, i) && NullBits.IsValue(momentValidity, i) ? Find(groups[i], moments[i]) : -1;
            if (found >= 0)
            {
                output[i] = found;
            }
            else
            {
                nulls.Set(i);
            }
        }
    }

    /// <summary>The last row of a group whose moment is not after another; −1 if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Find(int group, long moment)
    {
        if ((uint)group >= (uint)(_starts.Length - 1))
        {
            return -1;
        }

        var (low, high) = (_starts[group], _starts[group + 1]);
        while (low < high)
        {
            var middle = (int)(((uint)low + (uint)high) >> 1);
            if (_moments[middle] <= moment)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low > _starts[group] ? low - 1 : -1;
    }
}
