using System.Buffers;
using Feast.Serving;
using FeatureStore.Contract.Values;
using FeatureStore.OnlineStore;
using FeatureStore.Serving.Grpc;
using FeatureStore.Serving.Retrieval;
using Google.Protobuf;
using Value = Feast.Types.Value;

namespace FeatureStore.Serving.Tests.Grpc;

/// <summary>The bytes that are written against the library's own message of the same content, on seeded answers.</summary>
public sealed class OnlineFeaturesBytesTests
{
    private const int Seed = 411;

    [Fact]
    public void Write_AnyAnswer_EqualsTheMessageForm()
    {
        var random = new Random(Seed);
        for (var run = 0; run < 500; run++)
        {
            var answer = Answer(random, rows: random.Next(1, run % 10 == 0 ? 400 : 9), entities: random.Next(0, 4), features: random.Next(0, 6));
            var announced = -1;
            var writer = new SmallSpans(random);
            OnlineFeaturesBytes.Write(answer, size => announced = size, () => writer);
            var bytes = writer.Written;
            Assert.True(announced == bytes.Length, $"seed {Seed}, run {run}: announced {announced}, wrote {bytes.Length}");
            Assert.True(Message(answer).ToByteArray().AsSpan().SequenceEqual(bytes), $"seed {Seed}, run {run}: {Convert.ToHexString(bytes)}");
        }
    }

    private static OnlineFeatures Answer(Random random, int rows, int entities, int features)
    {
        var plan = new PlanCompiler(ServedBank.Snapshot(), StatusPolicy.Strict).Service("fraud_v1");
        var keyOfRow = Enumerable.Range(0, rows).Select(_ => random.Next(rows)).ToArray();
        return new OnlineFeatures(
            plan,
            rows,
            [.. Enumerable.Range(0, entities).Select(e => new EntityColumn($"key_ü{e}", [.. Enumerable.Range(0, rows).Select(_ => Value.Parser.ParseFrom(Stored(random)))]))],
            [.. Enumerable.Range(0, features).Select(f => new FeatureColumn(
                new string('f', random.Next(1, 200)),
                [.. Enumerable.Range(0, rows).Select(_ => new OnlineRead(Time(random), [Stored(random)]))],
                keyOfRow,
                0,
                [.. Enumerable.Range(0, rows).Select(_ => (FieldStatus)random.Next(5))]))]);
    }

    private static byte[] Stored(Random random) => random.Next(6) switch
    {
        0 => [],
        1 => ValueBytes.Int64(random.NextInt64(long.MinValue, long.MaxValue)),
        2 => ValueBytes.Double(random.NextDouble()),
        3 => ValueBytes.Text(new string('é', random.Next(0, 3_000))),
        4 => ValueBytes.Boolean(true),
        _ => new Value { Int64ListVal = new Feast.Types.Int64List { Val = { 1, -1, 300 } } }.ToByteArray(),
    };

    private static long? Time(Random random) => random.Next(4) switch
    {
        0 => null,
        1 => 0,
        2 => random.NextInt64(-4_000_000_000_000, 4_000_000_000_000),
        _ => random.NextInt64(1_700_000_000, 1_900_000_000) * 1_000_000,
    };

    private static GetOnlineFeaturesResponse Message(OnlineFeatures answer)
    {
        var message = new GetOnlineFeaturesResponse { Metadata = new GetOnlineFeaturesResponseMetadata { FeatureNames = new FeatureList() } };
        foreach (var entity in answer.Entities)
        {
            message.Metadata.FeatureNames.Val.Add(entity.Name);
            message.Results.Add(new GetOnlineFeaturesResponse.Types.FeatureVector
            {
                Values = { entity.Values },
                Statuses = { entity.Values.Select(_ => FieldStatus.Present) },
                EventTimestamps = { entity.Values.Select(_ => ValueBytes.ToTimestamp(0)) },
            });
        }

        foreach (var feature in answer.Features)
        {
            message.Metadata.FeatureNames.Val.Add(feature.Name);
            var rows = Enumerable.Range(0, answer.Rows).ToArray();
            message.Results.Add(new GetOnlineFeaturesResponse.Types.FeatureVector
            {
                Values = { rows.Select(r => Value.Parser.ParseFrom(feature.Value(r).ToArray())) },
                Statuses = { feature.Statuses },
                EventTimestamps = { rows.Select(r => ValueBytes.ToTimestamp(feature.EventTimeMicros(r))) },
            });
        }

        return message;
    }

    /// <summary>Gives no more room than is asked for, and some beyond it now and then, as a pipe does.</summary>
    private sealed class SmallSpans(Random random) : IBufferWriter<byte>
    {
        private readonly ArrayBufferWriter<byte> _written = new();
        private byte[] _room = [];

        public byte[] Written => _written.WrittenSpan.ToArray();

        public void Advance(int count) => _written.Write(_room.AsSpan(0, count));

        public Memory<byte> GetMemory(int sizeHint = 0) => _room = new byte[Math.Max(1, sizeHint) + random.Next(0, 64)];

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
