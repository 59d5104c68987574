namespace FeatureStore.GrpcHost;

/// <summary>Bounds of the gRPC endpoint.</summary>
/// <param name="ReceiveBytesMax">Largest request message taken, in bytes; a larger one is answered RESOURCE_EXHAUSTED before it is read.</param>
/// <param name="CompressResponses">Whether answers are gzip-compressed for callers that take gzip. Requests are decompressed in either case.</param>
public sealed record GrpcEndpointOptions(int ReceiveBytesMax = 4 * 1024 * 1024, bool CompressResponses = false);
