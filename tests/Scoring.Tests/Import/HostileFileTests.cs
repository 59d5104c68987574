using System.Text;
using FeatureStore.Scoring.Import;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Tests.Cases;

namespace FeatureStore.Scoring.Tests.Import;

/// <summary>Whatever the bytes, an importer answers with a model or a refusal.</summary>
public sealed class HostileFileTests
{
    private const int Rounds = 400;

    [Theory]
    [InlineData(ModelFormat.XGBoostJson, 11)]
    [InlineData(ModelFormat.XGBoostUbj, 12)]
    [InlineData(ModelFormat.LightGbmText, 13)]
    public void ToOnnx_BytesFlipped_IsAModelOrARefusal(ModelFormat format, int seed)
    {
        var file = Sample(format);
        var random = new Random(seed);
        var refused = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var damaged = (byte[])file.Clone();
            for (var flips = random.Next(1, 6); flips > 0; flips--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            refused += IsRefused(damaged, format, $"seed {seed}, round {round}") ? 1 : 0;
        }

        Assert.True(refused > 0, "Nothing was refused: the test damages nothing.");
    }

    [Theory]
    [InlineData(ModelFormat.XGBoostJson)]
    [InlineData(ModelFormat.XGBoostUbj)]
    [InlineData(ModelFormat.LightGbmText)]
    public void ToOnnx_FileCutAnywhere_IsRefused(ModelFormat format)
    {
        var file = Sample(format);
        var end = format == ModelFormat.LightGbmText ? Encoding.UTF8.GetString(file).IndexOf("end of trees", StringComparison.Ordinal) : file.Length;
        for (var length = 0; length < end; length += 1 + (length / 50))
        {
            Assert.True(IsRefused(file[..length], format, $"cut to {length} bytes"), $"cut to {length} bytes and taken");
        }
    }

    [Theory]
    [InlineData("[", 100_000)]
    [InlineData("{\"a\":", 100_000)]
    public void ToOnnx_JsonNestedWithoutEnd_IsRefused(string opening, int times) =>
        Assert.True(IsRefused(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(opening, times))), ModelFormat.XGBoostJson, "nested"));

    [Fact]
    public void ToOnnx_UbjArrayThatClaimsMoreThanItHolds_IsRefusedWithoutTheMemory()
    {
        byte[] file = [(byte)'{', (byte)'i', 1, (byte)'a', (byte)'[', (byte)'$', (byte)'D', (byte)'#', (byte)'L', 0x0f, 255, 255, 255, 255, 255, 255, 255, (byte)'}'];
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(IsRefused(file, ModelFormat.XGBoostUbj, "huge"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private static byte[] Sample(ModelFormat format) => format switch
    {
        ModelFormat.XGBoostJson => XGBoostFiles.Read("binary-logistic.json"),
        ModelFormat.XGBoostUbj => XGBoostFiles.Read("binary-logistic.ubj"),
        _ => File.ReadAllBytes(GoldenCase.Open("lgbm-native-binary").ModelPath)[..12_000].Concat("\nend of trees\n"u8.ToArray()).ToArray(),
    };

    private static bool IsRefused(byte[] file, ModelFormat format, string what)
    {
        try
        {
            ModelImporter.ToOnnx(file, format, ModelLimits.Default);
            return false;
        }
        catch (ModelRefusedException e)
        {
            Assert.NotEmpty(e.Message);
            return true;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{format}, {what}: {e.GetType().Name}", e);
        }
    }
}
