using Feast.GrpcServer;
using Feast.Serving;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace FeatureStore.Contract.Tests.Values;

public sealed class GrpcMessageTests
{
    private static readonly Dictionary<string, MessageDescriptor> Messages =
        ServingServiceReflection.Descriptor.MessageTypes.Concat(GrpcServerReflection.Descriptor.MessageTypes)
            .ToDictionary(m => m.FullName);

    [Fact]
    public void Messages_EveryRecordedOne_AreFullyKnownAndKeepTheirBytes()
    {
        var rows = GoldenFile.Load("grpc_messages.json").GetProperty("messages").EnumerateArray().ToArray();
        Assert.NotEmpty(rows);
        foreach (var row in rows)
        {
            var name = row.GetProperty("name").GetString();
            var bytes = Convert.FromHexString(row.GetProperty("hex").GetString()!);
            var parser = Messages[row.GetProperty("message").GetString()!].Parser;
            var message = parser.ParseFrom(bytes);
            Assert.Equal((name, Convert.ToHexStringLower(bytes)), (name, Convert.ToHexStringLower(message.ToByteArray())));

            // A field that our text of the contract lacks would lie among the unknown ones and be dropped here.
            Assert.Equal((name, message), (name, parser.WithDiscardUnknownFields(true).ParseFrom(bytes)));
        }
    }
}
