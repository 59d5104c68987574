using System.Collections;
using FeatureStore.Registry.Definitions;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace FeatureStore.Registry.Files;

/// <summary>Names the fields in which two messages of one type differ. Items of a list are told apart by name where they have one.</summary>
internal static class MessageDiff
{
    private const int TextMax = 200;

    // What a TimeSpan holds, with room.
    private const long DurationSecondsMax = 900_000_000_000;

    // What names an item: a field's name, or a projection's alias and view.
    private static readonly string[] NameFields = ["feature_view_name_alias", "feature_view_name", "name"];

    public static IReadOnlyList<FieldChange> Compare(IMessage before, IMessage after)
    {
        var changes = new List<FieldChange>();
        Compare(string.Empty, before, after, changes);
        return changes;
    }

    private static void Compare(string prefix, IMessage before, IMessage after, List<FieldChange> changes)
    {
        foreach (var field in before.Descriptor.Fields.InFieldNumberOrder())
        {
            var (old, next) = (field.Accessor.GetValue(before), field.Accessor.GetValue(after));
            if (Equals(old, next))
            {
                continue;
            }

            var path = prefix + field.Name;
            if (field.IsMap)
            {
                CompareMaps(path, (IDictionary)old, (IDictionary)next, changes);
            }
            else if (field.IsRepeated)
            {
                CompareLists(path, field, (IList)old, (IList)next, changes);
            }
            else if (field.FieldType == FieldType.Message && old is IMessage one and not Duration && next is IMessage two)
            {
                Compare($"{path}.", one, two, changes);
            }
            else
            {
                changes.Add(new FieldChange(path, Text(field, old), Text(field, next)));
            }
        }
    }

    private static void CompareMaps(string path, IDictionary before, IDictionary after, List<FieldChange> changes)
    {
        foreach (var key in before.Keys.Cast<object>().Concat(after.Keys.Cast<object>()).Distinct())
        {
            var (old, next) = (before.Contains(key) ? before[key] : null, after.Contains(key) ? after[key] : null);
            if (!Equals(old, next))
            {
                changes.Add(new FieldChange($"{path}.{key}", Text(old), Text(next)));
            }
        }
    }

    private static void CompareLists(string path, FieldDescriptor field, IList before, IList after, List<FieldChange> changes)
    {
        if (field.FieldType != FieldType.Message || NameOf(field.MessageType) is not { } names)
        {
            changes.Add(new FieldChange(path, Text(before), Text(after)));
            return;
        }

        var (old, next) = (ByName(before, names), ByName(after, names));
        if (old is null || next is null)
        {
            changes.Add(new FieldChange(path, Text(before), Text(after)));
            return;
        }

        var count = changes.Count;
        foreach (var name in old.Keys.Concat(next.Keys).Distinct())
        {
            var (one, two) = (old.GetValueOrDefault(name), next.GetValueOrDefault(name));
            if (one is not null && two is not null)
            {
                Compare($"{path}.{name}.", one, two, changes);
            }
            else
            {
                changes.Add(new FieldChange($"{path}.{name}", Text(one), Text(two)));
            }
        }

        if (changes.Count == count)
        {
            changes.Add(new FieldChange(path, string.Join(", ", old.Keys), string.Join(", ", next.Keys)));
        }
    }

    private static FieldDescriptor[]? NameOf(MessageDescriptor type)
    {
        FieldDescriptor[] fields = [.. NameFields.Select(n => type.FindFieldByName(n)).OfType<FieldDescriptor>()];
        return fields.Length == 0 ? null : fields;
    }

    /// <summary>Null when two items have one name, so that they cannot be told apart.</summary>
    private static Dictionary<string, IMessage>? ByName(IList items, FieldDescriptor[] names)
    {
        var byName = new Dictionary<string, IMessage>();
        foreach (IMessage item in items)
        {
            var name = names.Select(n => (string)n.Accessor.GetValue(item)).FirstOrDefault(n => n.Length > 0) ?? string.Empty;
            if (!byName.TryAdd(name, item))
            {
                return null;
            }
        }

        return byName;
    }

    private static string? Text(FieldDescriptor field, object? value) =>
        field.FieldType == FieldType.Enum && value is not null ? field.EnumType.FindValueByNumber((int)value)?.Name ?? Text((int)value) : Text(value);

    private static string? Text(object? value)
    {
        var text = value switch
        {
            null => null,
            string s => s,
            Duration { Nanos: 0, Seconds: >= 0 and < DurationSecondsMax } duration => DurationText.Format(duration.ToTimeSpan()),
            ByteString bytes => FormattableString.Invariant($"{bytes.Length} bytes"),
            IMessage message => JsonFormatter.Default.Format(message).Trim('"'),
            IList list => string.Join(", ", list.Cast<object>().Select(Text)),
            _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture),
        };
        return text?.Length > TextMax ? text[..TextMax] + " …" : text;
    }
}
