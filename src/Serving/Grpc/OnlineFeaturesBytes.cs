using System.Buffers;
using System.Text;
using Feast.Serving;
using FeatureStore.Contract.Values;
using FeatureStore.Serving.Retrieval;
using Google.Protobuf;

namespace FeatureStore.Serving.Grpc;

/// <summary>
/// An answer as the bytes of <c>feast.serving.GetOnlineFeaturesResponse</c>. Stored values are copied as they are; sizes
/// are counted first, so that the transport's buffer is written once, front to back.
/// <code>
/// response = metadata 1 { feature_names 1 { val 1 * } }, results 2 { values 1 *, statuses 2 packed, event_timestamps 3 * } *
/// </code>
/// </summary>
internal static class OnlineFeaturesBytes
{
    // Every tag written here is one byte: field numbers 1 to 3.
    private const int TagBytes = 1;
    private const byte First = (1 << 3) | (byte)WireFormat.WireType.LengthDelimited;
    private const byte Second = (2 << 3) | (byte)WireFormat.WireType.LengthDelimited;
    private const byte Third = (3 << 3) | (byte)WireFormat.WireType.LengthDelimited;

    // Tags and lengths of one element, and a whole Timestamp: two varints of at most ten bytes with their tags.
    private const int ElementBytesMax = 40;

    /// <summary>Writes the answer; <paramref name="announce"/> is told its size in bytes before the first is written.</summary>
    public static void Write(OnlineFeatures answer, Action<int> announce, Func<IBufferWriter<byte>> target)
    {
        var vectors = ArrayPool<int>.Shared.Rent(answer.ColumnCount);
        try
        {
            var names = NamesSize(answer);
            var metadata = Nested(names);
            long total = Nested(metadata);
            for (var c = 0; c < answer.ColumnCount; c++)
            {
                vectors[c] = checked((int)VectorSize(answer, c));
                total += Nested(vectors[c]);
            }

            announce(checked((int)total));
            var writer = new SpanWriter(target());
            writer.Header(First, metadata);
            writer.Header(First, names);
            for (var c = 0; c < answer.ColumnCount; c++)
            {
                writer.Text(First, Name(answer, c));
            }

            for (var c = 0; c < answer.ColumnCount; c++)
            {
                writer.Header(Second, vectors[c]);
                WriteVector(ref writer, answer, c);
            }

            writer.Flush();
        }
        finally
        {
            ArrayPool<int>.Shared.Return(vectors);
        }
    }

    private static string Name(OnlineFeatures answer, int column) =>
        column < answer.Entities.Count ? answer.Entities[column].Name : answer.Features[column - answer.Entities.Count].Name;

    private static int NamesSize(OnlineFeatures answer)
    {
        var size = 0;
        for (var c = 0; c < answer.ColumnCount; c++)
        {
            size += Nested(Encoding.UTF8.GetByteCount(Name(answer, c)));
        }

        return size;
    }

    private static long VectorSize(OnlineFeatures answer, int column)
    {
        // Each status is one byte, and packed.
        long size = Nested(answer.Rows);
        if (column < answer.Entities.Count)
        {
            var values = answer.Entities[column].Values;
            for (var row = 0; row < values.Count; row++)
            {
                size += Nested(values[row].CalculateSize()) + Nested(0);
            }

            return size;
        }

        ref readonly var feature = ref answer.Features[column - answer.Entities.Count];
        for (var row = 0; row < answer.Rows; row++)
        {
            size += Nested(feature.Value(row).Length) + Nested(TimestampBytes.Size(feature.EventTimeMicros(row)));
        }

        return size;
    }

    private static void WriteVector(ref SpanWriter writer, OnlineFeatures answer, int column)
    {
        if (column < answer.Entities.Count)
        {
            WriteEntity(ref writer, answer.Entities[column].Values);
            return;
        }

        ref readonly var feature = ref answer.Features[column - answer.Entities.Count];
        for (var row = 0; row < answer.Rows; row++)
        {
            writer.Bytes(First, feature.Value(row));
        }

        writer.Header(Second, answer.Rows);
        for (var row = 0; row < answer.Rows; row++)
        {
            writer.Byte((byte)feature.Statuses[row]);
        }

        for (var row = 0; row < answer.Rows; row++)
        {
            var micros = feature.EventTimeMicros(row);
            writer.Header(Third, TimestampBytes.Size(micros));
            writer.Advance(TimestampBytes.Write(writer.Span(ElementBytesMax), micros));
        }
    }

    private static void WriteEntity(ref SpanWriter writer, IReadOnlyList<Feast.Types.Value> values)
    {
        for (var row = 0; row < values.Count; row++)
        {
            var size = values[row].CalculateSize();
            writer.Header(First, size);
            values[row].WriteTo(writer.Span(size)[..size]);
            writer.Advance(size);
        }

        writer.Header(Second, values.Count);
        for (var row = 0; row < values.Count; row++)
        {
            writer.Byte((byte)FieldStatus.Present);
        }

        for (var row = 0; row < values.Count; row++)
        {
            writer.Header(Third, 0);
        }
    }

    private static int Nested(int size) => TagBytes + CodedOutputStream.ComputeLengthSize(size) + size;

    /// <summary>Fills spans of a buffer writer and tells it how much was filled when a span is used up.</summary>
    private ref struct SpanWriter(IBufferWriter<byte> target)
    {
        private Span<byte> _span;
        private int _filled;

        /// <summary>Room for at least <paramref name="size"/> bytes after what was filled.</summary>
        public Span<byte> Span(int size)
        {
            if (_span.Length - _filled < size)
            {
                Flush();
                _span = target.GetSpan(size);
            }

            return _span[_filled..];
        }

        public void Advance(int count) => _filled += count;

        public void Byte(byte value)
        {
            Span(1)[0] = value;
            _filled++;
        }

        public void Header(byte tag, int length)
        {
            var span = Span(ElementBytesMax);
            span[0] = tag;
            _filled += 1 + TimestampBytes.WriteVarint(span[1..], (ulong)length);
        }

        public void Bytes(byte tag, ReadOnlySpan<byte> bytes)
        {
            Header(tag, bytes.Length);
            bytes.CopyTo(Span(bytes.Length));
            _filled += bytes.Length;
        }

        public void Text(byte tag, string text)
        {
            var size = Encoding.UTF8.GetByteCount(text);
            Header(tag, size);

            // Taken before the sum: taking room may begin the count anew.
            var span = Span(size);
            _filled += Encoding.UTF8.GetBytes(text, span);
        }

        public void Flush()
        {
            if (_filled > 0)
            {
                target.Advance(_filled);
            }

            _span = default;
            _filled = 0;
        }
    }
}
