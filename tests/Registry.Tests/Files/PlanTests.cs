using FeatureStore.Registry.Files;
using FeatureStore.Registry.Validation;

namespace FeatureStore.Registry.Tests.Files;

public sealed class PlanTests
{
    [Fact]
    public void Plan_FreshRepo_TellsCostsAndLeavesNoTrace()
    {
        using var repo = TestRepo.Bank();
        var plan = repo.Plan();
        Assert.Equal((string.Empty, false), (plan.Revision, plan.Written));
        Assert.Equal(ChangeCosts.Compute | ChangeCosts.Materialize, Costs(plan, "user_transactions_l1w"));
        Assert.Equal(ChangeCosts.Materialize, Costs(plan, "user_demographics"));
        Assert.False(Directory.Exists(Path.GetDirectoryName(repo.RegistryPath)));
        Assert.Equal(plan.Changes.Select(c => (c.Change, c.Kind, c.Name)), repo.Apply().Changes.Select(c => (c.Change, c.Kind, c.Name)));
        Assert.Empty(repo.Plan().Changes);
    }

    [Theory]
    [InlineData("ttl: 3650d", "ttl: 30d", "user_demographics", "ttl: 3650d > 30d", ChangeCosts.None)]
    [InlineData("{name: age, dtype: Int64}", "{name: age, dtype: Int32}", "user_demographics", "features.age.value_type: INT64 > INT32", ChangeCosts.Materialize)]
    [InlineData("      - {name: age, dtype: Int64}\n", "", "user_demographics", "features.age: { \"name\": \"age\", \"valueType\": \"INT64\" } > ", ChangeCosts.None)]
    [InlineData("source: user_demographics_source", "source: user_demographics_source\n    online: false", "user_demographics", "online: True > False", ChangeCosts.None)]
    [InlineData("window: 7d", "window: 14d", "user_transactions_l1w", "window: 7d > 14d", ChangeCosts.Compute | ChangeCosts.Materialize)]
    [InlineData("{name: avg_amount_l1w, function: mean", "{name: avg_amount_l1w, function: max", "user_transactions_l1w", "aggregations.avg_amount_l1w: mean(amount) > max(amount)", ChangeCosts.Compute | ChangeCosts.Materialize)]
    [InlineData("path: demographic/customers", "path: demographic/people", "user_demographics", "batch_source.file_options.uri: data/lake/demographic/customers > data/lake/demographic/people", ChangeCosts.Materialize)]
    public void Plan_OneEdit_NamesTheFieldAndWhatItCosts(string old, string edit, string view, string field, ChangeCosts costs)
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var before = File.ReadAllBytes(repo.RegistryPath);
        repo.Time.Now += TimeSpan.FromHours(1);
        Edit(repo, old, edit);
        var plan = repo.Plan();
        Assert.DoesNotContain(plan.Changes.SelectMany(c => c.Fields), f => f.Field.Contains("meta", StringComparison.Ordinal));
        Assert.All(plan.Changes.Where(c => c.Change == ChangeKind.Changed), c => Assert.NotEmpty(c.Fields));
        var change = Assert.Single(plan.Changes, c => c.Name == view);
        Assert.Contains(field, change.Fields.Select(f => $"{f.Field}: {f.Before} > {f.After}"));
        Assert.Equal((ChangeKind.Changed, costs), (change.Change, change.Costs));
        Assert.Equal(before, File.ReadAllBytes(repo.RegistryPath));
        Assert.Equal(plan.Changes.SelectMany(c => c.Fields), repo.Apply().Changes.SelectMany(c => c.Fields));
    }

    [Fact]
    public void Plan_ViewGone_DropsItsOnlineRows()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        var text = Definitions(repo);
        var from = text.IndexOf("  - name: user_demographics\n", StringComparison.Ordinal);
        Assert.True(from > 0);
        repo.Define(text[..from] + text[text.IndexOf("feature_services:", StringComparison.Ordinal)..].Replace("      - user_demographics\n", string.Empty, StringComparison.Ordinal));
        var change = Assert.Single(repo.Plan().Changes, c => c.Kind == "feature view");
        Assert.Equal((ChangeKind.Removed, "user_demographics", ChangeCosts.DropOnlineRows), (change.Change, change.Name, change.Costs));
    }

    [Theory]
    [InlineData("precompute_online: true", "", ChangeCosts.DropOnlineRows)]
    [InlineData("precompute_online: true", "precompute_online: false", ChangeCosts.DropOnlineRows)]
    [InlineData("", "precompute_online: true", ChangeCosts.Materialize)]
    [InlineData("", "", ChangeCosts.None)]
    public void Plan_PrecomputedService_TellsWhatItsVectorsCost(string before, string after, ChangeCosts costs)
    {
        using var repo = TestRepo.Bank();
        var text = Definitions(repo);
        repo.Define($"{text}  - {{name: extra, features: [user_demographics]{(before.Length > 0 ? $", {before}" : string.Empty)}}}\n");
        repo.Apply();
        repo.Define(after.Length > 0 ? $"{text}  - {{name: extra, features: [user_demographics], {after}}}\n" : text);
        Assert.Equal(costs, Assert.Single(repo.Plan().Changes, c => c.Name == "extra").Costs);
    }

    [Fact]
    public void Apply_IfRevision_LandsOnlyOnThatRevision()
    {
        using var repo = TestRepo.Bank();
        repo.Apply();
        Edit(repo, "ttl: 3650d", "ttl: 30d");
        var plan = repo.Plan();
        repo.OpenRegistry().RecordInterval("bank_features", "user_demographics", repo.Time.Now.AddDays(-1), repo.Time.Now, CancellationToken.None);
        var config = repo.LoadConfig();
        var e = Assert.Throws<RegistryConflictException>(() => RegistryApplier.Apply(config, plan.Revision, repo.Time, CancellationToken.None));
        Assert.Contains("fstore plan", e.Message, StringComparison.Ordinal);
        Assert.True(RegistryApplier.Apply(config, repo.Plan().Revision, repo.Time, CancellationToken.None).Written);
    }

    private static ChangeCosts Costs(ApplyResult result, string view) => result.Changes.Single(c => c.Name == view).Costs;

    private static string Definitions(TestRepo repo) => File.ReadAllText(Path.Combine(repo.Folder, "features", "all.yaml"));

    private static void Edit(TestRepo repo, string old, string edit)
    {
        var text = Definitions(repo);
        Assert.Contains(old, text, StringComparison.Ordinal);
        repo.Define(text.Replace(old, edit, StringComparison.Ordinal));
    }
}
