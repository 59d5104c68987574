using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using FeatureStore.OfflineStore.Lake.Log;

namespace FeatureStore.OfflineStore.Lake;

/// <summary>What one commit says; a part that is null or empty is left out.</summary>
/// <param name="Remove">Live files that this commit takes out; never a path that <paramref name="Add"/> holds.</param>
/// <param name="IsDataChange">False if the added files hold the rows of the removed ones and nothing else.</param>
/// <param name="Operation">What people read of it in the table's history.</param>
public sealed record DeltaCommit(
    DeltaProtocol? Protocol,
    DeltaMetadata? Metadata,
    LakeTxn? Txn,
    IReadOnlyList<DeltaFile> Add,
    IReadOnlyList<DeltaFile> Remove,
    bool IsDataChange = true,
    string Operation = "WRITE")
{
    // Other engines need no HTML escapes, and paths stay readable.
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The commit's text: one object a line, no blank line.</summary>
    /// <param name="millis">When it is made, milliseconds since the epoch.</param>
    /// <param name="id">Tells this commit from every other where its bytes must; null leaves it out.</param>
    internal string Write(long millis, string? id = null)
    {
        var text = new StringBuilder();

        // Free text to the protocol, but Spark takes no table whose timestamp here is not a number.
        var info = new JsonObject
        {
            ["timestamp"] = millis,
            ["operation"] = Operation,
            ["operationParameters"] = new JsonObject(),
            ["isBlindAppend"] = Remove.Count == 0 && Metadata is null,
            ["engineInfo"] = "FeatureStore",
        };
        if (id is not null)
        {
            info["txnId"] = id;
        }

        Line(text, "commitInfo", info);
        if (Protocol is { } protocol)
        {
            Line(text, "protocol", DeltaActions.Protocol(protocol));
        }

        if (Metadata is { } metadata)
        {
            Line(text, "metaData", DeltaActions.Metadata(metadata));
        }

        if (Txn is { } txn)
        {
            Line(text, "txn", DeltaActions.Txn(txn.AppId, txn.Version, millis));
        }

        foreach (var file in Remove)
        {
            Line(text, "remove", DeltaActions.Remove(file, IsDataChange, millis));
        }

        foreach (var file in Add)
        {
            Line(text, "add", DeltaActions.Add(file, IsDataChange));
        }

        return text.ToString();
    }

    /// <summary>An action as a line of a commit, or as what a checkpoint keeps of one.</summary>
    internal static string Text(string action, JsonObject body) => new JsonObject { [action] = body }.ToJsonString(Plain);

    private static void Line(StringBuilder text, string action, JsonObject body) => text.Append(Text(action, body)).Append('\n');
}
