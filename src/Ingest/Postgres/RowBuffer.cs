using System.Collections;
using FeatureStore.OfflineStore.Lake;

namespace FeatureStore.Ingest.Postgres;

/// <summary>
/// Rows waiting to be landed at once, as bytes: the first in memory, which is kept for the next ones, the rest of a large transaction in a file that is
/// gone when the process is. As objects they would live long enough to be costly garbage. Read in order, from the start, as often as wanted.
/// </summary>
internal sealed class RowBuffer : IReadOnlyList<ChangeRow>, IDisposable
{
    private const int FileBufferBytes = 1 << 16;
    private const int MemoryBytesMax = 32 << 20; // Rows may be wide.
    private const int MemoryBytesKept = 2 * MemoryBytesMax;
    private readonly IReadOnlyList<LakeColumn> _columns;
    private readonly int _memoryRowsMax;
    private MemoryStream _memory = new();
    private BinaryWriter _memoryWriter;
    private int _inMemory;
    private FileStream? _file;
    private BinaryWriter? _writer;

    public RowBuffer(IReadOnlyList<LakeColumn> columns, int memoryRowsMax) =>
        (_columns, _memoryRowsMax, _memoryWriter) = (columns, memoryRowsMax, new BinaryWriter(_memory));

    public int Count => _inMemory + Spilled;

    /// <summary>Rows that are in the file.</summary>
    public int Spilled { get; private set; }

    public ChangeRow this[int index] => this.Skip(index).First();

    public void Add(ChangeRow row)
    {
        if (Spilled == 0 && _inMemory < _memoryRowsMax && _memory.Length < MemoryBytesMax)
        {
            SpilledRow.Write(_memoryWriter, row, _columns);
            _inMemory++;
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

        SpilledRow.Write(_writer, row, _columns);
        Spilled++;
    }

    public void Clear()
    {
        (_inMemory, Spilled) = (0, 0);
        _writer?.Dispose();
        (_writer, _file) = (null, null);
        if (_memory.Capacity > MemoryBytesKept)
        {
            _memory = new MemoryStream();
            _memoryWriter = new BinaryWriter(_memory);
        }

        _memory.SetLength(0);
    }

    public IEnumerator<ChangeRow> GetEnumerator()
    {
        _memoryWriter.Flush();
        var source = string.Empty;
        using (var memory = new BinaryReader(new MemoryStream(_memory.GetBuffer(), 0, (int)_memory.Length, writable: false)))
        {
            for (var i = 0; i < _inMemory; i++)
            {
                yield return SpilledRow.Read(memory, _columns, ref source);
            }
        }

        if (Spilled == 0)
        {
            yield break;
        }

        _writer!.Flush();
        _file!.Position = 0;
        var file = new BinaryReader(_file);
        for (var i = 0; i < Spilled; i++)
        {
            yield return SpilledRow.Read(file, _columns, ref source);
        }

        _file.Position = _file.Length;
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose() => Clear();
}

/// <summary>A row's bytes in a <see cref="RowBuffer"/>; read by the process that wrote them.</summary>
internal static class SpilledRow
{
    // Ops are few; a text of each is made once.
    private static readonly string[] Ops = ["c", "u", "d", "r", "t"];

    public static void Write(BinaryWriter to, ChangeRow row, IReadOnlyList<LakeColumn> columns)
    {
        to.Write((byte)Array.IndexOf(Ops, row.Op));
        to.Write(row.Source);
        to.Write(row.Lsn);
        to.Write(row.Part);
        if (IsThere(to, row.Key))
        {
            to.Write(row.Key!);
        }

        to.Write(row.CommitTimeMicros);
        to.Write7BitEncodedInt(row.Unavailable.Count);
        foreach (var name in row.Unavailable)
        {
            to.Write(name);
        }

        if (IsThere(to, row.PreviousCommitLsn))
        {
            to.Write(row.PreviousCommitLsn!.Value);
        }

        for (var i = 0; i < columns.Count; i++)
        {
            if (IsThere(to, row.Values[i]))
            {
                Value(to, row.Values[i]!);
            }
        }
    }

    /// <param name="source">The row's before; it is the same one for most.</param>
    public static ChangeRow Read(BinaryReader from, IReadOnlyList<LakeColumn> columns, ref string source)
    {
        var (op, name) = (Ops[from.ReadByte()], from.ReadString());
        source = name == source ? source : name;
        var (lsn, part) = (from.ReadInt64(), from.ReadInt32());
        var key = from.ReadBoolean() ? from.ReadString() : null;
        var commit = from.ReadInt64();
        var unavailable = from.Read7BitEncodedInt() is > 0 and var count ? new string[count] : [];
        for (var i = 0; i < unavailable.Length; i++)
        {
            unavailable[i] = from.ReadString();
        }

        long? previous = from.ReadBoolean() ? from.ReadInt64() : null;
        var values = new object?[columns.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = from.ReadBoolean() ? Value(from, columns[i].Type) : null;
        }

        return new ChangeRow(op, source, lsn, part, key, commit, unavailable, values, previous);
    }

    private static bool IsThere<T>(BinaryWriter to, T? value)
    {
        to.Write(value is not null);
        return value is not null;
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
