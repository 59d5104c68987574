using System.Text.Json;

namespace FeatureStore.Cli.Tests.Verbs;

public sealed class LakeTests : IDisposable
{
    private readonly Fstore _fstore = new();

    public void Dispose() => _fstore.Dispose();

    [Fact]
    public async Task Lake_SyntheticBank_IsListedReadCompactedVacuumedAndChecked()
    {
        await Fill();
        var table = Assert.Single(await Json("lake", "tables"), t => t.GetProperty("path").GetString() == "cdc/transactions");
        Assert.Equal("change", table.GetProperty("kind").GetString());

        var files = await Json("lake", "files", "cdc/transactions");
        Assert.Equal(table.GetProperty("files").GetInt32(), files.Count);
        var rows = await Json("lake", "rows", "cdc/transactions", "--version", "0");
        Assert.Equal(table.GetProperty("rows").GetInt64(), rows.Count);
        Assert.Equal(2, (await Json("lake", "rows", "cdc/transactions", "--limit", "2")).Count);
        Assert.Equal("0", Assert.Single(await Json("lake", "history", "cdc/transactions")).GetProperty("version").GetRawText());

        await Ok("generate", "--users", "20", "--days", "5", "--seed", "7");
        await Ok("ingest");
        var compacted = Assert.Single(await Json("lake", "compact", "cdc/transactions"));
        Assert.True(compacted.GetProperty("files_removed").GetInt32() >= compacted.GetProperty("files_added").GetInt32());
        Assert.All(await Json("lake", "vacuum", "--dry-run"), t => Assert.Equal(0, t.GetProperty("files").GetInt32()));
        Assert.Contains("all is as the logs say", await Ok("lake", "check"), StringComparison.Ordinal);
        Assert.Equal(rows.Count, (await Json("lake", "rows", "cdc/transactions", "--version", "0")).Count);
    }

    [Fact]
    public async Task Lake_FileGone_CheckSaysNoAndNamesIt()
    {
        await Fill();
        var gone = (await Json("lake", "files", "cdc/transactions"))[0].GetProperty("path").GetString()!;
        var root = Assert.Single(Directory.GetDirectories(_fstore.Repo, "transactions", SearchOption.AllDirectories));
        File.Delete(Path.Combine(root, gone));

        var (code, output, _) = await _fstore.RunAsync("lake", "check", "cdc/transactions", "--json");

        var fault = JsonDocument.Parse(output).RootElement;
        Assert.Equal((1, "missing", gone), (code, fault.GetProperty("fault").GetString(), fault.GetProperty("path").GetString()));
    }

    [Theory]
    [InlineData(2, "lake", "rows", "cdc/transactions", "--version", "0", "--as-of", "2026-01-01")]
    [InlineData(2, "lake", "history", "cdc/transactions", "--limit", "0")]
    [InlineData(2, "lake", "compact", "--target-mib", "0")]
    [InlineData(2, "lake", "vacuum", "--retention-hours", "-1")]
    [InlineData(2, "lake", "rows")]
    [InlineData(3, "lake", "rows", "no/table")]
    [InlineData(3, "lake", "vacuum", "no/table")]
    [InlineData(1, "lake", "check", "no/table")]
    public async Task Lake_CommandThatCannotBe_HasItsExitCode(int expected, params string[] arguments) =>
        Assert.Equal(expected, (await _fstore.RunAsync(arguments)).Code);

    private async Task Fill()
    {
        await Ok("generate", "--users", "20", "--days", "4", "--seed", "7");
        await Ok("ingest");
    }

    private async Task<string> Ok(params string[] arguments)
    {
        var (code, output, error) = await _fstore.RunAsync(arguments);
        Assert.True(code == 0, error + output);
        return output;
    }

    private async Task<List<JsonElement>> Json(params string[] arguments) =>
        [.. (await Ok([.. arguments, "--json"])).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
}
