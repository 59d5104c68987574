using FeatureStore.Contract.References;

namespace FeatureStore.Contract.Tests.References;

public sealed class FeatureReferenceTests
{
    [Theory]
    [InlineData("view:feature", "view", null, "feature")]
    [InlineData("view:a:b", "view", null, "a:b")]
    [InlineData("view@v2:f", "view", 2, "f")]
    [InlineData("view@latest:f", "view", null, "f")]
    public void TryParse_RightForms_GiveTheirParts(string text, string view, int? version, string feature)
    {
        Assert.True(FeatureReference.TryParse(text, out var reference, out _));
        Assert.Equal(new FeatureReference(view, version, feature), reference);
    }

    [Theory]
    [InlineData("")]
    [InlineData("view")]
    [InlineData(":f")]
    [InlineData("view:")]
    [InlineData("view@:f")]
    [InlineData("view@2:f")]
    [InlineData("view@v-1:f")]
    [InlineData("@v1:f")]
    public void TryParse_WrongForms_SayTheRightOne(string text)
    {
        Assert.False(FeatureReference.TryParse(text, out _, out var error));
        Assert.Contains("view", error, StringComparison.Ordinal);
        Assert.Contains($"'{text}'", error, StringComparison.Ordinal);
    }
}
