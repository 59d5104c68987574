using System.Threading.Channels;
using FeatureStore.Scoring.Online;
using FeatureStore.Serving.Retrieval;
using FeatureColumn = FeatureStore.Scoring.Scores.FeatureColumn;

namespace FeatureStore.Scoring.Receipts;

/// <summary>
/// Appends receipts. A receipt that was taken is on the disk: those that wait together are written and flushed together, so that many callers share the price of a flush. Safe for concurrent use.
/// </summary>
public sealed class ReceiptLog : IAsyncDisposable
{
    private const int WaitingMax = 1_024;
    private const int TogetherBytesMax = 8 << 20;

    private readonly ReceiptOptions _options;
    private readonly ReceiptKey _key;
    private readonly Channel<Waiting> _waiting = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(WaitingMax) { SingleReader = true });
    private readonly Task _writing;
    private ReceiptFile? _file;

    private ReceiptLog(ReceiptOptions options, ReceiptKey key)
    {
        _options = options;
        _key = key;
        _writing = Task.Run(WriteAllAsync);
    }

    /// <exception cref="ReceiptException">The folder cannot be used.</exception>
    public static ReceiptLog Open(ReceiptOptions options)
    {
        try
        {
            Directory.CreateDirectory(options.Folder);
            return new ReceiptLog(options, ReceiptKey.Open(options));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ReceiptException($"Receipts cannot be kept in '{options.Folder}' ({e.Message}); give fstore.receipts.folder another place.", e);
        }
    }

    /// <summary>Completes when the receipt is on the disk.</summary>
    /// <exception cref="ReceiptException">It is not, and the decision must not be given.</exception>
    public async Task AppendAsync(ScoredBatch batch, IReadOnlyList<FeatureColumn> features, CancellationToken cancellationToken)
    {
        var rows = new ReceiptRow[batch.Rows.Count];
        for (var row = 0; row < rows.Length; row++)
        {
            rows[row] = new ReceiptRow(_key.Hash(batch.Entities, row), batch.Rows[row].Outcome);
        }

        var line = ReceiptJson.Line(new Receipt(
            batch.RequestId, batch.Time, batch.Model.Name, batch.Model.Version, batch.Model.Model.Sha256, batch.Model.FeatureService, rows, features, batch.Outputs));
        if (line.Length > ReceiptOptions.ReceiptBytesMax)
        {
            throw new RetrievalException(RetrievalFault.TooLarge, $"The receipt has {line.Length:N0} bytes; at most {ReceiptOptions.ReceiptBytesMax:N0}. Split the request.");
        }

        var waiting = new Waiting(line, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _waiting.Writer.WriteAsync(waiting, cancellationToken);
        await waiting.Done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Writes what waits, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _writing;
        _file?.Dispose();
    }

    private async Task WriteAllAsync()
    {
        var together = new List<Waiting>();
        while (await _waiting.Reader.WaitToReadAsync())
        {
            together.Clear();
            var bytes = 0;
            while (bytes < TogetherBytesMax && _waiting.Reader.TryRead(out var next))
            {
                together.Add(next);
                bytes += next.Line.Length;
            }

            Write(together, bytes);
        }
    }

    private void Write(List<Waiting> together, int bytes)
    {
        try
        {
            if (_file is { } full && full.Bytes >= _options.FileBytesMax)
            {
                full.Dispose();
                _file = null;
            }

            _file ??= ReceiptFile.Open(_options);
            var lines = new byte[bytes];
            var at = 0;
            foreach (var waiting in together)
            {
                waiting.Line.CopyTo(lines, at);
                at += waiting.Line.Length;
            }

            _file.Append(lines);
            together.ForEach(w => w.Done.SetResult());
        }
        catch (Exception e)
        {
            // Whatever it was, nobody may take these for written; the next ones try again with a file that is opened anew.
            _file?.Dispose();
            _file = null;
            together.ForEach(w => w.Done.SetException(new ReceiptException($"The receipt cannot be written to '{_options.Folder}' ({e.Message}).", e)));
        }
    }

    private sealed record Waiting(byte[] Line, TaskCompletionSource Done);
}
