using System.IO.Compression;
using Grpc.Net.Compression;

namespace FeatureStore.GrpcHost;

/// <summary>
/// gzip as the library has it, except for a message of no bytes: the platform's stream then writes nothing at all, which
/// is no gzip, and strict clients (grpc-js) refuse it.
/// </summary>
internal sealed class GzipProvider : ICompressionProvider
{
    /// <inheritdoc/>
    public string EncodingName => "gzip";

    /// <inheritdoc/>
    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) =>
        new WholeGzipStream(stream, compressionLevel ?? CompressionLevel.Fastest);

    /// <inheritdoc/>
    public Stream CreateDecompressionStream(Stream stream) => new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);

    private sealed class WholeGzipStream : GZipStream
    {
        private readonly Stream _target;
        private bool _written;

        public WholeGzipStream(Stream target, CompressionLevel level)
            : base(target, level, leaveOpen: true) => _target = target;

        // RFC 1952: header without name or time, one final empty deflate block, checksum 0, length 0.
        private static ReadOnlySpan<byte> EmptyMember => [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

        public override void Write(byte[] buffer, int offset, int count)
        {
            _written |= count > 0;
            base.Write(buffer, offset, count);
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _written |= buffer.Length > 0;
            base.Write(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (disposing && !_written)
            {
                _written = true;
                _target.Write(EmptyMember);
            }
        }
    }
}
