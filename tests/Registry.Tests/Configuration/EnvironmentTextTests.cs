using FeatureStore.Registry.Configuration;

namespace FeatureStore.Registry.Tests.Configuration;

public sealed class EnvironmentTextTests
{
    [Theory]
    [InlineData("a: $HOST", "a: db")]
    [InlineData("a: ${HOST}:6379", "a: db:6379")]
    [InlineData("a: $HOSTS ${NONE} $", "a: $HOSTS ${NONE} $")]
    [InlineData("$TWICE", "$HOST")]
    [InlineData("${EMPTY}x", "x")]
    [InlineData("${} $-", "${} $-")]
    [InlineData("$HÖST", "$HÖST")]
    public void Expand_ByPythonsRule_LeavesTheUnknown(string text, string expected)
    {
        var variables = new Dictionary<string, string> { ["HOST"] = "db", ["TWICE"] = "$HOST", ["EMPTY"] = "" };
        Assert.Equal(expected, EnvironmentText.Expand(text, variables.GetValueOrDefault));
    }
}
