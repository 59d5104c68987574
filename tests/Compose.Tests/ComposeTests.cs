using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FeatureStore.Cli.Composition;
using FeatureStore.OfflineStore.Lake;
using FeatureStore.OfflineStore.Lake.Places;
using FeatureStore.Registry.Configuration;
using Json.Schema;

namespace FeatureStore.Compose.Tests;

/// <summary>Holds compose.yaml against the Compose Specification and against ourselves. It is not run here.</summary>
public sealed partial class ComposeTests
{
    private static readonly string[] Conditions = ["service_started", "service_healthy", "service_completed_successfully"];

    // Paths, which the reader of the file asks for.
    private static readonly string[] OfTheFileItself = ["lake", "log", "runs"];
    private static readonly string SettingsFile = Path.Combine(ComposeFile.Folder, RepoConfig.FileName);
    private readonly JsonObject _file = ComposeFile.Read();

    [Fact]
    public void File_AgainstTheSpecification_IsValid()
    {
        var faults = Faults(_file);
        Assert.True(faults.Count == 0, string.Join(Environment.NewLine, faults));

        // The check itself can fail.
        Assert.NotEmpty(Faults(ComposeFile.Parse("services: {a: {image: x, no_such_key: 1}}")));
        Assert.NotEmpty(Faults(ComposeFile.Parse("services: {a: {image: x, ports: nothing}}")));
    }

    [Fact]
    public void Images_AllServices_ArePinned() => Check((name, service) =>
        Pinned().IsMatch(service["image"]?.ToString() ?? string.Empty) ? null : $"{name}: image '{service["image"]}' has no tag of a version");

    [Fact]
    public void Dockerfile_EveryStage_IsPinnedAndTheLastIsNotRoot()
    {
        var lines = File.ReadAllLines(Path.Combine(ComposeFile.Folder, "Dockerfile"));
        var images = lines.Where(l => l.StartsWith("FROM ", StringComparison.Ordinal)).Select(l => l.Split(' ')[1]).ToList();
        Assert.True(images.Count > 1);
        Assert.All(images, i => Assert.Matches(Pinned(), i));
        var user = lines.Last(l => l.StartsWith("USER ", StringComparison.Ordinal)).Split(' ')[1];
        Assert.NotEqual("0:0", user);
        Assert.All(ComposeFile.Services(_file).Where(s => ComposeFile.IsOurs(s.Service)), s => Assert.Equal(user, s.Service["user"]!.ToString()));
    }

    [Fact]
    public void Services_AllOfThem_AreBoundedAndTellTheirHealth() => Check((name, service) =>
        service["deploy"]?["resources"]?["limits"]?["memory"] is null || service["deploy"]!["resources"]!["limits"]!["cpus"] is null || service["pids_limit"] is null ? $"{name}: no limits"
        : service["logging"]?["options"]?["max-size"] is null ? $"{name}: its log grows without bound"
        : !ComposeFile.IsOnce(service) && service["healthcheck"]?["test"] is null ? $"{name}: no health check"
        : service["restart"] is null ? $"{name}: nothing says whether it is started again"
        : ComposeFile.IsOurs(service) && (service["read_only"]?.GetValue<bool>() != true || ComposeFile.Texts(service["cap_drop"]) is not ["ALL"]) ? $"{name}: may write its image or has capabilities"
        : null);

    [Fact]
    public void DependsOn_EveryOne_NamesAServiceThatCanBeSo()
    {
        var services = ComposeFile.Services(_file).ToDictionary(s => s.Name, s => s.Service);
        Check((name, service) => service["depends_on"]?.AsObject().Select(d =>
        {
            var condition = d.Value!["condition"]!.ToString();
            return !services.TryGetValue(d.Key, out var other) ? $"{name}: depends on {d.Key}, which is no service"
                : !Conditions.Contains(condition) ? $"{name}: '{condition}' is no condition"
                : (condition == "service_completed_successfully") != ComposeFile.IsOnce(other) ? $"{name}: waits for {d.Key} to be '{condition}', which it never is"
                : condition == "service_healthy" && other["healthcheck"] is null ? $"{name}: {d.Key} has no health check"
                : !ComposeFile.Texts(other["profiles"]).All(p => ComposeFile.Texts(service["profiles"]).Contains(p)) ? $"{name}: {d.Key} is not there in every profile of it"
                : null;
        }).FirstOrDefault(f => f is not null));
    }

