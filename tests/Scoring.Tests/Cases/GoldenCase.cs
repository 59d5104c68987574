using System.Globalization;
using System.Text.Json;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Runtime;

namespace FeatureStore.Scoring.Tests.Cases;

/// <summary>A recorded model with its inputs and answers; see Golden/README.md.</summary>
internal sealed class GoldenCase
{
    private static readonly string Root = Path.Combine(AppContext.BaseDirectory, "Golden", "cases");
    private readonly JsonElement _json;

    private GoldenCase(string name)
    {
        Folder = Path.Combine(Root, name);
        _json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "case.json"))).RootElement;
    }

    public string Folder { get; }

    public string Format => Text("format");

    public string Expect => Text("expect");

    public string Sha256 => Text("sha256");

    public string Task => _json.TryGetProperty("task", out var task) ? task.GetString() ?? string.Empty : string.Empty;

    public string ModelPath => Path.Combine(Folder, Text("model"));

    /// <summary>All files of the model; an XGBoost case may hold the same model in both formats.</summary>
    public IReadOnlyList<string> ModelPaths => _json.TryGetProperty("files", out var files)
        ? [.. files.EnumerateArray().Select(f => Path.Combine(Folder, f.GetString()!))]
        : [ModelPath];

    public bool IsRunRowByRow => _json.TryGetProperty("run", out var run) && run.GetString() == "row by row";

    public IReadOnlyList<JsonElement> InputElements => _json.TryGetProperty("inputs", out var inputs) && inputs.ValueKind == JsonValueKind.Array ? [.. inputs.EnumerateArray()] : [];

    public IReadOnlyList<JsonElement> Outputs => _json.TryGetProperty("outputs", out var outputs) ? [.. outputs.EnumerateArray()] : [];

    public string[] RequestedOutputs => [.. _json.GetProperty("requested_outputs").EnumerateArray().Select(o => o.GetString()!)];

    public static GoldenCase Open(string name) => new(name);

    /// <summary>Loads the model as the record says: from its file, or from bytes that know no folder.</summary>
    public IModelSession Load() => _json.TryGetProperty("load_from", out var from) && from.GetString() == "bytes"
        ? ModelLoader.Load(File.ReadAllBytes(ModelPath), folder: null, ModelLimits.Default)
        : ModelLoader.Load(ModelPath, Sha256);

    /// <summary>Names of the cases that the condition picks.</summary>
    public static TheoryData<string> Names(Func<GoldenCase, bool> condition)
    {
        var names = Directory.EnumerateDirectories(Root).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal).Where(n => condition(Open(n)));
        var data = new TheoryData<string>();
        foreach (var name in names)
        {
            data.Add(name);
        }

        return data;
    }

    public Tensor[] Inputs() => [.. InputElements.Select(i => Read(i, i.GetProperty("name").GetString()!))];

    public static Tensor Read(JsonElement element, string name)
    {
        long[] shape = [.. element.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
        JsonElement[] values = [.. element.GetProperty("values").EnumerateArray()];
        return element.GetProperty("type").GetString() switch
        {
            "float" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, float.Parse))),
            "double" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, double.Parse))),
            "float16" => Tensor.Of(name, shape, Array.ConvertAll(values, v => Number(v, Half.Parse))),
            "int64" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.GetInt64())),
            "int32" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.GetInt32())),
            "int16" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.GetInt16())),
            "int8" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.GetSByte())),
            "uint64" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.GetUInt64())),
            "uint32" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.GetUInt32())),
            "uint16" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.GetUInt16())),
            "uint8" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.GetByte())),
            "bool" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.ValueKind == JsonValueKind.Number ? v.GetInt32() != 0 : v.GetBoolean())),
            "string" => Tensor.Of(name, shape, Array.ConvertAll(values, v => v.GetString()!)),
            var other => throw new InvalidDataException($"The case has the type '{other}'."),
        };
    }

    public override string ToString() => Path.GetFileName(Folder);

    /// <summary>Parsed as what it is: a float32 by way of a double could round twice.</summary>
    private static T Number<T>(JsonElement value, Func<string, NumberStyles, IFormatProvider, T> parse) =>
        parse(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture);

    private string Text(string name) => _json.GetProperty(name).GetString()!;
}
