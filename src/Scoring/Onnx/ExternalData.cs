using System.Globalization;
using FeatureStore.Scoring.Models;
using FeatureStore.Scoring.Onnx.Format;
using Google.Protobuf;

namespace FeatureStore.Scoring.Onnx;

/// <summary>Takes weights that lie in files beside the model into the model itself, so that the native library opens no file and one hash covers what runs.</summary>
internal static class ExternalData
{
    private const int External = 1;

    /// <returns>Whether anything was taken in.</returns>
    public static bool Inline(OnnxGraph graph, string? folder, long bytesMax)
    {
        var changed = false;
        foreach (var tensor in GraphWalk.Tensors(graph).Where(IsExternal))
        {
            var entries = Entries(tensor);
            var location = Location(tensor, entries);
            if (folder is null)
            {
                throw new ModelRefusedException($"Tensor '{tensor.Name}' lies in another file, '{location}', and the model was not given as a file. Save the model as one file.");
            }

            var data = Read(tensor, Path.Combine(folder, location), entries, bytesMax);
            bytesMax -= data.Length;
            tensor.RawData = ByteString.CopyFrom(data);
            tensor.ExternalData.Clear();
            tensor.ClearDataLocation();
            changed = true;
        }

        return changed;
    }

    private static bool IsExternal(OnnxTensor tensor) => tensor.DataLocation == External || tensor.ExternalData.Count > 0;

    private static Dictionary<string, string> Entries(OnnxTensor tensor)
    {
        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in tensor.ExternalData)
        {
            entries[entry.Key] = entry.Value;
        }

        return entries;
    }

    /// <summary>Only a plain file name is accepted: whatever has a folder in it may leave the model's.</summary>
    private static string Location(OnnxTensor tensor, Dictionary<string, string> entries)
    {
        var location = entries.GetValueOrDefault("location", string.Empty);
        location = location.StartsWith("./", StringComparison.Ordinal) ? location[2..] : location;
        return location.Length > 0 && location is not ("." or "..") && !location.AsSpan().ContainsAny("/\\:\0") && location == Path.GetFileName(location)
            ? location
            : throw new ModelRefusedException($"Tensor '{tensor.Name}' lies in '{location}'; external data must be a file in the model's own folder.");
    }

    private static byte[] Read(OnnxTensor tensor, string path, Dictionary<string, string> entries, long bytesMax)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.LinkTarget is not null)
        {
            throw new ModelRefusedException($"Tensor '{tensor.Name}' lies in '{file.Name}', which {(file.Exists ? "is a link" : "is not beside the model")}.");
        }

        var offset = Number(tensor, entries, "offset", 0);
        var length = Number(tensor, entries, "length", file.Length - offset);
        if (offset > file.Length || length < 0 || length > file.Length - offset)
        {
            throw new ModelRefusedException($"Tensor '{tensor.Name}' is bytes {offset} to {offset + length} of '{file.Name}', which has {file.Length}.");
        }

        if (length > bytesMax)
        {
            throw new ModelRefusedException($"Tensor '{tensor.Name}' takes the model with its external data over the limit by {length - bytesMax:N0} bytes.");
        }

        using var stream = file.OpenRead();
        stream.Position = offset;
        var data = new byte[length];
        stream.ReadExactly(data);
        return data;
    }

    private static long Number(OnnxTensor tensor, Dictionary<string, string> entries, string key, long fallback) =>
        !entries.TryGetValue(key, out var text) ? fallback
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value
        : throw new ModelRefusedException($"Tensor '{tensor.Name}' has the external {key} '{text}', which is no number.");
}
