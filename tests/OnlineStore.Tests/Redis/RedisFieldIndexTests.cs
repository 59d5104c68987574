using System.Text;
using FeatureStore.Contract.Keys;
using FeatureStore.OnlineStore.Redis;
using RESPite.Messages;

namespace FeatureStore.OnlineStore.Tests.Redis;

public sealed class RedisFieldIndexTests
{
    private const int Fields = 40;
    private const int Hashes = 4_000;

    [Fact]
    public void Find_HashesOfManyShapesByManyThreads_AlwaysGivesTheNamesOwnField()
    {
        var names = Enumerable.Range(0, Fields).Select(i => Encoding.ASCII.GetBytes(i % 5 == 0 ? $"_ts:view_{i}" : $"f{i:000}")).ToArray();
        var index = new RedisFieldIndex(names.Select((n, i) => (n, i)).ToDictionary(p => p.n, p => p.i, EntityKeyComparer.Instance));
        var seed = Environment.TickCount;
        Parallel.For(0, Hashes, new ParallelOptions { MaxDegreeOfParallelism = 8 }, hash =>
        {
            // Few shapes, so that each place is taught one thing and then another, and strangers among the names.
            var random = new Random(seed + (hash % 3));
            var shape = names.Concat(Enumerable.Range(0, 10).Select(i => Encoding.ASCII.GetBytes($"stranger {i}"))).OrderBy(_ => random.Next()).ToArray();
            var frame = new MemoryStream();
            foreach (var name in shape)
            {
                frame.Write(Encoding.ASCII.GetBytes($"${name.Length}\r\n"));
                frame.Write(name);
                frame.Write("\r\n"u8);
            }

            var reader = new RespReader(frame.GetBuffer().AsSpan(0, (int)frame.Length));
            for (var place = 0; place < shape.Length; place++)
            {
                reader.MoveNext();
                var expected = Array.FindIndex(names, n => n.AsSpan().SequenceEqual(shape[place]));
                Assert.Equal((seed, hash, expected), (seed, hash, index.Find(ref reader, place)));
            }
        });
    }

    [Fact]
    public void Find_NameLongerThanAny_IsUnknown()
    {
        var index = new RedisFieldIndex(new Dictionary<byte[], int>(EntityKeyComparer.Instance) { ["abcd"u8.ToArray()] = 0 });
        var reader = new RespReader("$6\r\nabcdef\r\n"u8);
        reader.MoveNext();
        Assert.Equal(-1, index.Find(ref reader, 0));
    }
}
