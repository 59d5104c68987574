using System.CommandLine;
using System.Globalization;
using FeatureStore.Cli.Composition;
using FeatureStore.Cli.Output;

namespace FeatureStore.Cli.Verbs;

/// <summary><c>fstore generate</c>: a synthetic bank's changes go into the change log, or into PostgreSQL.</summary>
internal static class GenerateVerb
{
    private const string Postgres = "postgres";
    public const int UsersMax = 10_000_000;
    public const int DaysMax = 36_500;

    public static Option<int> Users { get; } = new("--users") { Description = $"Users of the bank, 1 to {UsersMax:N0}.", DefaultValueFactory = _ => 10_000 };

    public static Option<int> Days { get; } = new("--days") { Description = "Days of transactions; asked again with more, only those are added.", DefaultValueFactory = _ => 30 };

    public static Option<long> Seed { get; } = new("--seed") { Description = "The same seed gives the same rows.", DefaultValueFactory = _ => 7 };

    public static Command Create()
    {
        var firstDay = new Option<string?>("--first-day") { Description = "First day, as 2026-01-31; else the days end with yesterday. The first choice is kept." };
        var to = new Option<string>("--to") { Description = "log: the embedded change log. postgres: the tables of fstore.postgres, made if absent.", DefaultValueFactory = _ => "log" };
        to.AcceptOnlyFromAmong("log", Postgres);
        var command = new Command("generate", "Make a synthetic bank. Example: fstore generate --users 10000 --days 30 --seed 7") { Users, Days, Seed, firstDay, to };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = Options(parsed, Day(parsed.GetValue(firstDay)));
            var repo = GlobalOptions.Repo(parsed);
            var result = parsed.GetValue(to) == Postgres
                ? await new PostgresFeed(PostgresSettings.Address(repo.Config), TimeProvider.System).RunAsync(options, null, cancellationToken)
                : new Pipeline(repo).Generate(options, null, cancellationToken);
            Answer.Object(parsed.GetValue(GlobalOptions.Json), Text(result), result);
            return ExitCodes.Ok;
        });
        return command;
    }

    public static GenerateOptions Options(ParseResult parsed, DateOnly? firstDay)
    {
        var (users, days, seed) = (parsed.GetValue(Users), parsed.GetValue(Days), parsed.GetValue(Seed));
        return users is >= 1 and <= UsersMax && days is >= 1 and <= DaysMax && seed >= 0
            ? new GenerateOptions(users, days, seed, firstDay)
            : throw new UsageException($"--users goes from 1 to {UsersMax:N0}, --days from 1 to {DaysMax:N0}, and --seed from 0.");
    }

    public static string Text(GenerateResult result) => string.Create(
        CultureInfo.InvariantCulture,
        $"{result.Customers:N0} customers and {result.Changes:N0} changes of transactions generated, {result.AlreadyThere:N0} events were there; {result.Days:N0} days from {result.FirstDay:yyyy-MM-dd}{(result.DaysToCome > 0 ? $" ({result.DaysToCome} more have not come yet)" : string.Empty)}");

    public static DateOnly? Day(string? text) => text is null
        ? null
        : DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw new UsageException($"--first-day is '{text}'; write it as 2026-01-31.");
}
