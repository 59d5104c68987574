using Feast.Types;
using Google.Protobuf;

namespace FeatureStore.Client;

/// <summary>
/// One join key's value, of a type that an entity key may have. Made by conversion from <see cref="string"/>,
/// <see cref="int"/>, <see cref="long"/>, <see cref="byte"/>[] or <see cref="DateTimeOffset"/> (whole seconds). The type counts: 7 and 7L are other
/// entities, as the view's join key is declared INT32 or INT64.
/// </summary>
public readonly struct EntityValue
{
    private readonly Value? _message;

    private EntityValue(Value message) => _message = message;

    /// <summary>The value as Feast's message.</summary>
    /// <exception cref="InvalidOperationException">The value is the default one, which is none.</exception>
    internal Value Message =>
        _message ?? throw new InvalidOperationException("An entity value is missing; give every row a value for every join key.");

    public static implicit operator EntityValue(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(new Value { StringVal = value });
    }

    public static implicit operator EntityValue(int value) => new(new Value { Int32Val = value });

    public static implicit operator EntityValue(long value) => new(new Value { Int64Val = value });

    public static implicit operator EntityValue(byte[] value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(new Value { BytesVal = ByteString.CopyFrom(value) });
    }

    public static implicit operator EntityValue(DateTimeOffset value) => new(new Value { UnixTimestampVal = value.ToUnixTimeSeconds() });

    /// <summary>The type and no value, so that none reaches a log by accident.</summary>
    public override string ToString() => _message is null ? "none" : _message.ValCase.ToString();
}
