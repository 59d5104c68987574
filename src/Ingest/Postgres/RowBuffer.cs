using System.Collections;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Postgres;

/// <summary>
/// Rows waiting to be landed at once: the first in memory, the rest of a large transaction in a file that is gone when the process is. Read in order,
/// from the start, as often as wanted; an index is only for the rows in memory.
/// </summary>
internal sealed class RowBuffer(IReadOnlyList<LakeColumn> columns, int memoryRowsMax) : IReadOnlyList<ChangeRow>, IDisposable
{
    private const int FileBufferBytes = 1 << 16;
    private readonly List<ChangeRow> _rows = [];
    private FileStream? _file;
    private BinaryWriter? _writer;
    private int _spilled;

    public int Count => _rows.Count + _spilled;

    /// <summary>Rows that are in the file.</summary>
    public int Spilled => _spilled;

    public ChangeRow this[int index] => index < _rows.Count ? _rows[index] : this.Skip(index).First();

    public void Add(ChangeRow row)
    {
        if (_rows.Count < memoryRowsMax)
        {
            _rows.Add(row);
            return;
        }

        if (_writer is null)
        {
            var path = Path.Combine(Path.GetTempPath(), $"fstore-capture-{Guid.NewGuid():N}");
            _file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileBufferBytes);

            // Unlinked while open, so that a kill leaves nothing behind.
            File.Delete(path);
            _writer = new BinaryWriter(_file);
        }

        SpilledRow.Write(_writer, row, columns);
        _spilled++;
    }

    public void Clear()
    {
        _rows.Clear();
        _spilled = 0;
        _writer?.Dispose();
        (_writer, _file) = (null, null);
    }

    public IEnumerator<ChangeRow> GetEnumerator()
    {
        foreach (var row in _rows)
        {
            yield return row;
        }

        if (_spilled == 0)
        {
            yield break;
        }

        _writer!.Flush();
        _file!.Position = 0;
        var reader = new BinaryReader(_file);
        for (var i = 0; i < _spilled; i++)
        {
            yield return SpilledRow.Read(reader, columns);
        }

        _file.Position = _file.Length;
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose() => Clear();
}

/// <summary>A row's bytes in the file of a <see cref="RowBuffer"/>; read by the process that wrote them.</summary>
internal static class SpilledRow
{
    public static void Write(BinaryWriter to, ChangeRow row, IReadOnlyList<LakeColumn> columns)
    {
        to.Write(row.Op);
        to.Write(row.Source);
        to.Write(row.Lsn);
        to.Write(row.Part);
        Optional(to, row.Key, to.Write);
        to.Write(row.CommitTimeMicros);
        to.Write(row.Unavailable.Count);
        foreach (var name in row.Unavailable)
        {
            to.Write(name);
        }

        Optional(to, row.PreviousCommitLsn, v => to.Write((long)v!));
        for (var i = 0; i < columns.Count; i++)
        {
            Optional(to, row.Values[i], v => Value(to, v));
        }
    }

    public static ChangeRow Read(BinaryReader from, IReadOnlyList<LakeColumn> columns)
    {
        var (op, source, lsn, part) = (from.ReadString(), from.ReadString(), from.ReadInt64(), from.ReadInt32());
        var key = from.ReadBoolean() ? from.ReadString() : null;
        var commit = from.ReadInt64();
        string[] unavailable = [.. Enumerable.Range(0, from.ReadInt32()).Select(_ => from.ReadString())];
        long? previous = from.ReadBoolean() ? from.ReadInt64() : null;
        object?[] values = [.. columns.Select(c => from.ReadBoolean() ? Value(from, c.Type) : null)];
        return new ChangeRow(op, source, lsn, part, key, commit, unavailable, values, previous);
    }

    private static void Optional<T>(BinaryWriter to, T? value, Action<T> write)
    {
        to.Write(value is not null);
        if (value is not null)
        {
            write(value);
        }
    }

    private static void Value(BinaryWriter to, object value)
    {
        switch (value)
        {
            case string text:
                to.Write(text);
                break;
            case long number:
                to.Write(number);
                break;
            case int number:
                to.Write(number);
                break;
            case double number:
                to.Write(number);
                break;
            case bool flag:
                to.Write(flag);
                break;
            case DateOnly day:
                to.Write(day.DayNumber);
                break;
            default:
                throw new ArgumentException($"A row cannot carry a {value.GetType().Name}.", nameof(value));
        }
    }

    private static object Value(BinaryReader from, LakeType type) => type switch
    {
        LakeType.String => from.ReadString(),
        LakeType.Int64 or LakeType.Timestamp => from.ReadInt64(),
        LakeType.Int32 => from.ReadInt32(),
        LakeType.Double => from.ReadDouble(),
        LakeType.Boolean => from.ReadBoolean(),
        _ => DateOnly.FromDayNumber(from.ReadInt32()),
    };
}