    [Fact]
    public void Variables_OfOurServices_AreAskedForByTheBinding()
    {
        var variables = ComposeFile.Services(_file).Where(s => ComposeFile.IsOurs(s.Service)).SelectMany(s => ComposeFile.Environment(s.Service)).DistinctBy(e => e.Name).ToDictionary(e => e.Name, e => e.Value);
        Assert.Contains("FSTORE__POSTGRES__PASSWORD_FILE", variables.Keys);
        Assert.Empty(Unread(variables));
        Assert.Contains("postgres.pasword", Unread(new(variables) { ["FSTORE__POSTGRES__PASWORD"] = "x" }));

        // The others are named in the settings' own text.
        var settings = File.ReadAllText(SettingsFile);
        Assert.All(variables.Keys.Where(n => !n.StartsWith("FSTORE__", StringComparison.Ordinal)), n => Assert.Contains($"${{{n}}}", settings, StringComparison.Ordinal));
    }

    [Fact]
    public void Settings_WithTheVariables_AreRead()
    {
        var serve = ComposeFile.Services(_file).Single(s => s.Name == "serve").Service;
        var config = Config(ComposeFile.Environment(serve).ToDictionary(e => e.Name, e => e.Value));
        Assert.StartsWith("redis:6379,password=", Assert.IsType<RedisOnlineStoreConfig>(config.OnlineStore).ConnectionString, StringComparison.Ordinal);
        Assert.Equal("s3://transaction-data", config.LakePath);
    }

    [Fact]
    public void Commands_OfOurServices_AreVerbs()
    {
        var verbs = Directory.EnumerateFiles(Path.Combine(ComposeFile.Root, "src", "Cli", "Verbs"), "*.cs").SelectMany(f => VerbName().Matches(File.ReadAllText(f))).Select(m => m.Groups["name"].Value).ToHashSet();
        Check((name, service) =>
            !ComposeFile.IsOurs(service) || (ComposeFile.Texts(service["command"]).FirstOrDefault() is { } verb && verbs.Contains(verb)) ? null : $"{name}: '{service["command"]}' begins with no verb");
        Check((name, service) => ComposeFile.Texts(service["healthcheck"]?["test"]) is ["CMD", "dotnet", _, var verb, ..] && !verbs.Contains(verb) ? $"{name}: its health is asked by '{verb}', which is no verb" : null);
    }

    [Fact]
    public void Ports_AllPublished_AreLoopbackAndWhatTheServersListenOn()
    {
        var published = ComposeFile.Services(_file).SelectMany(s => ComposeFile.Texts(s.Service["ports"]).Select(p => (s.Name, s.Service, Port: p.Split(':')))).ToList();
        Assert.NotEmpty(published);
        Assert.All(published, p => Assert.Equal("127.0.0.1", p.Port[0]));
        Assert.Equal(published.Count, published.Select(p => p.Port[1]).Distinct().Count());
        var exposed = File.ReadAllLines(Path.Combine(ComposeFile.Folder, "Dockerfile")).Single(l => l.StartsWith("EXPOSE ", StringComparison.Ordinal)).Split(' ');
        foreach (var (name, service, port) in published.Where(p => ComposeFile.IsOurs(p.Service)))
        {
            Assert.True(exposed.Contains(port[2]) && ComposeFile.Texts(service["command"]).Contains(port[2]), $"{name}: nothing listens on {port[2]}");
        }

        Assert.Contains("serve:6566", File.ReadAllText(Path.Combine(ComposeFile.Folder, "prometheus", "prometheus.yml")), StringComparison.Ordinal);
    }

    [Fact]
    public void Mounts_AllOfThem_AreThereAndKnown()
    {
        var volumes = _file["volumes"]!.AsObject().Select(v => v.Key).ToHashSet();
        var mounts = ComposeFile.Services(_file).SelectMany(s => ComposeFile.Texts(s.Service["volumes"]).Select(v => (s.Name, Parts: v.Split(':')))).ToList();
        foreach (var (name, parts) in mounts)
        {
            var isFile = parts[0].StartsWith('.');
            Assert.True(isFile ? Path.Exists(Path.GetFullPath(parts[0], ComposeFile.Folder)) : volumes.Contains(parts[0]), $"{name}: {parts[0]} is not there");
            Assert.True(!isFile || parts is [_, _, "ro"], $"{name}: {parts[0]} may be written");
        }

        Assert.Equal(volumes.Order(), mounts.Where(m => !m.Parts[0].StartsWith('.')).Select(m => m.Parts[0]).Distinct().Order());
        var secrets = _file["secrets"]!.AsObject().Select(s => s.Key).ToHashSet();
        Check((name, service) => ComposeFile.Texts(service["secrets"]).FirstOrDefault(s => !secrets.Contains(s)) is { } absent ? $"{name}: no secret {absent}" : null);
        Check((name, service) => ComposeFile.Environment(service).Select(e => e.Value).FirstOrDefault(v =>
            v.StartsWith("/run/secrets/", StringComparison.Ordinal) && !ComposeFile.Texts(service["secrets"]).Contains(Path.GetFileName(v))) is { } file ? $"{name}: {file} is not given to it" : null);
    }

