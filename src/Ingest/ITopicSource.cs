using FeatureStore.Ingest.ChangeLog;

namespace FeatureStore.Ingest;

/// <summary>What lies in a partition of a topic, as far as it tells what a message means.</summary>
public interface ITopicPast
{
    /// <summary>The topic's name.</summary>
    string Topic { get; }

    /// <summary>True if the topic has no other partition, so that its order is that of the changes. Rows without a key are told apart by nothing else.</summary>
    bool IsWhole { get; }

    /// <summary>The first offset that can still be read.</summary>
    long First { get; }

    /// <summary>What lay between two offsets, the second not included. Only what is near the place where reading begins is asked for.</summary>
    IReadOnlyList<StoredMessage> Past(long first, long end);
}

/// <summary>One partition of a topic, out of which change events are landed. Its offsets grow, and may leave some out.</summary>
public interface ITopicSource : ITopicPast
{
    /// <summary>Under this name the lake keeps how far it is.</summary>
    string AppId { get; }

    /// <summary>The offset to read from.</summary>
    /// <param name="landed">The last one that the lake holds; null for none.</param>
    long Next(long? landed);

    /// <summary>Messages from an offset on, in order, as many as there are now and within the bounds, but one at least if there is any.</summary>
    /// <param name="bytesMax">Bytes of keys and values after which no further message is read.</param>
    IReadOnlyList<StoredMessage> Read(long from, int messagesMax, long bytesMax);

    /// <summary>Notes the messages of a batch that are no change events, durably when the call returns. The same may be noted again.</summary>
    void NoteLetters(IReadOnlyList<StoredMessage> batch, IReadOnlyList<DeadLetter> letters);

    /// <summary>Is told that the lake holds everything up to an offset. A report: reading goes on after what the lake says.</summary>
    void NoteLanded(long offset);
}
