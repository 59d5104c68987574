using Feast.Serving;
using Microsoft.Extensions.DependencyInjection;

namespace FeatureStore.Client.Tests.Readme;

/// <summary>The package's README, compiled and run: each of its code lines stands here.</summary>
internal static class ReadmeSample
{
    public static async Task ReadAsync(Uri target)
    {
        using var client = new FeatureStoreClient(target);

        var users = EntityRows.Of("user_id", "576", "2378");
        var table = await client.GetOnlineFeaturesAsync(OnlineFeaturesQuery.ForService("fraud_v1", users));

        foreach (var row in table.Rows)
        {
            var count = row["num_transactions_l1w"];
            Console.WriteLine(count.Status == FieldStatus.Present
                ? $"{row["user_id"].Get<string>()}: {count.Get<long>()} as of {count.EventTimestamp:O}"
                : $"{row["user_id"].Get<string>()}: {count.Status}");
        }
    }

    public static void Register(IServiceCollection services, Uri target)
    {
        services.AddFeatureStoreClient(options =>
        {
            options.Target = target;
            options.Deadline = TimeSpan.FromMilliseconds(200);
            options.Retry = RetryOptions.Default with { AttemptsMax = 3 };
        });
    }
}