    [Fact]
    public void Secrets_InTheFiles_AreOnlyNamed()
    {
        Check((name, service) => ComposeFile.Environment(service).FirstOrDefault(e =>
            Secret().IsMatch(e.Name) && !e.Name.EndsWith("_FILE", StringComparison.Ordinal) && !Required().IsMatch(e.Value)) is { Name: { } variable } ? $"{name}: {variable} holds a literal" : null);
        Assert.All(Interpolated().Matches(ComposeFile.Text).Where(m => !m.Value.StartsWith("$$", StringComparison.Ordinal)), m => Assert.Matches(Required(), m.Value));
        var example = File.ReadAllLines(Path.Combine(ComposeFile.Folder, ".env.example")).Where(l => l.Contains('=')).Select(l => l.Split('=', 2)).ToDictionary(l => l[0], l => l[1]);
        foreach (var secret in _file["secrets"]!.AsObject())
        {
            Assert.Contains(secret.Value!["environment"]!.ToString(), example.Keys);
        }

        // No value of the example stands elsewhere.
        foreach (var file in Directory.EnumerateFiles(ComposeFile.Folder, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) is not (".env.example" or ".env")))
        {
            Assert.All(example.Where(e => Secret().IsMatch(e.Key)), e => Assert.DoesNotContain(e.Value, File.ReadAllText(file), StringComparison.Ordinal));
        }
    }

    private static List<string> Faults(JsonObject file)
    {
        var text = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "compose.schema.json")))!.AsObject();

        // Draft 7's own address is another than the one that the file writes.
        text["$schema"] = "http://json-schema.org/draft-07/schema#";
        text.Remove("$id");
        var result = JsonSchema.FromText(text.ToJsonString(), new BuildOptions { SchemaRegistry = new() }).Evaluate(System.Text.Json.JsonSerializer.SerializeToElement(file), new EvaluationOptions { OutputFormat = OutputFormat.List });
        return result.IsValid ? [] : [.. (result.Details ?? []).Where(d => d.Errors is { Count: > 0 }).Select(d => $"{d.InstanceLocation}: {string.Join("; ", d.Errors!.Values)}")];
    }

    // Files of secrets are not there; what they would hold is.
    private static RepoConfig Config(Dictionary<string, string> variables) => RepoConfig.Load(
        SettingsFile,
        variables.ToDictionary(v => v.Key.EndsWith("_FILE", StringComparison.Ordinal) ? v.Key[..^"_FILE".Length] : v.Key, v => v.Key.EndsWith("_FILE", StringComparison.Ordinal) ? "secret" : v.Value));

    /// <summary>Keys of the fstore block that no part of the binding asks for.</summary>
    private static List<string> Unread(Dictionary<string, string> variables)
    {
        var config = Config(variables);
        var read = new ReadKeys(config.Fstore);
        config = config with { Fstore = read };
        _ = KafkaSettings.Options(config);
        _ = KafkaSettings.Prefix(config);
        _ = PostgresSettings.Address(config);
        _ = ConnectorSettings.Options(config);
        ConnectorSettings.Client(config).Dispose();
        _ = LakeOptions.Read(config);
        _ = LakeSettings.Open(config);
        _ = ScheduleSettings.Schedule(config);
        foreach (var topic in ChangeTopic.All)
        {
            _ = IngestSettings.Options(config, topic);
        }

        return [.. read.Unread().Where(k => !OfTheFileItself.Contains(k))];
    }

    private void Check(Func<string, JsonObject, string?> fault)
    {
        var faults = ComposeFile.Services(_file).Select(s => fault(s.Name, s.Service)).OfType<string>().ToList();
        Assert.True(faults.Count == 0, string.Join(Environment.NewLine, faults));
    }

    [GeneratedRegex(@"^[a-z0-9./-]+:(v?\d+(\.\d+)*[A-Za-z0-9.-]*|RELEASE\.[0-9TZ-]+)$")]
    private static partial Regex Pinned();

    [GeneratedRegex(@"new( Command)?\(\s*""(?<name>[a-z-]+)""")]
    private static partial Regex VerbName();

    [GeneratedRegex("PASSWORD|SECRET|ACCESS_KEY|TOKEN|REDIS$")]
    private static partial Regex Secret();

    [GeneratedRegex(@"\$\{[A-Z0-9_]+:\?[^}]+\}")]
    private static partial Regex Required();

    [GeneratedRegex(@"\$\$?[\{(][^})]*[})]")]
    private static partial Regex Interpolated();
}
