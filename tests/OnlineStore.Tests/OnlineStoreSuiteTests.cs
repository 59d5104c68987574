using System.Reflection;

namespace FeatureStore.OnlineStore.Tests;

/// <summary>Tests the suite itself: it takes a right store and refuses every wrong one.</summary>
public sealed class OnlineStoreSuiteTests
{
    public static TheoryData<Breakage> Breakages => [.. Enum.GetValues<Breakage>()];

    [Theory]
    [MemberData(nameof(Breakages))]
    public async Task Suite_OnABrokenStore_Fails(Breakage breakage)
    {
        var failed = new List<string>();
        foreach (var (test, arguments) in Tests())
        {
            var suite = new Suite(breakage);
            await suite.InitializeAsync();
            if (await Record.ExceptionAsync(() => (Task)test.Invoke(suite, arguments)!) is not null)
            {
                failed.Add(test.Name);
            }
        }

        Assert.True((breakage == Breakage.None) == (failed.Count == 0), $"{breakage}: the suite's failures are [{string.Join(", ", failed)}].");
    }

    private static IEnumerable<(MethodInfo Test, object?[] Arguments)> Tests() =>
        from method in typeof(OnlineStoreSuite).GetMethods()
        where method.GetCustomAttribute<FactAttribute>() is not null
        let data = method.GetCustomAttributes<InlineDataAttribute>().SelectMany(d => d.GetData(method)).ToArray()
        from arguments in data.Length > 0 ? data : [[]]
        select (method, arguments.Select((a, i) => ToParameter(a, method.GetParameters()[i].ParameterType)).ToArray());

    private static object? ToParameter(object? value, Type type) =>
        type.IsEnum ? value : Convert.ChangeType(value, type, System.Globalization.CultureInfo.InvariantCulture);

    private sealed class Suite(Breakage breakage) : OnlineStoreSuite
    {
        protected override IOnlineStore Store { get; } = new BrokenStore(breakage);
    }
}
