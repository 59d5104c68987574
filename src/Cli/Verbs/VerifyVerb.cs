using System.CommandLine;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore verify parity</c>: every online value against the offline truth.</summary>
internal static class VerifyVerb
{
    public static Command Create()
    {
        var parity = new Command("parity", "Compare every entity's online row with the lake, bit for bit. Example: fstore verify parity");
        parity.SetAction((parsed, cancellationToken) => RunAsync(GlobalOptions.Repo(parsed), parsed.GetValue(GlobalOptions.Json), cancellationToken));
        return new Command("verify", "Prove that the stores agree.") { parity };
    }

    private static async Task<int> RunAsync(Repo repo, bool json, CancellationToken cancellationToken)
    {
        var pipeline = new Pipeline(repo);
        var compared = 0;
        var passed = true;
        foreach (var view in pipeline.Materializable(repo.Snapshot()))
        {
            if (await pipeline.VerifyAsync(view, cancellationToken) is not { } report)
            {
                continue;
            }

            compared++;
            passed &= report.Passed;
            var lines = report.FirstDifferences.Select(d => $"  entity key {d.EntityKeyHex}: {d.Reason}").Prepend(
                $"{view.Name}: {report.Equal:N0} of {report.Total:N0} equal, {report.Ahead:N0} ahead by push");
            Answer.Object(json, string.Join(Environment.NewLine, lines), new { FeatureView = view.Name, report.Total, report.Equal, report.Ahead, report.Passed, report.FirstDifferences });
        }

        return compared == 0 ? throw new UsageException("No view was materialised yet; run 'fstore materialize' first.") : passed ? ExitCodes.Ok : ExitCodes.No;
    }
}
