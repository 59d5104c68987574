using Feast.Serving;
using FeatureStore.Client.Answers;
using FeatureStore.Client.Transport;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FeatureStore.Client;

/// <summary>
/// Asks a feature server over gRPC. Keep one and share it: it is safe for concurrent use and holds the connection, which
/// is opened by the first call.
/// </summary>
public sealed class FeatureStoreClient : IDisposable
{
    // The name by which the gRPC library is told how to encode a request.
    private const string RequestEncoding = "grpc-internal-encoding-request";
    private static readonly Metadata Gzip = new() { { RequestEncoding, "gzip" } };

    private readonly FeatureStoreClientOptions _options;
    private readonly GrpcChannel _channel;
    private readonly CallInvoker _invoker;
    private readonly Retries _retries;
    private readonly ILogger _logger;

    /// <summary>A client with default settings.</summary>
    /// <param name="target">The server, for instance <c>http://localhost:6567</c>.</param>
    public FeatureStoreClient(Uri target)
        : this(new FeatureStoreClientOptions { Target = target })
    {
    }

    /// <param name="options">Read once; later changes have no effect on this client except that they must not be made.</param>
    /// <param name="loggerFactory">Where counts, times and statuses are logged; null logs nothing.</param>
    /// <exception cref="ArgumentException">A setting cannot be used; all faults are listed.</exception>
    public FeatureStoreClient(FeatureStoreClientOptions options, ILoggerFactory? loggerFactory = null)
    {
        Check(options);
        _options = options;
        _logger = loggerFactory?.CreateLogger<FeatureStoreClient>() ?? NullLogger<FeatureStoreClient>.Instance;
        _retries = new Retries(options.Retry, TimeProvider.System, Random.Shared);
        _channel = ChannelFactory.Create(options);
        _invoker = _channel.CreateCallInvoker();
    }

    /// <summary>Reads features of entity rows, in several calls if there are more than <see cref="FeatureStoreClientOptions.BatchRowsMax"/>.</summary>
    /// <param name="query">What to read.</param>
    /// <param name="deadline">How long all of it may take; null takes the client's own <see cref="FeatureStoreClientOptions.Deadline"/>.</param>
    /// <exception cref="FeatureStoreException">The server refused, did not answer in time or cannot be reached.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<OnlineFeatureTable> GetOnlineFeaturesAsync(
        OnlineFeaturesQuery query, TimeSpan? deadline = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        var rows = query.Entities.Count;
        try
        {
            var sizes = BatchSizes(rows, _options.BatchRowsMax);
            var answers = await AskAsync(query, sizes, Moment(deadline, time), cancellationToken).ConfigureAwait(false);
            var table = AnswerJoin.Join(answers, sizes);
            ClientLog.QueryAnswered(_logger, rows, sizes.Length, time.GetElapsedTime(started).TotalMilliseconds);
            return table;
        }
        catch (Exception e) when (cancellationToken.IsCancellationRequested && e is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled })
        {
            ClientLog.QueryCancelled(_logger, rows, time.GetElapsedTime(started).TotalMilliseconds);
            throw new OperationCanceledException("Reading features was cancelled.", e, cancellationToken);
        }
        catch (RpcException e)
        {
            ClientLog.QueryFailed(_logger, rows, e.StatusCode, time.GetElapsedTime(started).TotalMilliseconds);
            throw FeatureStoreException.From(e, _options.Target);
        }
    }

    /// <summary>The server's version.</summary>
    /// <exception cref="FeatureStoreException">The server did not answer in time or cannot be reached.</exception>
    public async Task<string> GetServingVersionAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var call = Call(Moment(null, TimeProvider.System), cancellationToken);
            return (await AskAsync(ServingMethods.Info, call, new GetFeastServingInfoRequest()).ConfigureAwait(false)).Version;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Cancelled && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("Asking for the version was cancelled.", e, cancellationToken);
        }
        catch (RpcException e)
        {
            throw FeatureStoreException.From(e, _options.Target);
        }
    }

    /// <summary>One call with Feast's own messages, for those who build or print them themselves.</summary>
    /// <param name="request">Sent as it is, whatever its number of rows.</param>
    /// <param name="deadline">The moment, in UTC, after which the call is given up with DEADLINE_EXCEEDED; null waits.</param>
    /// <exception cref="RpcException">The server refused or cannot be reached; its status says which.</exception>
    public Task<GetOnlineFeaturesResponse> GetOnlineFeaturesAsync(
        GetOnlineFeaturesRequest request, DateTime? deadline, CancellationToken cancellationToken) =>
        AskAsync(ServingMethods.Features, Call(deadline, cancellationToken), request);

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    internal static void Check(FeatureStoreClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Faults() is { Count: > 0 } faults)
        {
            throw new ArgumentException($"The feature store client cannot be set up. {string.Join(" ", faults)}", nameof(options));
        }
    }

    // Of equal size as far as possible: a last batch of one row would cost a call for nothing.
    internal static int[] BatchSizes(int rows, int rowsMax)
    {
        var batches = Math.Max(1, (int)(((long)rows + rowsMax - 1) / rowsMax));
        return [.. Enumerable.Range(0, batches).Select(i => (rows / batches) + (i < rows % batches ? 1 : 0))];
    }

    private async Task<GetOnlineFeaturesResponse[]> AskAsync(
        OnlineFeaturesQuery query, int[] sizes, DateTime? deadline, CancellationToken cancellationToken)
    {
        if (sizes.Length == 1)
        {
            return [await GetOnlineFeaturesAsync(query.Request(0, sizes[0]), deadline, cancellationToken).ConfigureAwait(false)];
        }

        var starts = new int[sizes.Length];
        for (var i = 1; i < sizes.Length; i++)
        {
            starts[i] = starts[i - 1] + sizes[i - 1];
        }

        // The first failure cancels the batches that still run.
        var answers = new GetOnlineFeaturesResponse[sizes.Length];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = _options.BatchesInFlightMax, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Enumerable.Range(0, sizes.Length), parallel, async (i, token) =>
            answers[i] = await GetOnlineFeaturesAsync(query.Request(starts[i], sizes[i]), deadline, token).ConfigureAwait(false)).ConfigureAwait(false);
        return answers;
    }

    private Task<TAnswer> AskAsync<TRequest, TAnswer>(Method<TRequest, TAnswer> method, CallOptions options, TRequest request)
        where TRequest : class
        where TAnswer : class => _retries.RunAsync(
            async () =>
            {
                using var call = _invoker.AsyncUnaryCall(method, null, options, request);
                return await call.ResponseAsync.ConfigureAwait(false);
            },
            options.Deadline,
            options.CancellationToken);

    private DateTime? Moment(TimeSpan? deadline, TimeProvider time) =>
        (deadline ?? _options.Deadline) is { } span ? time.GetUtcNow().UtcDateTime + span : null;

    private CallOptions Call(DateTime? deadline, CancellationToken cancellationToken) =>
        new(_options.CompressRequests ? Gzip : null, deadline, cancellationToken);
}
