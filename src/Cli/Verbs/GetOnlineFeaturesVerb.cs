using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Feast.Serving;
using Feast.Types;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;
using FeatureStore.Client;
using FeatureStore.Contract.Values;
using Grpc.Core;
using Kind = Feast.Types.ValueType.Types.Enum;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore get-online-features</c>: asks a server over gRPC.</summary>
internal static class GetOnlineFeaturesVerb
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var service = new Option<string?>("--feature-service") { Description = "A feature service." };
        var features = new Option<string?>("--features") { Description = "Or references: view:feature,view:feature." };
        var entities = new Option<string[]>("--entities", "-e") { Description = "Join key and values: user_id=1,2.", Required = true };
        var data = new Option<string[]>("--request") { Description = "A value for on-demand views, one for each row: amount=250,12.5." };
        var target = new Option<string>("--target") { Description = "HOST:PORT of the server.", DefaultValueFactory = _ => "localhost:6567" };
        var type = new Option<string>("--entity-type") { Description = "Type of the values.", DefaultValueFactory = _ => "string" };
        type.AcceptOnlyFromAmong("string", "int64", "int32");
        var command = new Command("get-online-features", "Example: fstore get-online-features --feature-service fraud_v1 --entities user_id=1,2 --target localhost:6567")
        {
            service, features, entities, data, target, type,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var request = Request(parsed.GetValue(service), parsed.GetValue(features), parsed.GetValue(entities)!, Enum.Parse<Kind>(parsed.GetValue(type)!, ignoreCase: true));
            RequestData.Add(request, parsed.GetValue(data) ?? []);
            var text = parsed.GetValue(target)!;
            if (!Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : $"http://{text}", UriKind.Absolute, out var uri))
            {
                throw new UsageException($"--target is '{text}'; write HOST:PORT.");
            }

            using var client = new FeatureStoreClient(uri);
            try
            {
                await AskAsync(client, request, parsed.GetValue(GlobalOptions.Json), cancellationToken);
            }
            catch (RpcException e) when (e is { StatusCode: StatusCode.Unavailable, Status.DebugException: { } cause })
            {
                throw new IOException($"no feature server answers at {uri.Authority} ({cause.GetBaseException().Message}); start one with 'fstore serve', or name another with --target.", e);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>Asks and prints a row per entity; a value that is not PRESENT is followed by its status.</summary>
    public static async Task<TimeSpan> AskAsync(FeatureStoreClient client, GetOnlineFeaturesRequest request, bool json, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var reply = await client.GetOnlineFeaturesAsync(request, DateTime.UtcNow + Deadline, cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(started);
        var names = reply.Metadata.FeatureNames.Val;
        var rows = Enumerable.Range(0, reply.Results.Count == 0 ? 0 : reply.Results[0].Values.Count)
            .Select(row => (IReadOnlyList<object?>)[.. reply.Results.Select(column => json ? JsonCell(column, row) : Cell(column, row))]);
        Answer.Rows(json, names, rows);
        return elapsed;
    }

    public static GetOnlineFeaturesRequest Request(string? service, string? features, string[] entities, Kind type)
    {
        if ((service is null) == (features is null))
        {
            throw new UsageException("Name either --feature-service or --features.");
        }

        var request = service is not null
            ? new GetOnlineFeaturesRequest { FeatureService = service }
            : new GetOnlineFeaturesRequest { Features = new FeatureList { Val = { features!.Split(',', StringSplitOptions.TrimEntries) } } };
        foreach (var text in entities)
        {
            var (key, values) = text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
                ? (text[..at], text[(at + 1)..])
                : throw new UsageException($"--entities is '{text}'; write user_id=1,2.");
            request.Entities[key] = new RepeatedValue { Val = { values.Split(',').Select(v => EntityValueConverter.FromText(v, type)) } };
        }

        return request;
    }

    private static object JsonCell(GetOnlineFeaturesResponse.Types.FeatureVector column, int row) => new
    {
        value = JsonSerializer.Deserialize<JsonElement>(ValueJson.Text(column.Values[row])),
        status = Name(column.Statuses[row]),
        event_timestamp = column.EventTimestamps[row].Seconds == 0 ? null : Instant.Text(column.EventTimestamps[row].ToDateTimeOffset()),
    };

    /// <summary>A value as text; one that is not PRESENT is followed by its status.</summary>
    public static string Cell(GetOnlineFeaturesResponse.Types.FeatureVector column, int row)
    {
        var status = column.Statuses[row];
        var value = column.Values[row];
        var text = value.ValCase == Value.ValOneofCase.StringVal ? value.StringVal : value.ValCase == Value.ValOneofCase.None ? string.Empty : ValueJson.Text(value);
        return status == FieldStatus.Present ? text : $"{text} {Name(status)}".Trim();
    }

    /// <summary>The status as Feast's contract spells it.</summary>
    public static string Name(FieldStatus status) => status switch
    {
        FieldStatus.Present => "PRESENT",
        FieldStatus.NullValue => "NULL_VALUE",
        FieldStatus.NotFound => "NOT_FOUND",
        FieldStatus.OutsideMaxAge => "OUTSIDE_MAX_AGE",
        _ => "INVALID",
    };
}
